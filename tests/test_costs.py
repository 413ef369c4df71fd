"""What a study costs, said beforehand: measured runs of its scale count, else a default, else nothing is claimed."""

import json
from pathlib import Path

import pytest

from fada_lib import files
from fada_lib.study import runner
from fada_lib.study.costs import expect
from fada_lib.study.estimate import ANALYSIS_WORK, START_SECONDS
from fada_lib.study.expand import expand
from fada_lib.study.plan import Plan

STUDY = """
study: {name}
seeds: [1, 2]
data: {{world_seed: {world}}}
pretrain: {{iterations: 1000}}
adapt: {{iterations: 500}}
methods: {{source_continued: {{method: source_continued}}, fada_soft: {{method: fada}}}}
"""


def study(folder: Path, name: str = "a", world: int = 1) -> Plan:
    """One world, two seeds: a source model and two adaptations each."""
    path = folder / f"{name}.yaml"
    path.write_text(STUDY.format(name=name, world=world))
    return expand(path, folder)


def finish(plan: Plan, seconds: float, per_second: float) -> None:
    """Leave the provenance of finished runs, all of one speed."""
    plan.write(files.PROJECT_ROOT / "notebooks")
    for run in plan.runs:
        rate = per_second if "iterations" in run.parameters else None
        facts = {"seconds": seconds, "iterations_per_second": rate}
        (plan.folder / "runs" / run.id / "provenance.json").write_text(json.dumps(facts))


def ids(plan: Plan) -> list[str]:
    return [run.id for run in plan.runs]


def test_without_a_measured_run_the_default_speaks_and_says_so(tmp_path: Path) -> None:
    plan = study(tmp_path)
    expected = expect(plan, ids(plan), jobs=2)
    training = 1000 * 4 * 0.024 + 500 * 4 * 0.025 + 500 * 8 * 0.028
    assert expected.core_seconds == pytest.approx(24 + 2 * (training + 17 + 19 + 19))
    assert str(expected).startswith("7 runs, about 11 core-minutes, ")
    assert str(expected).endswith("with 2 at once (by a default: one core of a laptop)")


def test_the_default_grows_with_the_size_trained_at_and_with_the_size_made(tmp_path: Path) -> None:
    text = STUDY.format(name="wide", world=1).replace("world_seed: 1", "world_seed: 1, height: 192, width: 384")
    path = tmp_path / "wide.yaml"
    path.write_text(text)
    whole = expand(path, tmp_path)
    path.write_text(text.replace("pretrain: {", "pretrain: {source_size: [192, 96], "))
    reduced = expand(path, tmp_path)
    training = 1000 * 4 * 0.024 + 500 * 4 * 0.025 + 500 * 8 * 0.028
    beside = 4 * (24 + 2 * (17 + 19 + 19))
    assert expect(whole, ids(whole), jobs=1).core_seconds == pytest.approx(beside + 2 * 4 * training)
    assert expect(reduced, ids(reduced), jobs=1).core_seconds == pytest.approx(beside + 2 * training)


def test_real_photographs_cost_what_made_images_of_their_size_do(tmp_path: Path) -> None:
    made = study(tmp_path)
    path = tmp_path / "real.yaml"
    real = "target_layout: camvid, target_root: photographs, class_set: camvid10, height: 96, width: 192"
    path.write_text(STUDY.format(name="real", world=1).replace("world_seed: 1", real))
    plan = expand(path, tmp_path)
    assert expect(plan, ids(plan), jobs=1).core_seconds == expect(made, ids(made), jobs=1).core_seconds


def test_an_analysis_costs_more_the_more_networks_it_compares(tmp_path: Path) -> None:
    path = tmp_path / "analysed.yaml"
    path.write_text(STUDY.format(name="analysed", world=1) + "analysis: {}\n")
    costs = []
    for seeds in ([1], [1, 2, 3]):
        plan = expand(path, tmp_path, seeds)
        costs.append(expect(plan, [plan.runs[-1].id], jobs=1).core_seconds)
    one = ANALYSIS_WORK * (17 + 19 + 19 + 26) / 4
    assert costs == pytest.approx([START_SECONDS + networks * one for networks in (3, 9)])


def test_what_others_have_is_looked_for_once_a_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(runner, "reusable", lambda plan, *_: asked.append(plan.study) or {})
    runner.tell_cost([study(tmp_path, "a"), study(tmp_path, "b")], jobs=1, fresh=False)
    assert asked == ["a", "b"]


def test_measured_runs_of_the_same_scale_count_whatever_their_study(tmp_path: Path) -> None:
    finish(study(tmp_path, "measured"), seconds=2010.0, per_second=0.5)
    plan = study(tmp_path, "new", world=2)
    sources = [run.id for run in plan.runs if run.stage == "pretrain"]
    expected = expect(plan, sources, jobs=1)
    assert expected.learnt_from == 7
    assert expected.core_seconds == pytest.approx(2 * (1000 / 0.5 + 10))


def test_runs_of_another_network_teach_nothing_and_nothing_is_claimed_of_them(tmp_path: Path) -> None:
    finish(study(tmp_path, "measured"), seconds=2010.0, per_second=0.5)
    plan = study(tmp_path, "new")
    for run in plan.runs:
        if run.stage == "pretrain":
            run.parameters["backbone"] = "resnet101"
    expected = expect(plan, ids(plan), jobs=1)
    assert expected.core_seconds is None
    assert str(expected) == "7 runs; no run of this network and size was measured yet: cost unknown (docs/costs.md)"


def test_only_what_is_due_costs(tmp_path: Path) -> None:
    plan = study(tmp_path)
    assert expect(plan, [], jobs=2).core_seconds == 0
    assert expect(plan, ids(plan)[:1], jobs=2).core_seconds == pytest.approx(24)


def test_jobs_shorten_the_hours_and_not_the_core_hours(tmp_path: Path) -> None:
    plan = study(tmp_path)
    one, two = (expect(plan, ids(plan), jobs) for jobs in (1, 2))
    assert one.core_seconds == two.core_seconds == pytest.approx(one.seconds)
    assert two.seconds < one.seconds
