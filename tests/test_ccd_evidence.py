"""Evidence on CCD: which networks, which world and which gap it is taken from."""

from pathlib import Path

import pytest
from synthetic_study import SyntheticStudy

from fada_lib.study.ccd_evidence import agreement, lower_ccd
from fada_lib.study.results import Gap, Study, read_study

LEVELS = {"source_only": 3.0, "binary": 2.0, "clan": 1.5, "fada_soft": 1.0}
"""Method -> mean CCD; its mIoU falls with it."""


def two_worlds(folder: Path, analysed: str = "01_data-hard") -> Study:
    """Two gaps, of which one was analysed; in the other one mIoU rises with CCD."""
    study = SyntheticStudy(folder)
    for world, shift, sign in (("01_data-hard", 1.0, -1), ("01_data-easy", 0.0, 1)):
        study.world(world, shift)
        for method, level in LEVELS.items():
            study.model(method, 0, 0.5 + sign * 0.1 * level, world=world)
        study.model("oracle", 0, 0.9, stage="pretrain", world=world)
        study.model("fada_soft", 0, 0.9, stage="distill", world=world)
    means = {**LEVELS, "oracle": 9.0, "fada_soft+sd": 8.0}
    ccd = {method: {"0": {"per_class": [v], "mean": v, "median": v}} for method, v in means.items()}
    study.add("05_analysis", "analyse", {"ccd": ccd}, {"data": f"results/x/runs/{analysed}"})
    return read_study(study.folder)


def test_agreement_leaves_the_oracle_and_students_out_and_takes_miou_of_the_analysed_world(tmp_path: Path) -> None:
    assert agreement(two_worlds(tmp_path), None).values == pytest.approx((1.0,))


def test_ccd_is_evidence_in_the_gap_of_the_world_that_was_analysed_only(tmp_path: Path) -> None:
    study = two_worlds(tmp_path, analysed="01_data-easy")
    assert lower_ccd("binary")(study, None) is None
    assert lower_ccd("binary")(study, Gap(0.0, 1.0)).values == pytest.approx((1.0,))
    assert agreement(study, Gap(0.0, 1.0)).values == pytest.approx((-1.0,))


def test_of_worlds_of_one_gap_the_analysed_one_gives_the_miou(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for world, sign in (("01_data-analysed", -1), ("01_data-other", 1)):
        study.world(world)
        for method, level in LEVELS.items():
            study.model(method, 0, 0.5 + sign * 0.1 * level, world=world)
    ccd = {method: {"0": {"per_class": [v], "mean": v, "median": v}} for method, v in LEVELS.items()}
    study.add("05_analysis", "analyse", {"ccd": ccd}, {"data": "results/x/runs/01_data-analysed"})
    assert agreement(read_study(study.folder), None).values == pytest.approx((1.0,))


def test_a_diverged_network_has_no_ccd_and_no_pair(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    study.world("01_data-w0")
    nothing = {"per_class": [None], "mean": None, "median": None}
    known = {"per_class": [1.0], "mean": 1.0, "median": 1.0}
    study.model("binary", 0, 0.1)
    study.model("fada_soft", 0, 0.4)
    ccd = {"binary": {"0": nothing}, "fada_soft": {"0": known}}
    study.add("05_analysis", "analyse", {"ccd": ccd}, {"data": "results/x/runs/01_data-w0"})
    assert lower_ccd("binary")(read_study(study.folder), None) is None
