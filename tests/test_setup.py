"""pyproject.toml, requirements.lock and environment.yml name one environment, which run_all.sh sets up."""

import re
import subprocess
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from fada_lib.files import PROJECT_ROOT

PYPROJECT = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())
LOCK_TEXT = (PROJECT_ROOT / "requirements.lock").read_text()
LOCK = [line for line in LOCK_TEXT.splitlines() if not line.startswith("#")]
OPTIONS = "PARAMS.yaml --seeds --methods --output --dry-run --jobs --fresh --clean --tables --test".split()
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
    assert all(option in done.stdout for option in OPTIONS)
    assert not (tmp_path / ".venv").exists()


def test_a_python_that_is_too_old_ends_in_one_line(tmp_path):
    script, old = tmp_path / "run_all.sh", tmp_path / "python"
    script.write_text((PROJECT_ROOT / "run_all.sh").read_text())
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": str(old)}
    done = subprocess.run(["bash", script], capture_output=True, text=True, env=environment)
    assert done.returncode == 2
    assert done.stderr.startswith("error: Python 3.11 or newer is needed") and done.stderr.count("\n") == 1
