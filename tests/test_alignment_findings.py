"""What notebook 05 says in words: the numbers of its figures, and nothing about what was not measured."""

import json
from pathlib import Path

from synthetic_study import SyntheticStudy, three_seeds

from fada_lib.study.alignment_findings import alignment_findings
from fada_lib.study.comparisons import drawn
from fada_lib.study.findings import findings
from fada_lib.study.results import Study, read_study
from fada_lib.study.scopes import scopes


def analysed(study: SyntheticStudy, levels: dict[str, float], **more: object) -> Study:
    """The study with mean CCDs, a domain distance of a tenth of each, and what else the analysis kept."""
    path = study.folder / "runs" / "05_analysis" / "metrics.json"
    ccd = {name: {str(s): {"per_class": [v], "mean": v, "median": v} for s in range(3)} for name, v in levels.items()}
    distance = {name: {"0": {"per_class": [v / 10], "mean": v / 10, "median": v / 10}} for name, v in levels.items()}
    path.write_text(json.dumps({**json.loads(path.read_text()), "ccd": ccd, "domain_distance": distance, **more}))
    return read_study(study.folder)


def test_first_comes_what_alignment_gains_over_none(tmp_path: Path) -> None:
    found = alignment_findings(read_study(three_seeds(tmp_path).folder))
    assert found == [
        "Binary discriminator: target mIoU +9.0 points (+9.0 … +9.0) against Source, continued "
        "and +10.0 points (+10.0 … +10.0) against Source only.",
        "FADA, soft labels: target mIoU +15.0 points (+12.5 … +17.5) against Source, continued "
        "and +16.0 points (+13.5 … +18.5) against Source only.",
        "FADA, hard labels: target mIoU +11.0 points (+11.0 … +11.0) against Source, continued "
        "and +12.0 points (+12.0 … +12.0) against Source only.",
    ]


def test_class_level_stands_beside_binary_in_miou_ccd_and_domain_distance(tmp_path: Path) -> None:
    found = alignment_findings(analysed(three_seeds(tmp_path), {"binary": 3.0, "fada_soft": 2.0}))
    (told,) = [line for line in found if "against Binary discriminator" in line]
    assert told == (
        "FADA, soft labels against Binary discriminator: target mIoU +6.0 points (+3.5 … +8.5), "
        "mean CCD 2.00 against 3.00, domain distance 0.20 against 0.30."
    )


def test_every_kind_of_labels_stands_beside_binary(tmp_path: Path) -> None:
    study = three_seeds(tmp_path)
    for seed in range(3):
        study.model("fada_soft_temperature_1.0", seed, 0.5)
    names = ("binary", "fada_soft", "fada_soft_temperature_1.0", "fada_hard")
    found = alignment_findings(analysed(study, dict.fromkeys(names, 1.0)))
    told = [line.partition(" against ")[0] for line in found if "against Binary discriminator" in line]
    assert told == ["FADA, soft labels", "FADA, soft labels, T = 1.0", "FADA, hard labels"]


def test_a_lower_ccd_than_continued_training_is_told_with_a_minus(tmp_path: Path) -> None:
    found = alignment_findings(analysed(three_seeds(tmp_path), {"source_continued": 3.0, "fada_soft": 2.0}))
    assert "The mean CCD of FADA with soft labels differs from continued source training's by −1.00." in found


def test_the_best_adapted_model_is_neither_a_control_nor_unadapted_and_controls_are_told_apart(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for method, miou in (("source_continued", 0.6), ("adabn", 0.7), ("binary", 0.4), ("clan", 0.5)):
        study.model(method, 0, miou)
    told = " ".join(findings(read_study(study.folder)))
    assert "The best adapted model is CLAN with 50.0 %" in told
    assert "The best control without a discriminator is AdaBN (target statistics) with 70.0 %" in told


def test_controls_and_the_oracle_are_told_where_they_are_and_ccd_was_measured(tmp_path: Path) -> None:
    study = three_seeds(tmp_path)
    study.model("adabn", 0, 0.6)
    found = alignment_findings(analysed(study, {"adabn": 4.0, "oracle": 5.0}))
    assert [line for line in found if "CCD" in line] == [
        "AdaBN (target statistics): target mIoU 60.0 % at a mean CCD of 4.00.",
        "Oracle (target labels): target mIoU 81.0 % at a mean CCD of 5.00.",
    ]


def test_the_relation_is_told_by_scope_and_mended_mistakes_by_method(tmp_path: Path) -> None:
    entries = {"source models and methods": [{"rho": -0.7, "n": 10}], "with the oracle": [None]}
    mistakes = {"binary": {"0": {"mended": 0.25}, "1": {"mended": 0.35}}, "binary+sd": {"0": {"mended": 0.9}}}
    found = alignment_findings(
        analysed(three_seeds(tmp_path), {}, relations={"ccd": {"of_means": entries}}, mistakes=mistakes)
    )
    relation, mended = found[-2:]
    assert relation.endswith("(negative: the lower, the better): −0.70 source models and methods.")
    assert mended == "Of the source model's mistakes on the target, mended: Binary discriminator 30 %."


def test_without_an_analysis_nothing_is_said(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    study.model("binary", 0, 0.4)
    assert alignment_findings(read_study(study.folder)) == []


def test_scopes_are_nested_and_given_only_where_they_differ() -> None:
    names = ["source_only", "binary", "adabn", "oracle", "fada_soft", "fada_soft+sd"]
    assert scopes(names) == {
        "source models and methods": ["source_only", "binary", "fada_soft"],
        "with the controls": ["source_only", "binary", "adabn", "fada_soft"],
        "with the oracle": ["source_only", "binary", "adabn", "oracle", "fada_soft"],
    }
    assert list(scopes(["binary", "binary+sd"])) == ["source models and methods"]
    assert list(scopes(["binary", "oracle"])) == ["source models and methods", "with the oracle"]


def test_figures_show_all_but_students_that_were_not_asked_for() -> None:
    names = ["binary", "binary+sd", "fada_soft", "fada_soft+sd", "fada_soft@sd=live+sd"]
    assert drawn(names, ["fada_soft"]) == ["binary", "fada_soft", "fada_soft+sd", "fada_soft@sd=live+sd"]
    assert drawn(names, []) == ["binary", "fada_soft"]
