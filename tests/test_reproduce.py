"""Every command and every file of `docs/reproduce.md` and of the README's section on the paper does what it says."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from fada_lib.files import PROJECT_ROOT
from fada_lib.study import cli
from fada_lib.study.expand import expand

PAGE = (PROJECT_ROOT / "docs" / "reproduce.md").read_text(encoding="utf-8")
README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("## Reproduce the paper")[2].partition("\n## ")[0]
COMMANDS = sorted(set(re.findall(r"^\./run_all\.sh (params[^#\n]*)", PAGE + SECTION, re.M)))


def test_the_page_and_the_readme_have_commands_and_end_in_the_tables():
    assert len(COMMANDS) >= 3
    assert "./run_all.sh --tables" in PAGE and "./run_all.sh --tables" in SECTION


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_plans_its_runs_and_writes_nothing(command, tmp_path, capsys):
    assert cli.main([*shlex.split(command), "--dry-run", "--output", str(tmp_path / "results")]) == 0
    assert re.search(r"\d+ of \d+ runs of study '\w+' would run; nothing was run or written", capsys.readouterr().out)
    assert not (tmp_path / "results").exists()


def test_the_pages_own_file_is_a_study(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    content = yaml.safe_load(example)
    content["base"] = str(PROJECT_ROOT / content["base"])
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
    plan = expand(tmp_path / "mine.yaml", tmp_path)
    assert (plan.study, plan.runs[0].parameters["source_root"]) == ("mine", "/data/gta5")
    assert all(run.parameters["precision"] == "auto" for run in plan.runs if "precision" in run.parameters)


def unfolded(name: str) -> set[str]:
    """A name with {a,b} in it, as the shell reads it."""
    before, brace, rest = name.partition("{")
    choices, _, after = rest.partition("}")
    return {one for choice in choices.split(",") for one in unfolded(before + choice + after)} if brace else {name}


def test_the_page_names_every_parameter_file():
    named = {one for name in re.findall(r"`([\w{},]+)\.yaml`", PAGE) for one in unfolded(name)}
    assert named == {path.stem for path in (PROJECT_ROOT / "params" / "paper").glob("*.yaml")}


def test_the_data_folders_of_the_page_are_those_of_the_files():
    linked = set(re.findall(r"^ln -s \S+\s+(\S+)", PAGE, re.M))
    parts = [yaml.safe_load(path.read_text()) for path in (PROJECT_ROOT / "params" / "paper" / "parts").glob("*.yaml")]
    roots = {part["data"][f"{domain}_root"] for part in parts if "data" in part for domain in ("source", "target")}
    assert linked == roots
    assert all(not Path(root).is_absolute() for root in roots)
