"""pyproject.toml, requirements.lock and environment.yml name one environment, which run_all.sh sets up."""

import fcntl
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from fada_lib.files import PROJECT_ROOT

PYPROJECT = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())
LOCK_TEXT = (PROJECT_ROOT / "requirements.lock").read_text()
LOCK = [line for line in LOCK_TEXT.splitlines() if not line.startswith("#")]
CLI_TEXT = (PROJECT_ROOT / "fada_lib" / "study" / "cli.py").read_text()
OPTIONS = ["PARAMS.yaml", "--test", "--help", *re.findall(r'add_argument\("(--[a-z-]+)"', CLI_TEXT)]
PINS = {canonicalize_name(pin.name): pin for pin in map(Requirement, LOCK)}
DIRECT = [*PYPROJECT["project"]["dependencies"], *PYPROJECT["project"]["optional-dependencies"]["test"]]


def version(pin: Requirement) -> str:
    (specifier,) = pin.specifier
    return specifier.version


@pytest.mark.parametrize("line", LOCK)
def test_every_line_of_the_lock_is_one_exact_version(line):
    assert re.fullmatch(r"[\w.-]+==[\w.!+-]+(; python_version [<>=]+ \"3\.\d+\")?", line)


def test_the_lock_names_no_place_to_download_from():
    assert "//" not in LOCK_TEXT


def test_the_lock_is_sorted_and_has_each_package_once():
    names = [Requirement(line).name.lower() for line in LOCK]
    assert names == sorted(set(names))


@pytest.mark.parametrize("dependency", [*DIRECT, *PYPROJECT["build-system"]["requires"]])
def test_direct_dependencies_are_in_the_lock_at_a_version_they_allow(dependency):
    wanted = Requirement(dependency)
    pin = PINS[canonicalize_name(wanted.name)]
    assert pin.marker is None
    assert wanted.specifier.contains(version(pin))


def test_direct_dependencies_state_the_oldest_version_that_will_do():
    assert all(Requirement(dependency).specifier for dependency in DIRECT)


def test_the_conda_environment_installs_the_lock_and_this_library():
    environment = yaml.safe_load((PROJECT_ROOT / "environment.yml").read_text())
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert pip == ["-r requirements.lock", "-e ."]
    (python,) = [entry for entry in environment["dependencies"] if str(entry).startswith("python=")]
    allowed = SpecifierSet(PYPROJECT["project"]["requires-python"])
    assert allowed.contains(python.split("=")[1])


def test_help_needs_no_environment_and_names_every_option(tmp_path):
    script = tmp_path / "run_all.sh"
    script.write_text((PROJECT_ROOT / "run_all.sh").read_text())
    done = subprocess.run(["bash", script, "--help"], capture_output=True, text=True, check=True)
    assert len(OPTIONS) == 13
    assert [option for option in OPTIONS if f"  {option} " not in done.stdout] == []
    assert not (tmp_path / ".venv").exists()


STAND_IN = """#!/bin/sh
case "$1" in
    --version) echo "Python 3.99" ;;
    -m) [ "$2" != venv ] || { mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && echo "command = $3" >"$3/pyvenv.cfg"; } ;;
esac
"""
"""A Python that makes environments of itself, installs whatever is asked at once and runs every study."""


def checkout(folder: Path) -> Path:
    """The script in a folder of its own with an empty lock, content with whatever space there is."""
    folder.mkdir(exist_ok=True)
    script = (PROJECT_ROOT / "run_all.sh").read_text()
    (folder / "run_all.sh").write_text(script.replace("needed_gb=8", "needed_gb=0"))
    for name in ("requirements.lock", "pyproject.toml"):
        (folder / name).touch()
    return folder / "run_all.sh"


def set_up_with(python: Path, text: str) -> dict[str, str]:
    """The environment variables under which the script sets up with a `python` made of `text`."""
    python.parent.mkdir(exist_ok=True)
    python.write_text(text)
    python.chmod(0o755)
    return {"PATH": "/usr/bin:/bin", "PYTHON": str(python)}


def test_a_python_that_is_too_old_ends_in_one_line(tmp_path):
    environment = set_up_with(tmp_path / "python", "#!/bin/sh\nexit 1\n")
    done = subprocess.run(["bash", checkout(tmp_path)], capture_output=True, text=True, env=environment)
    assert done.returncode == 2
    assert done.stderr.startswith("error: Python 3.11 or newer is needed") and done.stderr.count("\n") == 1


def test_a_python_below_a_folder_with_a_space_is_found(tmp_path):
    script = checkout(tmp_path / "check out")
    environment = set_up_with(tmp_path / "own tools" / "python", STAND_IN)
    done = subprocess.run(["bash", script], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "with Python 3.99" in done.stderr


def test_a_second_call_waits_while_the_first_sets_up(tmp_path):
    script, environment = checkout(tmp_path / "checkout"), set_up_with(tmp_path / "tools" / "python", STAND_IN)
    with (script.parent / "requirements.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = subprocess.Popen(["bash", script], stderr=subprocess.PIPE, text=True, env=environment)
        assert "another run_all.sh is setting up .venv; waiting" in waiting.stderr.readline()
        assert not (script.parent / ".venv").exists()
    _, told = waiting.communicate(timeout=60)
    assert waiting.returncode == 0 and "set up in" in told
