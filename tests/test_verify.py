"""Finished runs beside the rows that are kept of them: the same digits, or which ones and what may be why."""

from pathlib import Path

import pytest
from synthetic_study import SyntheticStudy, three_seeds

from fada_lib.files import PROJECT_ROOT, read_json, write_json
from fada_lib.parameters import UserError
from fada_lib.study import cli
from fada_lib.study.plan import Plan, Run
from fada_lib.study.reference import write_reference
from fada_lib.study.verify import Verified, tell, verify

RUN = "adapt_fada_soft-s2-01_data-w0"


@pytest.fixture
def params(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text("study: synthetic\n")
    return path


@pytest.fixture
def study(tmp_path: Path, params: Path) -> SyntheticStudy:
    """A finished study of 24 networks whose rows are kept."""
    made = three_seeds(tmp_path / "study")
    write_reference(made.folder, params, target=tmp_path)
    return made


def plan_of(study: SyntheticStudy, *runs: str) -> Plan:
    """Those runs as a plan, by default all."""
    chosen = runs or [entry["id"] for entry in study.planned]
    stages = {entry["id"]: entry["stage"] for entry in study.planned}
    return Plan("synthetic", study.folder, (0, 1, 2), 1, tuple(Run(run, stages[run], {}) for run in chosen))


def change(study: SyntheticStudy, run: str, file: str, **values: object) -> None:
    path = study.folder / "runs" / run / file
    write_json(path, {**read_json(path), **values})


def test_the_same_runs_have_the_same_digits(study, params, tmp_path, capsys):
    assert tell("synthetic", verify(plan_of(study), params, tmp_path))
    assert capsys.readouterr().out == "synthetic: 24 of 24 kept networks have their digits here\n"


def test_one_other_last_digit_is_found_and_named(study, params, tmp_path, capsys):
    path = study.folder / "runs" / RUN / "metrics.json"
    evaluation = read_json(path)["evaluation"]
    evaluation["target_val"]["single"]["miou"] = 0.49000000000000005
    change(study, RUN, "metrics.json", evaluation=evaluation)
    assert not tell("synthetic", verify(plan_of(study), params, tmp_path))
    first, line = capsys.readouterr().out.splitlines()
    assert first == "synthetic: 23 of 24 kept networks have their digits here"
    assert line == f"  {RUN}: target_val single mIoU 0.49 kept, 0.49000000000000005 here"


def test_a_network_that_diverged_here_differs_in_its_entropy(study, params, tmp_path):
    change(study, RUN, "metrics.json", target_entropy=None)
    (found,) = (one for one in verify(plan_of(study), params, tmp_path) if one.numbers)
    assert found.run == RUN and found.numbers["target_entropy"][1] == ""


def test_other_code_or_versions_are_named_where_digits_differ_and_are_no_difference_alone(
    study, params, tmp_path, capsys
):
    change(study, RUN, "provenance.json", code_hash="new", versions={"torch": "9.10"})
    assert tell("synthetic", verify(plan_of(study), params, tmp_path))
    change(study, RUN, "metrics.json", target_entropy=0.5)
    capsys.readouterr()
    assert not tell("synthetic", verify(plan_of(study), params, tmp_path))
    assert "(code none kept, new here; torch 9.9 kept, 9.10 here)" in capsys.readouterr().out


def test_a_run_that_another_study_has_too_is_compared_with_its_row_there(study, params, tmp_path, capsys):
    (tmp_path / "synthetic_runs.csv").rename(tmp_path / "other_runs.csv")
    assert tell("synthetic", verify(plan_of(study), params, tmp_path))
    assert capsys.readouterr().out.startswith("synthetic: 24 of 24")


def test_a_file_of_another_kind_beside_it_is_left_alone(study, params, tmp_path):
    (tmp_path / "my_runs.csv").write_text("a,b\n1,2\n")
    assert not any(one.numbers for one in verify(plan_of(study), params, tmp_path))


def test_a_studys_own_row_comes_before_anothers(study, params, tmp_path):
    own = (tmp_path / "synthetic_runs.csv").read_text()
    (tmp_path / "zoo_runs.csv").write_text(own.replace("0.49", "0.99"))
    assert own.count("0.49") and not any(one.numbers for one in verify(plan_of(study), params, tmp_path))


def test_only_what_the_plan_names_is_looked_at(study, params, tmp_path, capsys):
    change(study, RUN, "metrics.json", target_entropy=0.5)
    others = [entry["id"] for entry in study.planned if entry["id"] != RUN]
    assert tell("synthetic", verify(plan_of(study, *others), params, tmp_path))
    assert capsys.readouterr().out.startswith("synthetic: 23 of 23")


def test_a_network_without_a_row_is_counted(study, params, tmp_path, capsys):
    study.model("fada_hard", 7, 0.4)
    new = study.planned[-1]["id"]
    assert tell("synthetic", verify(plan_of(study, "01_data-w0", RUN, new), params, tmp_path))
    assert capsys.readouterr().out == "synthetic: 1 of 1 kept networks have their digits here; 1 are not kept\n"


def test_networks_none_of_which_has_a_row_agree_with_nothing(capsys):
    assert not tell("synthetic", [Verified(RUN, False, {}, {})])
    assert capsys.readouterr().out == "synthetic: 0 of 0 kept networks have their digits here; 1 are not kept\n"


def test_nothing_kept_and_nothing_finished_are_refused(study, params, tmp_path):
    with pytest.raises(UserError, match="none of the 26 runs of study 'synthetic' that were asked for is kept"):
        verify(plan_of(study), params, tmp_path / "elsewhere")
    empty = Plan("synthetic", tmp_path / "empty", (0,), 1, (Run(RUN, "adapt", {}),))
    with pytest.raises(UserError, match="give the same command without --verify first"):
        verify(empty, params, tmp_path)


def test_the_command_line_verifies_what_it_names_and_runs_nothing(tmp_path, capsys):
    params = PROJECT_ROOT / "params" / "trajectory.yaml"
    assert cli.main([str(params), "--seeds", "1", "--verify", "--output", str(tmp_path)]) == 2
    assert "has no finished run to verify" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
