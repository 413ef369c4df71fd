"""Parameters from a mapping: what fits, what does not, and what the refusal says."""

import dataclasses

import pytest

from fada_lib.data.classes import CLASS_SETS
from fada_lib.data.layouts import LAYOUTS
from fada_lib.limits import CHOICES, LENGTHS, NOT_EMPTY, RANGES
from fada_lib.methods.options import OPTIONS
from fada_lib.methods.registry import METHODS
from fada_lib.models.backbones import BACKBONES, NORMS
from fada_lib.models.batch_norm import MODES as BATCH_NORM_MODES
from fada_lib.parameters import STAGES, AdaptParameters, PretrainParameters, UserError, from_mapping, to_mapping

KINDS = {**STAGES, **OPTIONS}


def kind_of(name):
    return next(kind for kind in KINDS.values() if name in {field.name for field in dataclasses.fields(kind)})


@pytest.mark.parametrize("stage", STAGES)
def test_defaults_survive_the_way_through_yaml_types(stage):
    kind = STAGES[stage]
    plain = to_mapping(kind())
    assert from_mapping(kind, plain, "here") == kind()
    assert all(isinstance(v, (str, int, float, bool, list, dict)) for v in plain.values())


def test_lists_become_tuples():
    assert from_mapping(AdaptParameters, {"source_size": [64, 32]}, "here").source_size == (64, 32)


def test_a_whole_number_may_stand_for_a_float_and_becomes_one():
    value = from_mapping(AdaptParameters, {"learning_rate": 1}, "here").learning_rate
    assert (value, type(value)) == (1.0, float)
    assert from_mapping(AdaptParameters, {"scales": [1, 2]}, "here").scales == (1.0, 2.0)


def test_what_is_not_given_is_the_default():
    assert from_mapping(PretrainParameters, {}, "here") == PretrainParameters()


def test_parameters_cannot_be_changed_afterwards():
    with pytest.raises(AttributeError):
        AdaptParameters().seed = 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"iteration": 5}, "here: unknown parameter 'iteration'; did you mean 'iterations'?"),
        ({"zzzzzz": 5}, "here: unknown parameter 'zzzzzz'; known: "),
        ({"iterations": 5.0}, "here: 'iterations' must be of type int, not 5.0"),
        ({"iterations": True}, "here: 'iterations' must be of type int, not True"),
        ({"iterations": "5"}, "here: 'iterations' must be of type int, not '5'"),
        ({"learning_rate": "1e-4"}, "'learning_rate' must be of type float, not '1e-4' (YAML reads 1e-4 as text"),
        ({"learning_rate": True}, "'learning_rate' must be of type float, not True"),
        ({"name": 3}, "'name' must be of type str, not 3"),
        ({"name": None}, "'name' must be of type str, not None"),
        ({"scales": 1.0}, "'scales' must be a list, not 1.0"),
        ({"scales": "123"}, "'scales' must be a list, not '123'"),
        ({"scales": [1.0, "x"]}, "'scales' must be of type float, not 'x'"),
        ({"options": ["lambda_adv"]}, "'options' must be a mapping"),
    ],
)
def test_what_does_not_fit_is_refused_by_name_in_one_line(values, message):
    with pytest.raises(UserError) as caught:
        from_mapping(AdaptParameters, values, "here")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_options_are_the_methods_own_business():
    assert from_mapping(AdaptParameters, {"options": {"anything": [1]}}, "here").options == {"anything": [1]}


@pytest.mark.parametrize("kind", OPTIONS.values())
def test_the_default_options_keep_to_their_limits(kind):
    assert from_mapping(kind, to_mapping(kind()), "here") == kind()


def test_choices_are_what_the_registries_know():
    known = {"class_set": CLASS_SETS, "source_layout": LAYOUTS, "target_layout": LAYOUTS}
    known |= {"backbone": BACKBONES, "norm": NORMS, "batch_norm": BATCH_NORM_MODES}
    assert {name: CHOICES[name] for name in known} == {name: tuple(registry) for name, registry in known.items()}
    assert set(OPTIONS) == set(METHODS)


@pytest.mark.parametrize("name", sorted({*CHOICES, *LENGTHS, *NOT_EMPTY, *RANGES}))
def test_limits_are_of_parameters_that_exist(name):
    assert kind_of(name)


def test_every_number_has_a_range():
    fields = [field for kind in KINDS.values() for field in dataclasses.fields(kind)]
    numbers = (int, float, tuple[int, ...], tuple[float, ...])
    assert {field.name for field in fields if field.type in numbers} == set(RANGES)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("encoding", "sofft", "is 'sofft': choose one of soft, hard (did you mean 'soft'?)"),
        ("class_set", "nope", "is 'nope': choose one of cityscapes19, "),
        ("learning_rate", -1.0, "must be above 0, not -1.0"),
        ("learning_rate", float("nan"), "must be a finite number, not nan"),
        ("gradient_clip", float("inf"), "must be a finite number, not inf"),
        ("batch_size", 0, "must be at least 1, not 0"),
        ("scales", [], "must not be empty"),
        ("scales", [1.0, 0.0], "must be at least 0.05, not 0.0"),
        ("scales", [0.001], "must be at least 0.05, not 0.001"),
        ("crop_scales", [0.001, 1.0], "must be at least 0.05, not 0.001"),
        ("seed", -1, "must be at least 0 and at most 4294967295, not -1"),
        ("seed", 2**64, "must be at least 0 and at most 4294967295, not 18446744073709551616"),
        ("world_seed", 2**32, "must be at least 0 and at most 4294967295, not 4294967296"),
        ("label_shift", 4, "must be at least 0 and at most 1, not 4.0"),
        ("perplexity", -1, "must be at least 1, not -1.0"),
        ("test_size", [5], "must have 0 or 2 elements, not 1"),
        ("jitter", [0.1], "must have 4 elements, not 1"),
        ("jitter", [0.1, 0.1, 0.1, 0.6], "must end in a hue of at most 0.5, not 0.6"),
        ("crop_scales", [1.0], "must have 2 elements, not 1"),
        ("crop_scales", [1.2, 0.8], "must be a smallest and a largest scale, not [1.2, 0.8]"),
        ("discriminator_channels", [64], "must have 2 elements, not 1"),
        ("lambda_adv", -1, "must be at least 0, not -1.0"),
        ("temperature", 0, "must be above 0, not 0.0"),
        ("clip", 0, "must be above 0 and at most 1, not 0.0"),
        ("threshold", 2, "must be at least 0 and at most 1, not 2.0"),
        ("momentum", 1, "must be at least 0 and below 1, not 1.0"),
        ("embedding_iterations", 249, "must be at least 250, not 249"),
    ],
)
def test_a_value_outside_its_limits_is_refused_in_one_line(name, value, message):
    with pytest.raises(UserError) as caught:
        from_mapping(kind_of(name), {name: value}, "here")
    assert str(caught.value).startswith(f"here: '{name}' {message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("label_shift", 0),
        ("label_shift", 1),
        ("clip", 1),
        ("test_size", []),
        ("lambda_adv", 0),
        ("gradient_clip", 0),
        ("seed", 2**32 - 1),
        ("scales", [0.05]),
    ],
)
def test_the_ends_of_a_range_are_accepted(name, value):
    from_mapping(kind_of(name), {name: value}, "here")


def test_a_student_draws_its_images_at_random_for_it_has_no_labels_to_balance():
    with pytest.raises(UserError, match="here: 'sampling' must be random for a student: class balance would need the"):
        from_mapping(STAGES["distill"], {"sampling": "class_balanced"}, "here")
    for stage in ("pretrain", "adapt"):
        assert from_mapping(STAGES[stage], {"sampling": "class_balanced"}, "here").sampling == "class_balanced"
