"""Files are whole or absent, whatever happens while they are written."""

import errno
import json

import pytest

from fada_lib import files
from fada_lib.files import (
    PROJECT_ROOT,
    read_json,
    read_json_lines,
    read_yaml,
    resolve,
    write_atomically,
    write_json,
    write_json_lines,
    write_text,
    write_yaml_if_changed,
)
from fada_lib.parameters import UserError
from fada_lib.progress import Progress


def full_disk(path):
    path.write_text("half")
    raise OSError(errno.ENOSPC, "No space left on device")


def power_cut(path):
    path.write_text("half")
    raise KeyboardInterrupt


@pytest.mark.parametrize(("write", "error"), [(full_disk, UserError), (power_cut, KeyboardInterrupt)])
def test_a_failed_write_leaves_the_former_content_and_nothing_else(tmp_path, write, error):
    write_text(tmp_path / "file.txt", "before")
    with pytest.raises(error):
        write_atomically(tmp_path / "file.txt", write)
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]
    assert (tmp_path / "file.txt").read_text() == "before"


def test_a_full_disk_is_named_in_one_line(tmp_path):
    with pytest.raises(UserError, match=r"cannot write .*file\.txt: No space left on device") as caught:
        write_atomically(tmp_path / "file.txt", full_disk)
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_a_user_error(tmp_path):
    (tmp_path / "file").write_text("a file, no folder")
    with pytest.raises(UserError, match="cannot write"):
        write_text(tmp_path / "file" / "below.txt", "text")


def test_a_folder_that_cannot_be_written_to_is_a_user_error(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(files.tempfile, "mkstemp", refuse)
    with pytest.raises(UserError, match=r"cannot write .* Permission denied"):
        write_text(tmp_path / "file.txt", "text")


def test_missing_folders_are_made_and_files_can_be_read_by_others(tmp_path):
    write_text(tmp_path / "a" / "b" / "file.txt", "grüße")
    assert (tmp_path / "a/b/file.txt").read_text(encoding="utf-8") == "grüße"
    assert (tmp_path / "a/b/file.txt").stat().st_mode & 0o777 == 0o644


def test_json_keeps_every_digit(tmp_path):
    write_json(tmp_path / "x.json", {"value": 0.1 + 0.2, "none": None})
    assert read_json(tmp_path / "x.json") == {"value": 0.1 + 0.2, "none": None}


def test_json_has_no_nan(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "x.json", {"value": float("nan")})
    assert not (tmp_path / "x.json").exists()


def test_json_lines_are_one_object_a_line(tmp_path):
    write_json_lines(tmp_path / "x.jsonl", [{"a": 1}, {"b": [2]}])
    assert (tmp_path / "x.jsonl").read_text().count("\n") == 2
    assert read_json_lines(tmp_path / "x.jsonl") == [{"a": 1}, {"b": [2]}]


@pytest.mark.parametrize(
    ("read", "content", "message"),
    [
        (read_json, None, "is missing: run the stage"),
        (read_json, "{", "is damaged"),
        (read_json, "[1]", r"is damaged \(not a JSON object\)"),
        (read_json, "[" * 100_000, "is damaged"),
        (read_json_lines, None, "is missing: run the stage"),
        (read_json_lines, '{"a": 1}\n{"a', r"is damaged \(line 2: "),
        (read_json_lines, '{"a": 1}\n2\n', r"is damaged \(line 2: not a JSON object\)"),
        (read_yaml, None, "is missing: name a file of params/"),
        (read_yaml, "a: [1", "is not valid YAML"),
        (read_yaml, "- 1\n- 2\n", "must hold a mapping"),
        (read_yaml, "", "must hold a mapping"),
        (read_yaml, "a: 1\nb: {c: 1,\n  c: 2}\n", "'c' is given twice, again in line 3"),
        (read_yaml, "\ta: 1\n", "not valid YAML: .* in line 1"),
        (read_yaml, "a: " + "9" * 5000, "not valid YAML"),
        (read_yaml, "a: 2020-13-45\n", "not valid YAML: month must be"),
        (read_yaml, "[" * 1000, "not valid YAML"),
        (read_yaml, "a: !!python/object:os.system x\n", "not valid YAML"),
    ],
)
def test_a_missing_or_damaged_file_is_named_in_one_line(tmp_path, read, content, message):
    path = tmp_path / "file"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_or_a_file_in_another_encoding_is_named(tmp_path):
    (tmp_path / "latin.yaml").write_bytes(b"caf\xe9: 1\n")
    with pytest.raises(UserError, match="is not text in UTF-8"):
        read_yaml(tmp_path / "latin.yaml")
    for read in (read_json, read_json_lines):
        with pytest.raises(UserError, match=r"latin\.yaml is damaged \(not text in UTF-8\)"):
            read(tmp_path / "latin.yaml")
    with pytest.raises(UserError, match=r"cannot read .*directory"):
        read_yaml(tmp_path)


def test_yaml_is_only_rewritten_when_it_changes(tmp_path):
    path = tmp_path / "params.yaml"
    content = {"b": 1, "a": [1, 2], "c": {"d": 1.0e-4}}
    assert write_yaml_if_changed(path, content)
    written = path.stat().st_mtime_ns
    assert not write_yaml_if_changed(path, content)
    assert path.stat().st_mtime_ns == written
    assert write_yaml_if_changed(path, {**content, "b": 2})
    assert read_yaml(path) == {**content, "b": 2}


def test_small_numbers_survive_yaml(tmp_path):
    write_yaml_if_changed(tmp_path / "x.yaml", {"small": 1e-5, "smaller": 2.5e-10})
    assert read_yaml(tmp_path / "x.yaml") == {"small": 1e-5, "smaller": 2.5e-10}


def test_relative_paths_start_at_the_project_and_absolute_ones_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resolve("results/x") == PROJECT_ROOT / "results/x"
    assert resolve(tmp_path) == tmp_path


# Progress


def test_progress_tells_how_far_a_part_is(tmp_path):
    progress = Progress(tmp_path / "03_run", live=False)
    progress.start("training", 10)
    progress.update(10, "loss 0.5")
    report = json.loads((tmp_path / "03_run" / "progress.json").read_text())
    assert {k: report[k] for k in ("run", "part", "done", "total", "message")} == {
        "run": "03_run",
        "part": "training",
        "done": 10,
        "total": 10,
        "message": "loss 0.5",
    }
    assert list(progress.seconds_by_part) == ["training"]


def test_progress_is_rewritten_at_most_every_two_seconds(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("fada_lib.progress.time.monotonic", lambda: now[0])
    progress = Progress(tmp_path, live=False)
    progress.start("training", 100)
    done = []
    for step in range(1, 20):
        now[0] += 0.25
        progress.update(step)
        done.append(read_json(tmp_path / "progress.json")["done"])
    assert sorted(set(done)) == [0, 8, 16]


def test_the_rate_of_a_resumed_part_does_not_count_what_was_done_before(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("fada_lib.progress.time.monotonic", lambda: now[0])
    progress = Progress(tmp_path, live=False)
    progress.start("training", 100, first=50)
    now[0] += 10.0
    progress.update(70)
    report = read_json(tmp_path / "progress.json")
    assert (report["per_second"], report["eta_seconds"]) == (2.0, 15.0)
