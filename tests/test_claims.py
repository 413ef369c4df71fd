"""'What holds': the rule on made-up differences, and each claim on made-up runs."""

from dataclasses import replace
from pathlib import Path

import pytest
from synthetic_study import SyntheticStudy, three_seeds

from fada_lib.study.claim_tables import gap_table
from fada_lib.study.claims import OURS, Judged, judge_claims, our_questions, paper_claims, tally, verdict
from fada_lib.study.clipping import clip_variants
from fada_lib.study.results import read_study
from fada_lib.study.statistics import holm, paired_difference

ZERO = dict.fromkeys(range(3), 0.0)
NARROW = 0.0001


def around(mean: float, half_spread: float) -> object:
    """A difference of three pairs with this mean."""
    values = dict(enumerate((mean - half_spread, mean, mean + half_spread)))
    return paired_difference("a", "b", values, ZERO)


@pytest.mark.parametrize(
    ("mean", "spread", "gain", "expected"),
    [
        (0.02, NARROW, 4.0, "holds"),
        (0.019, NARROW, 4.0, "holds weaker"),
        (0.0, NARROW, 4.0, "does not hold here"),
        (-0.03, NARROW, 4.0, "does not hold here"),
        (0.02, 0.05, 4.0, "undecided"),
        (0.001, NARROW / 10, None, "holds"),
        (-0.001, NARROW / 10, None, "does not hold here"),
        (0.0, NARROW, None, "undecided"),
    ],
)
def test_a_claim_holds_or_fails_by_its_interval_and_half_of_the_published_gain(
    mean: float, spread: float, gain: float | None, expected: str
) -> None:
    assert verdict(around(mean, spread), gain) == expected


def test_what_only_an_unadjusted_interval_decides_is_undecided() -> None:
    sure = around(0.02, NARROW)
    assert verdict(replace(sure, p_holm=0.05), 4.0) == "holds"
    assert verdict(replace(sure, p_holm=0.051), 4.0) == "undecided"


def test_without_pairs_there_is_no_verdict() -> None:
    two = paired_difference("a", "b", {0: 0.5, 1: 0.5001}, ZERO)
    assert verdict(two, 1.0) == "too few seeds"
    assert verdict(None, 1.0) == "not measured"


def test_published_gains_are_differences_of_the_papers_tables() -> None:
    gains = {claim.text: claim.published for claim in paper_claims()}
    assert gains["FADA beats training on the source alone"] == 10.1
    assert gains["Class-level alignment beats binary alignment"] == 7.5
    assert gains["Class-level alignment with hard labels does too"] == 6.3
    assert gains["FADA without SD beats AdaptSegNet"] == 4.5
    assert gains["FADA without SD beats CLAN"] == 3.7
    assert gains["FADA without SD beats ADVENT"] == 1.4
    assert gains["Soft labels beat hard labels"] == 1.2
    assert gains["Self-distillation adds to FADA"] == 2.3
    assert gains["Multi-scale testing adds to FADA + SD"] == 0.9


def test_what_the_paper_never_claimed_is_marked_as_ours_and_not_counted_as_its_claim() -> None:
    assert all(claim.place.split()[0] in ("Table", "Tables", "Fig.") for claim in paper_claims())
    assert {claim.place for claim in our_questions()} == {OURS}
    of_paper, ours = paper_claims()[0], our_questions()[0]
    found = [Judged(of_paper, around(0.2, NARROW), "holds"), Judged(ours, around(0.2, NARROW), "undecided")]
    assert tally(found) == "1 'holds'"


def judged(folder: Path) -> dict[str, object]:
    return {j.claim.text: j for j in judge_claims(read_study(folder))}


def test_claims_are_judged_on_the_runs_that_are_there(tmp_path: Path) -> None:
    found = judged(three_seeds(tmp_path).folder)
    source = found["FADA beats training on the source alone"]
    assert (source.evidence.second, source.verdict) == ("source_continued", "holds")
    assert found["Multi-scale testing adds to FADA + SD"].evidence.summary.mean == pytest.approx(0.01)
    assert found["FADA without SD beats AdaptSegNet"].verdict == "not measured"
    assert "'holds'" in tally(list(found.values()))


def test_sharper_labels_are_our_question_and_not_the_papers_claim(tmp_path: Path) -> None:
    study = three_seeds(tmp_path)
    for seed in range(3):
        study.model("fada_soft_temperature_1.0", seed, 0.9 + 0.01 * seed)
    found = judged(study.folder)["Class-level alignment at T = 1 beats binary alignment"]
    assert (found.claim.place, found.evidence.first, found.evidence.second) == (
        OURS,
        "fada_soft_temperature_1.0",
        "binary",
    )


def test_the_claims_that_were_measured_are_one_family(tmp_path: Path) -> None:
    evidence = [j.evidence for j in judged(three_seeds(tmp_path).folder).values() if j.evidence is not None]
    assert [d.p_holm for d in evidence] == holm([d.p for d in evidence])


def test_a_lower_class_center_distance_supports_the_claim(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    levels = {"source_only": 3.0, "source_continued": 2.5, "binary": 2.0, "fada_soft": 1.0}
    for seed in range(3):
        for method, level in levels.items():
            study.model(method, seed, 0.6 - 0.1 * level, stage="pretrain" if method == "source_only" else "adapt")
    ccd = {
        m: {str(s): {"per_class": [v], "mean": v + 0.01 * s * v, "median": v} for s in range(3)}
        for m, v in levels.items()
    }
    study.add("05_analysis", "analyse", {"ccd": ccd}, {"data": "results/x/runs/01_data-w0"})
    found = judged(study.folder)
    lower = found["FADA has a lower mean CCD than binary alignment"]
    assert lower.evidence.values == pytest.approx((1.0, 1.01, 1.02))
    assert lower.verdict == "holds"
    assert found["Of two methods, the lower CCD has the higher mIoU"].evidence.values == pytest.approx((1, 1, 1))


def test_forgiving_is_what_the_largest_lambda_costs_the_binary_discriminator_more(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for seed in range(3):
        for method, at_large in (("binary", 0.30), ("fada_soft", 0.38)):
            for weight, miou in ((0.001, 0.40 + 0.01 * seed), (0.01, at_large + 0.002 * seed)):
                study.model(f"{method}@lambda_adv={weight}", seed, 0.5, options={"lambda_adv": weight}, tune=miou)
    found = judged(study.folder)["FADA forgives a large λ where binary does not"]
    assert found.evidence.values == pytest.approx((0.08, 0.08, 0.08))


def test_clipping_is_compared_with_all_else_equal(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for seed in range(3):
        for name, clip, other in (("fada_soft", 0.9, 1), ("no_clip", 1.0, 1), ("another", 1.0, 2)):
            options = {"encoding": "soft", "clip": clip, "temperature": other}
            study.model(name, seed, {"fada_soft": 0.45, "no_clip": 0.44, "another": 0.1}[name], options=options)
        options = {"encoding": "soft", "clip": 1.0, "temperature": 1}
        study.model("a_shorter", seed, 0.2, options=options, iterations=50)
        study.model("a_live_one", seed, 0.2, options=options, batch_norm="live")
    found = judged(study.folder)["Confidence clipping at 0.9 helps"]
    assert (found.evidence.first, found.evidence.second) == ("fada_soft", "no_clip")


def test_an_option_of_hard_labels_does_not_set_soft_ones_apart(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for clip, unread in ((0.9, 1.0), (1.0, 1.8)):
        options = {"encoding": "soft", "clip": clip, "hard_temperature": unread}
        study.model(f"clip_{clip}", 0, 0.5, options=options, source_run=f"runs/of-{clip}", name=f"clip_{clip}")
    assert clip_variants(read_study(study.folder)) == [{0.9: "clip_0.9", 1.0: "clip_1.0"}]


def test_verdicts_by_gap_run_from_the_easier_to_the_harder(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for world, shift, gain in (("01_data-hard", 1.0, 0.08), ("01_data-easy", 0.0, -0.01)):
        study.world(world, shift)
        for seed in range(3):
            study.model("binary", seed, 0.4 + 0.01 * seed, world=world)
            study.model("fada_soft", seed, 0.4 + 0.0101 * seed + gain, world=world)
    (row,) = gap_table(read_study(study.folder)).rows
    assert row[0] == "Class-level alignment beats binary alignment"
    assert row[1].startswith("does not hold here (−0.99; 3)")
    assert row[2].startswith("holds (+8.01; 3)")
