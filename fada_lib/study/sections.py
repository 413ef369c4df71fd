"""The sections of a study's YAML, value by value: what they may hold, and what a grid makes of them.

Every refusal is a `UserError` of one line that names the file, the section and the way out.
"""

import difflib
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from fada_lib.methods.options import OPTIONS
from fada_lib.parameters import AdaptParameters, UserError, from_mapping, to_mapping

LONGEST_NAME = 60
"""Characters of a study's or a method's name: seed, grid and hash must fit beside it into a folder's name."""
LARGEST_SEED = 2**32 - 1
MOST_THREADS = 1024

STUDY_KEYS = (
    "base",
    "study",
    "seeds",
    "threads",
    "data",
    "pretrain",
    "oracle",
    "adapt",
    "methods",
    "distill",
    "analysis",
)
REQUIRED_KEYS = ("study", "data", "pretrain")
SET_BY_THE_STUDY = {
    "data": ("run", "threads", "seed"),
    "pretrain": ("run", "data", "seed", "threads", "method", "domain"),
    "adapt": ("run", "data", "seed", "threads", "source_run", "name"),
    "distill": ("run", "data", "seed", "threads", "teacher_run", "variant"),
    "analyse": ("run", "data", "threads", "runs", "test_size"),
}
"""Parameters that a section may not give, because the study's seeds, threads, shape and pretraining decide them."""

WORLD = ("world_seed", "label_shift", "appearance_shift")
"""What the worlds of one study may differ in: by these, results tell replicates from doses."""
TAKEN = ("interactive", "paper_tables")
"""Folders below the results that are no study's: of notebooks run by themselves, and of the paper's tables."""


def check_keys(content: Mapping, params: Path) -> None:
    """Refuse a study with an unknown or missing section, or with a name that is no folder's."""
    for key in content:
        if key not in STUDY_KEYS:
            raise UserError(f"{params}: unknown section '{key}'; {advice(str(key), STUDY_KEYS)}")
    for key in REQUIRED_KEYS:
        if key not in content:
            raise UserError(f"{params}: section '{key}' is missing; see params/default.yaml")
    name = content["study"]
    if not isinstance(name, str) or not re.fullmatch(rf"[\w+-][\w.+-]{{0,{LONGEST_NAME - 1}}}", name):
        raise UserError(f"{params}: 'study' must be a plain name for a folder, not {_short(name)}")
    if name in TAKEN:
        raise UserError(f"{params}: 'study' may not be '{name}', which names another folder of results; rename it")
    if "distill" in content and "methods" not in content:
        raise UserError(f"{params}: section 'distill' needs section 'methods' to take its teachers from")


def check_method_name(name: object, where: str) -> None:
    """Refuse a method's name that could not stand in a file name or is taken."""
    allowed = isinstance(name, str) and re.fullmatch(rf"[\w.-]{{1,{LONGEST_NAME}}}", name)
    if not allowed or name in ("source_only", "oracle", "source"):
        raise UserError(f"{where}: choose a name of letters, digits, _, - and . other than source_only, oracle")


def check_oracle(name: str, method: str, where: str) -> None:
    """Refuse a name that hides target labels, or claims them: tables know such networks by it."""
    if name.startswith("oracle") != method.startswith("oracle"):
        raise UserError(f"{where}: a name begins with 'oracle' if its method is told target labels, and only then")


def whole_number(value: object, where: str, least: int, most: int) -> int:
    """The value, if it is a whole number from `least` to `most`."""
    if type(value) is not int or not least <= value <= most:
        raise UserError(f"{where} must be a whole number of at least {least} and at most {most}, not {_short(value)}")
    return value


def checked_seeds(values: object, where: str) -> list[int]:
    """The seeds without repetitions, in their order."""
    if isinstance(values, str) or not isinstance(values, Sequence) or not values:
        raise UserError(f"{where} must be a list of whole numbers such as [0, 1, 2], not {values!r}")
    return list(dict.fromkeys(whole_number(value, f"{where}: each seed", 0, LARGEST_SEED) for value in values))


def grid_points(grid: object, where: str) -> list[dict[str, object]]:
    """All points of a grid, `[{}]` without one."""
    if grid is None:
        return [{}]
    lists = isinstance(grid, dict) and grid and all(isinstance(v, list) and v for v in grid.values())
    lists = lists and all(isinstance(name, str) for name in grid)
    if not lists:
        raise UserError(f"{where}: 'grid' must map names to lists of values, not {grid!r}")
    for name, values in grid.items():
        if any(isinstance(value, list | dict) for value in values):
            raise UserError(f"{where}: 'grid': '{name}' must list single values; make a method of each list instead")
    return [dict(zip(grid, point, strict=True)) for point in itertools.product(*grid.values())]


def world_points(grid: object, where: str) -> list[dict[str, object]]:
    """All points of a grid over worlds, which may differ in nothing but `WORLD`."""
    points = grid_points(grid, where)
    if other := sorted(points[0].keys() - set(WORLD)):
        raise UserError(f"{where}: 'grid' may be over {', '.join(WORLD)} only; write one study a value of '{other[0]}'")
    return points


def overlay(values: Mapping, point: Mapping[str, object], where: str) -> dict:
    """`values` with a grid's point laid over; `options.x` reaches into the method's own options."""
    merged = {**values, "options": values.get("options") or {}}
    if not isinstance(merged["options"], dict):
        raise UserError(f"{where}: 'options' must be a mapping, not {merged['options']!r}")
    merged["options"] = dict(merged["options"])
    for key, value in point.items():
        target, name = (merged["options"], key[8:]) if key.startswith("options.") else (merged, key)
        target[name] = value
    return merged


def entry_name(name: str, point: Mapping[str, object]) -> str:
    """The name of a grid's point, e.g. `binary@lambda_adv=0.001,iterations=500`."""
    suffix = ",".join(f"{key.rsplit('.', 1)[-1]}={value}" for key, value in point.items())
    return f"{name}@{suffix}" if suffix else name


def complete_options(values: dict, where: str) -> dict:
    """Check the entry as `AdaptParameters` and its options as its method's; options get their defaults."""
    refuse_what_the_study_sets(values, "adapt", where)
    checked = from_mapping(AdaptParameters, values, where)
    if checked.method not in OPTIONS:
        raise UserError(f"{where}: unknown method '{checked.method}'; {advice(checked.method, OPTIONS)}")
    options = from_mapping(OPTIONS[checked.method], checked.options, f"{where}, 'options'")
    return {**values, "method": checked.method, "options": to_mapping(options)}


def refuse_what_the_study_sets(values: Iterable[str], stage: str, where: str) -> None:
    """Refuse names of parameters that a study itself gives to each run of a stage."""
    for name in values:
        if name in SET_BY_THE_STUDY[stage]:
            raise UserError(f"{where}: '{name}' is set by the study itself; remove it")


def select(entries: Mapping[str, dict], wanted: Sequence[str] | None, where: str) -> list[str]:
    """The entries that `wanted` names, whole or up to '@', in the study's order; all of them for None."""
    if wanted is None:
        return list(entries)
    if isinstance(wanted, str) or not isinstance(wanted, Sequence):
        raise UserError(f"{where} must be a list of methods, not {wanted!r}")
    known = dict.fromkeys([*entries, *(name.split("@")[0] for name in entries)])
    for name in wanted:
        if not isinstance(name, str) or name not in known:
            raise UserError(f"{where}: unknown method '{name}'; {advice(str(name), known)}")
    return [name for name in entries if name in wanted or name.split("@")[0] in wanted]


def advice(name: str, known: Iterable[str]) -> str:
    """What to write instead of `name`: the nearest known name, or all of them."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"


def _short(value: object) -> str:
    """A value as a message shows it."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
