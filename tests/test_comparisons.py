"""Families of comparisons: who is compared with whom, whatever methods a study has."""

from pathlib import Path

import pytest
from synthetic_study import SyntheticStudy, three_seeds

from fada_lib.study.comparisons import (
    ADAPTATION,
    CLASS_LEVEL,
    DISTILLATION,
    DISTILLED_VARIANTS,
    MULTISCALE,
    STUDENTS,
    TRUTH,
    VARIANTS,
    difference,
    difference_label,
    families,
    ladders,
    teacher_of,
    unpaired,
)
from fada_lib.study.grids import gains
from fada_lib.study.results import read_study
from fada_lib.study.statistics import paired_difference


def compared(folder: Path) -> dict[str, list[tuple[str, str]]]:
    return {family: [(d.first, d.second) for d in found] for family, found in families(read_study(folder)).items()}


def test_fada_meets_every_method_without_sd_and_the_others_meet_no_adaptation(tmp_path: Path) -> None:
    study = three_seeds(tmp_path)
    for seed in range(3):
        study.model("clan", seed, 0.35)
        study.model("adabn", seed, 0.33)
    found = compared(study.folder)
    others = {second for first, second in found[CLASS_LEVEL] if first == "fada_soft"}
    assert others == {"source_only", "source_continued", "binary", "clan", "fada_hard", "adabn"}
    assert ("fada_hard", "binary") in found[CLASS_LEVEL]
    assert {first for first, _ in found[ADAPTATION]} == {"binary", "clan", "fada_hard", "adabn"}
    assert {second for _, second in found[ADAPTATION]} == {"source_continued"}
    assert not any("oracle" in name for pairs in found.values() for pair in pairs for name in pair)


def test_fada_at_temperature_one_meets_every_method_too(tmp_path: Path) -> None:
    study = three_seeds(tmp_path)
    sharp = "fada_soft_temperature_1.0"
    for seed in range(3):
        study.model("clan", seed, 0.35)
        study.model(sharp, seed, 0.5)
        study.model(sharp, seed, 0.5, stage="distill")
    found = compared(study.folder)
    met = {first: {second for one, second in found[CLASS_LEVEL] if one == first} for first in ("fada_soft", sharp)}
    assert met[sharp] == met["fada_soft"] == {"source_only", "source_continued", "binary", "clan", "fada_hard"}
    assert found[VARIANTS] == [(sharp, "fada_soft")]
    assert sharp not in {first for first, _ in found[ADAPTATION]}, "each pair once"
    assert set(found[STUDENTS]) == {("fada_soft+sd", "binary+sd"), (f"{sharp}+sd", "binary+sd")}


def test_a_change_of_fada_at_temperature_one_meets_the_binary_discriminator_changed_alike(tmp_path: Path) -> None:
    study = three_seeds(tmp_path)
    names = ("fada_soft_temperature_1.0", "fada_soft_temperature_1.0_slow", "fada_soft_temperature_2.5", "binary_slow")
    for seed in range(3):
        for name in names:
            study.model(name, seed, 0.4)
    found = compared(study.folder)
    assert {(one, two) for one, two in found[CLASS_LEVEL] if one in names[1:]} == {
        ("fada_soft_temperature_1.0_slow", "binary_slow"),
        ("fada_soft_temperature_2.5", "binary"),  # it has no temperature
    }
    assert found[VARIANTS] == [
        ("fada_soft_temperature_1.0", "fada_soft"),
        ("binary_slow", "binary"),
        ("fada_soft_temperature_2.5", "fada_soft"),
        ("fada_soft_temperature_1.0_slow", "fada_soft_temperature_1.0"),
    ]


def test_a_changed_method_meets_itself_and_the_others_changed_alike(tmp_path: Path) -> None:
    study = three_seeds(tmp_path)
    unchanged = compared(study.folder)
    for seed in range(3):
        for name in ("source_continued_slow", "binary_slow", "fada_soft_slow", "fada_soft_fast"):
            study.model(name, seed, 0.4)
    found = compared(study.folder)
    methods = ("source_continued", "binary", "fada_soft")
    slow = [(f"{name}_slow", name) for name in methods]
    assert sorted(found[VARIANTS]) == sorted([*slow, ("fada_soft_fast", "fada_soft")])
    assert set(found[CLASS_LEVEL]) - set(unchanged[CLASS_LEVEL]) == {
        ("fada_soft_slow", "binary_slow"),
        ("fada_soft_fast", "binary"),  # there is no fast one
    }
    assert set(found[ADAPTATION]) - set(unchanged[ADAPTATION]) == {
        ("binary_slow", "source_continued_slow"),
        ("fada_soft_slow", "source_continued_slow"),
        ("fada_soft_fast", "source_continued"),
    }


def test_true_encodings_meet_what_has_none_in_a_family_of_their_own(tmp_path: Path) -> None:
    study = three_seeds(tmp_path)
    others = compared(study.folder)
    for seed in range(3):
        study.model("oracle_encodings", seed, 0.6)
    found = compared(study.folder)
    rivals = ("source_continued", "binary", "fada_hard", "fada_soft")
    assert found.pop(TRUTH) == [("oracle_encodings", name) for name in rivals]
    assert found == others, "they change no other family, nor its correction for several comparisons"


def test_students_meet_their_teachers_and_each_other(tmp_path: Path) -> None:
    study = three_seeds(tmp_path)
    for seed in range(3):
        study.model("source_only", seed, 0.32, stage="distill")
        study.model("fada_soft@sd=frozen_bn", seed, 0.47, stage="distill")
    found = compared(study.folder)
    assert set(found[DISTILLATION]) == {
        ("binary+sd", "binary"),
        ("fada_soft+sd", "fada_soft"),
        ("source_only+sd", "source_only"),
        ("fada_soft@sd=frozen_bn+sd", "fada_soft"),
    }
    assert set(found[STUDENTS]) == {("fada_soft+sd", "binary+sd"), ("fada_soft+sd", "source_only+sd")}


def test_changed_students_meet_the_plain_student_of_their_teacher_where_there_is_one(tmp_path: Path) -> None:
    study = three_seeds(tmp_path)
    for seed in range(3):
        study.model("fada_soft@sd=frozen_bn", seed, 0.47, stage="distill")
        study.model("source_continued@sd=frozen_bn", seed, 0.33, stage="distill")
    assert compared(study.folder)[DISTILLED_VARIANTS] == [("fada_soft@sd=frozen_bn+sd", "fada_soft+sd")]


def test_multi_scale_testing_meets_single_scale_of_the_same_network(tmp_path: Path) -> None:
    found = compared(three_seeds(tmp_path).folder)[MULTISCALE]
    assert set(found) == {(f"{n}+mst", n) for n in ("binary", "fada_soft", "binary+sd", "fada_soft+sd")}


def test_holm_counts_the_members_of_one_family_only(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for seed, noise in enumerate((0.0, 0.01, 0.03)):
        study.model("fada_soft", seed, 0.5 + noise)
        study.model("binary", seed, 0.45)
        study.model("fada_soft", seed, 0.52, stage="distill")
    found = families(read_study(study.folder))
    assert [d.p_holm for d in found[CLASS_LEVEL]] == [d.p for d in found[CLASS_LEVEL]]
    assert [d.p_holm for d in found[DISTILLATION]] == [d.p for d in found[DISTILLATION]]


def test_seeds_that_either_side_lacks_are_named(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for seed in range(3):
        study.model("fada_soft", seed, 0.5)
        study.model("binary", seed + 1, 0.4)
    read = read_study(study.folder)
    assert unpaired(read, difference(read, "fada_soft", "binary")) == [0, 3]


@pytest.mark.parametrize(
    ("student", "teacher"),
    [
        ("binary+sd", "binary"),
        ("fada_soft@sd=frozen_bn+sd", "fada_soft"),
        ("fada_soft@lambda_adv=0.1,sd=live+sd", "fada_soft@lambda_adv=0.1"),
    ],
)
def test_a_student_is_traced_to_its_teacher(student: str, teacher: str) -> None:
    assert teacher_of(student) == teacher


def test_self_training_of_the_source_model_is_a_ladder_without_an_adaptation(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    study.model("source_only", 0, 0.3, stage="pretrain")
    study.model("source_only", 0, 0.33, stage="distill", multiscale=0.34)
    assert ladders(read_study(study.folder)) == {"source_only": [[0.3], None, [0.33], [0.34]]}


def test_gains_over_continued_training_are_paired_by_world_seed_and_iteration() -> None:
    def history(*values: float) -> list[dict]:
        return [{"iteration": i, "target_tune_miou": v} for i, v in enumerate(values)] + [{"iteration": 9}]

    measured = {
        "source_continued": {("w", 0): history(0.3, 0.4), ("w", 1): history(0.1, 0.1)},
        "binary": {("w", 0): history(0.5, 0.5, 0.9), ("w", 2): history(0.9)},
    }
    (rows,) = gains(measured, "source_continued")["binary"]
    assert [row["target_tune_miou"] for row in rows] == pytest.approx([0.2, 0.1])


def test_gains_come_in_the_order_of_the_runs() -> None:
    pairs = [("w", seed) for seed in (5, 3, 9, 0, 7)]
    floor = {pair: [{"iteration": 1, "target_tune_miou": 0.0}] for pair in pairs}
    runs = {pair: [{"iteration": 1, "target_tune_miou": float(pair[1])}] for pair in pairs}
    found = gains({"source_continued": floor, "binary": runs}, "source_continued")["binary"]
    assert [rows[0]["target_tune_miou"] for rows in found] == [5, 3, 9, 0, 7]


def test_a_figure_leaves_out_the_point_of_the_grid_and_keeps_the_variant_of_the_distillation() -> None:
    d = paired_difference("binary@lambda_adv=0.1,sd=live+sd+mst", "binary@lambda_adv=0.1", {0: 1.0}, {0: 0.0})
    assert difference_label(d, points=False) == "Binary discriminator (sd = live) + SD + MST − Binary discriminator"
    assert "λ = 0.1" in difference_label(d)
