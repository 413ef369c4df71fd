"""What a notebook opened by itself needs is made for it, and made as what its folder's name says."""

import pytest

from fada_lib.files import read_json
from fada_lib.parameters import STAGES, UserError, from_mapping
from fada_lib.study import interactive
from fada_lib.study.interactive import MADE, ensure, ensure_all
from fada_lib.study.stages import Stage, inspect_parts, prepare_data

RUNS = "results/interactive/runs/"
SMALL = dict.fromkeys(
    (f"{part}_images" for part in ("source_train", "source_val", "target_train", "target_tune", "target_val")), 2
)


def described(monkeypatch, run) -> tuple[str, dict]:
    """What `ensure_all` asks for in place of a missing run."""
    asked = []
    monkeypatch.setattr(
        interactive, "ensure", lambda stage, run, **values: asked.append((stage, {"run": run, **values}))
    )
    ensure_all([run])
    return asked[0]


def test_data_that_are_made_on_the_way_tell_what_notebook_01_tells(tmp_path, monkeypatch):
    monkeypatch.setattr(interactive, "INTERACTIVE", str(tmp_path))
    run = str(tmp_path / "01_data")
    ensure("data", run, height=48, width=96, **SMALL)
    metrics = read_json(tmp_path / "01_data" / "metrics.json")
    assert metrics["classes"][0] == "road"
    assert metrics["images"] == dict.fromkeys(
        ("source train", "source val", "target train", "target tune", "target val"), 2
    )
    assert all(sum(shares) == pytest.approx(1) for shares in metrics["frequencies"].values())


def test_a_damaged_file_is_named_and_stops_what_reads_the_data(tmp_path):
    stage = Stage("data", {"run": str(tmp_path / "01_data"), "height": 48, "width": 96, **SMALL})
    prepare_data(stage)
    damaged = next((tmp_path / "01_data" / "world").rglob("*_leftImg8bit.png"))
    damaged.write_bytes(b"no image")
    with pytest.raises(UserError, match=damaged.name):
        inspect_parts(stage)


def test_a_finished_run_is_left_as_it_is(tmp_path):
    (tmp_path / "metrics.json").write_text("{}")
    assert ensure("pretrain", str(tmp_path)) == tmp_path


def test_a_studys_run_is_never_made_by_a_notebook(tmp_path):
    with pytest.raises(UserError, match=r"is not finished: run the study with \./run_all\.sh first"):
        ensure("pretrain", str(tmp_path / "02_source"))


@pytest.mark.parametrize("folder", MADE)
def test_every_run_that_is_made_is_of_a_valid_description(folder, monkeypatch):
    stage, values = described(monkeypatch, RUNS + "absent/" + folder)
    from_mapping(STAGES[stage], values, folder)
    if stage == "adapt":
        assert values["name"] == folder.removeprefix("03_")


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("03_source_continued", {"method": "source_continued"}),
        ("03_fada_hard", {"method": "fada", "options": {"encoding": "hard"}}),
        ("02_oracle", {"method": "oracle", "domain": "target"}),
        ("04_binary", {"teacher_run": RUNS + "absent/03_binary"}),
    ],
)
def test_a_missing_run_becomes_what_its_folder_is_called(folder, expected, monkeypatch):
    _, values = described(monkeypatch, RUNS + "absent/" + folder)
    assert expected.items() <= values.items()


@pytest.mark.parametrize("folder", ["03_my_method", "04_my_method", "05_analysis"])
def test_a_missing_run_of_an_unknown_name_is_refused(folder):
    with pytest.raises(UserError, match=f"{folder} is missing, and only 02_source, .*: run its notebook first"):
        ensure_all([RUNS + "absent/" + folder])
