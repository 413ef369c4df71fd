"""What a study's YAML expands to, and what it is refused for."""

from pathlib import Path

import pytest
import yaml

from fada_lib.parameters import UserError
from fada_lib.plots.style import method_label
from fada_lib.study.expand import expand
from fada_lib.study.plan import Plan, method_of

STUDY = {
    "study": "small",
    "seeds": [0],
    "data": {"label_shift": 1.0},
    "pretrain": {"iterations": 10},
    "oracle": {"iterations": 20},
    "adapt": {"iterations": 5},
    "methods": {
        "continued": {"method": "source_continued"},
        "binary": {"method": "binary", "options": {"lambda_adv": 0.003}},
        "fada_soft": {"method": "fada"},
    },
    "distill": {"teachers": ["binary", "fada_soft"], "iterations": 7},
    "analysis": {"samples_per_domain": 50},
}


def plan_of(tmp_path: Path, changes: dict | None = None, **selection) -> Plan:
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump({**STUDY, **(changes or {})}, sort_keys=False))
    return expand(path, tmp_path / "results", **selection)


def refusal(tmp_path: Path, changes: dict, **selection) -> str:
    with pytest.raises(UserError) as caught:
        plan_of(tmp_path, changes, **selection)
    message = str(caught.value)
    assert "\n" not in message and "small.yaml" in message
    return message


def labels(plan: Plan) -> list[str]:
    return [run.label for run in plan.runs]


def ids(plan: Plan) -> dict[str, str]:
    return {run.label: run.id for run in plan.runs}


def test_a_study_is_data_then_models_then_analysis(tmp_path):
    assert labels(plan_of(tmp_path)) == [
        "01_data-w0",
        "02_source-s0",
        "02_oracle-s0",
        "03_continued-s0",
        "03_binary-s0",
        "04_binary-s0",
        "03_fada_soft-s0",
        "04_fada_soft-s0",
        "05_analysis",
    ]


def test_runs_need_the_data_and_the_model_they_start_from(tmp_path):
    plan = plan_of(tmp_path)
    known, by_label = ids(plan), {run.label: run for run in plan.runs}
    assert by_label["02_oracle-s0"].needs == (known["01_data-w0"],)
    assert by_label["03_binary-s0"].needs == (known["01_data-w0"], known["02_source-s0"])
    assert by_label["04_binary-s0"].needs == (known["01_data-w0"], known["03_binary-s0"])
    assert set(by_label["05_analysis"].needs) == {run.id for run in plan.runs} - {known["05_analysis"]}
    assert Path(by_label["04_binary-s0"].parameters["teacher_run"]).name == known["03_binary-s0"]


def test_the_oracle_is_pretraining_on_the_target_with_its_own_overrides(tmp_path):
    oracle = next(run for run in plan_of(tmp_path).runs if run.label == "02_oracle-s0")
    chosen = {name: oracle.parameters[name] for name in ("method", "domain", "iterations")}
    assert chosen == {"method": "oracle", "domain": "target", "iterations": 20}


def test_a_changed_method_renames_itself_and_what_depends_on_it_only(tmp_path):
    before = ids(plan_of(tmp_path))
    methods = {**STUDY["methods"], "binary": {"method": "binary", "options": {"lambda_adv": 0.01}}}
    after = ids(plan_of(tmp_path, {"methods": methods}))
    changed = {label for label in before if before[label] != after[label]}
    assert changed == {"03_binary-s0", "04_binary-s0", "05_analysis"}


def test_changed_data_rename_everything(tmp_path):
    before, after = ids(plan_of(tmp_path)), ids(plan_of(tmp_path, {"data": {"label_shift": 0.5}}))
    assert all(before[label] != after[label] for label in before)


def test_selecting_seeds_or_methods_renames_only_the_analysis(tmp_path):
    everything = ids(plan_of(tmp_path))
    for selected in (plan_of(tmp_path, seeds=[1, 0]), plan_of(tmp_path, methods=["binary"])):
        shared = {label for label in ids(selected) if label in everything}
        assert {label for label in shared if ids(selected)[label] != everything[label]} == {"05_analysis"}


def test_methods_limit_adaptation_distillation_and_embedding(tmp_path):
    plan = plan_of(tmp_path, methods=["continued"])
    assert [label for label in labels(plan) if label[:2] in ("03", "04")] == ["03_continued-s0"]
    assert plan.runs[-1].parameters["embedded"] == ["source_only"]
    assert plan.runs[-1].parameters["students"] == []
    assert plan_of(tmp_path).runs[-1].parameters["students"] == ["fada_soft"]


def test_the_place_of_the_results_does_not_rename_a_run(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(STUDY, sort_keys=False))
    here, there = expand(path, tmp_path / "a"), expand(path, tmp_path / "b")
    assert ids(here) == ids(there)


def test_written_defaults_and_omitted_defaults_are_the_same_run(tmp_path):
    methods = {**STUDY["methods"], "fada_soft": {"method": "fada", "options": {"encoding": "soft"}}}
    assert ids(plan_of(tmp_path)) == ids(plan_of(tmp_path, {"methods": methods}))


def test_a_grid_over_a_method_names_each_point(tmp_path):
    grid = {"options.lambda_adv": [0.001, 0.01], "iterations": [5, 9]}
    methods = {"binary": {"method": "binary", "grid": grid}}
    plan = plan_of(tmp_path, {"methods": methods, "distill": {"teachers": ["binary"]}})
    adapted = [run for run in plan.runs if run.stage == "adapt"]
    assert [run.parameters["name"] for run in adapted] == [
        "binary@lambda_adv=0.001,iterations=5",
        "binary@lambda_adv=0.001,iterations=9",
        "binary@lambda_adv=0.01,iterations=5",
        "binary@lambda_adv=0.01,iterations=9",
    ]
    assert adapted[2].parameters["options"]["lambda_adv"] == 0.01
    assert sum(run.stage == "distill" for run in plan.runs) == 4


def test_a_grid_over_the_data_repeats_the_study_in_each_world_and_analyses_the_first(tmp_path):
    plan = plan_of(tmp_path, {"data": {"grid": {"label_shift": [0, 0.5, 1]}}})
    worlds = [run for run in plan.runs if run.stage == "data"]
    assert [run.parameters["label_shift"] for run in worlds] == [0.0, 0.5, 1.0]
    assert sum(run.stage == "adapt" for run in plan.runs) == 3 * 3
    assert [run.needs[0] for run in plan.runs if run.stage == "analyse"] == [worlds[0].id]


def test_the_analysis_tests_at_the_size_of_the_pretraining(tmp_path):
    assert plan_of(tmp_path).runs[-1].parameters["test_size"] == []
    plan = plan_of(tmp_path, {"pretrain": {"test_size": [64, 32]}})
    assert plan.runs[-1].parameters["test_size"] == [64, 32]


def test_a_student_counts_for_its_teachers_method(tmp_path):
    plan = plan_of(tmp_path)
    student = next(run for run in plan.runs if run.label == "04_binary-s0")
    assert method_of(student, plan.runs) == "binary"


def test_writing_twice_touches_nothing(tmp_path):
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    for number in range(1, 6):
        (notebooks / f"0{number}_x.ipynb").touch()
    plan = plan_of(tmp_path)
    plan.write(notebooks)
    written = [plan.folder / "plan.json", *plan.folder.glob("runs/*/params.yaml")]
    times = [path.stat().st_mtime_ns for path in written]
    plan.write(notebooks)
    assert len(written) == 1 + len(plan.runs)
    assert [path.stat().st_mtime_ns for path in written] == times


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"metods": {}}, "did you mean 'methods'"),
        ({"pretrain": {"iteration": 3}}, "did you mean 'iterations'"),
        ({"adapt": {"learning_rate": "1e-4"}}, "1.0e-4"),
        ({"methods": {"fada": {"method": "fda"}}}, "did you mean 'fada'"),
        ({"methods": {"binary": {"method": "binary", "options": {"lambda": 1.0}}}}, "lambda_adv"),
        ({"methods": {"oracle": {"method": "fada"}}}, "choose a name"),
        ({"methods": {"told": {"method": "oracle_encodings"}}}, "begins with 'oracle' if its method is told target"),
        ({"methods": {"oracle_2": {"method": "fada"}}}, "told target labels, and only then"),
        ({"distill": {"teachers": ["fada_sof"]}}, "did you mean 'fada_soft'"),
        ({"analysis": {"embedded": ["binry"]}}, "did you mean 'binary'"),
        ({"analysis": {"students": ["binry"]}}, "'students': unknown method 'binry'; did you mean 'binary'"),
        ({"analysis": {"students": "binary"}}, "'students' must be a list of methods, not 'binary'"),
        ({"adapt": {"seed": 3}}, "'seed' is set by the study"),
        ({"data": {"grid": {"label_shift": 1}}}, "lists of values"),
        ({"seeds": "0,1"}, "list of whole numbers"),
        ({"threads": 0}, "'threads' must be a whole number of at least 1"),
        ({"study": "../elsewhere"}, "plain name"),
        ({"study": "paper_tables"}, "may not be 'paper_tables'"),
        ({"study": "interactive"}, "may not be 'interactive'"),
        ({"study": "x" * 100}, "plain name"),
        ({"seeds": [2**40]}, "at most 4294967295"),
        ({"adapt": {"learning_rate": 10**400}}, "must be of type float"),
        ({"data": {"source_root": "data/gta5"}}, "source_root needs a target_root"),
        ({"bas": "x.yaml"}, "did you mean 'base'"),
        ({"data": {"seed": 5}}, "section 'data': 'seed' is set by the study itself"),
        ({"distill": {"variants": ["x"]}}, "'variants' must map names"),
        ({"distill": {"variants": {"x": {"seed": 7}}}}, "'variants', 'x': 'seed' is set by the study itself"),
        ({"distill": {"variants": {"x": {"teachers": ["fda"]}}}}, "'x': 'teachers': unknown method 'fda'"),
        ({"distill": {"variant": "x"}}, "'variant' is set by the study"),
        ({"distill": ["fada_soft"]}, "section 'distill' must be a mapping"),
        ({"distill": []}, "section 'distill' must be a mapping"),
        ({"distill": {"teachers": [["binary"]]}}, "'teachers': unknown method '['binary']'"),
        ({"analysis": {"embedded": [["binary"]]}}, "'embedded': unknown method '['binary']'"),
        ({"methods": {"binary": {"method": "binary", "grid": {1: [2]}}}}, "'grid' must map names"),
        ({"methods": {"binary": {"method": "binary", "grid": {"scales": [[1.0], [0.5]]}}}}, "must list single values"),
        ({"methods": {"fada": {"options": {"encoding": "sofft"}}}}, "did you mean 'soft'"),
        ({"methods": {"fada": {"options": {"lambda_adv": -1}}}}, "'lambda_adv' must be at least 0, not -1"),
        ({"pretrain": {"norm": "bacth"}}, "did you mean 'batch'"),
        ({"pretrain": {"test_size": [5]}}, "'test_size' must have 0 or 2 elements"),
        ({"data": {"class_set": "nope"}}, "choose one of cityscapes19"),
        ({"data": {"grid": {"label_shift": [0, 4]}}}, "'label_shift' must be at least 0 and at most 1"),
        ({"data": {"grid": {"missing_class": ["none", "bus"]}}}, "one study a value of 'missing_class'"),
        ({"data": {"grid": {"label_shift": [0], "source_label_shift": [0, 1]}}}, "of 'source_label_shift'"),
        ({"analysis": {"perplexity": -1}}, "'perplexity' must be at least 1"),
        ({"analysis": {"test_size": [64, 32]}}, "'test_size' is set by the study"),
    ],
)
def test_wrong_studies_are_refused_with_the_way_out(tmp_path, changes, expected):
    assert expected in refusal(tmp_path, changes)


def test_selecting_an_unknown_method_is_refused(tmp_path):
    assert "did you mean 'binary'" in refusal(tmp_path, {}, methods=["binari"])


# Plain self-training: the source model as a teacher


def with_source_teacher(*teachers: str, **more) -> dict:
    return {"distill": {"teachers": ["source_only", *teachers], "iterations": 7, **more}}


def test_the_source_model_may_teach_without_any_adaptation_between(tmp_path):
    plan = plan_of(tmp_path, with_source_teacher("binary"))
    student = next(run for run in plan.runs if run.label == "04_source_only-s0")
    known = ids(plan)
    assert [label for label in labels(plan) if label.startswith("04")] == ["04_source_only-s0", "04_binary-s0"]
    assert student.needs == (known["01_data-w0"], known["02_source-s0"])
    assert Path(student.parameters["teacher_run"]).name == known["02_source-s0"]
    assert method_of(student, plan.runs) == "source_only"
    assert student.id in plan.runs[-1].needs


def test_it_teaches_only_where_the_study_says_so(tmp_path):
    for distill in ({}, {"teachers": ["binary"]}):
        assert "04_source_only-s0" not in labels(plan_of(tmp_path, {"distill": {"iterations": 7, **distill}}))
    assert "did you mean 'source_only'" in refusal(tmp_path, {"distill": {"teachers": ["source_onyl", "source_only"]}})
    assert "unknown method 'oracle'" in refusal(tmp_path, with_source_teacher("oracle"))


def test_its_student_is_selected_like_a_method_and_renames_no_other_run(tmp_path):
    before, plan = ids(plan_of(tmp_path)), plan_of(tmp_path, with_source_teacher("binary", "fada_soft"))
    assert {label for label in before if before[label] != ids(plan)[label]} == {"05_analysis"}
    alone = plan_of(tmp_path, with_source_teacher("binary"), methods=["source_only"])
    assert [label for label in labels(alone) if label[:2] in ("03", "04")] == ["04_source_only-s0"]
    without = plan_of(tmp_path, with_source_teacher("binary"), methods=["binary"])
    assert [label for label in labels(without) if label[:2] == "04"] == ["04_binary-s0"]


def test_variants_of_the_distillation_may_have_it_as_their_teacher(tmp_path):
    variants = {"long": {"iterations": 9, "teachers": ["source_only"]}, "short": {"iterations": 3}}
    plan = plan_of(tmp_path, with_source_teacher("binary", variants=variants))
    assert [label for label in labels(plan) if label.startswith("04")] == [
        "04_source_only-s0",
        "04_source_only-long-s0",
        "04_source_only-short-s0",
        "04_binary-s0",
        "04_binary-short-s0",
    ]


def test_its_student_is_called_self_training_in_tables():
    assert method_label("source_only+sd") == "Self-training (source only + SD)"
    assert method_label("source_only@sd=long+sd") == "Self-training (source only (sd = long) + SD)"
    assert method_label("binary+sd") == "Binary discriminator + SD"
