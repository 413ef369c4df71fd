"""Parameters from a mapping: what fits, what does not, and what the refusal says."""

import pytest

from fada_lib.parameters import STAGES, AdaptParameters, PretrainParameters, UserError, from_mapping, to_mapping


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
