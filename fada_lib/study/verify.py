"""Whether a study's finished runs have the digits that are kept of them: ``./run_all.sh --verify``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fada_lib.parameters import UserError
from fada_lib.study.kept import CLASS_COLUMN, COLUMNS, FOLDER
from fada_lib.study.kept_rows import exact, read_rows
from fada_lib.study.plan import Plan
from fada_lib.study.reference import network_rows
from fada_lib.study.results import study_of_runs

MADE_WITH = ("code", "torch", "gpu")
"""Columns that say with what a row was made: where they differ, digits may."""


@dataclass(frozen=True)
class Verified:
    """One finished run beside its kept row.

    Attributes
    ----------
    run : str
        Id of the run.
    kept : bool
        Whether there is such a row.
    numbers, made_with : mapping
        Column -> what is kept and what is here, of those that differ, as text: measured numbers, and `MADE_WITH`.
    """

    run: str
    kept: bool
    numbers: Mapping[str, tuple[str, str]]
    made_with: Mapping[str, tuple[str, str]]


def verify(plan: Plan, params: Path, target: Path = FOLDER) -> list[Verified]:
    """Compare every finished run that trained a network with the row that is kept of it, digit by digit.

    A run and a row are the same if their ids are, which end in the hash of all resolved parameters. A study shares
    runs with others, so the row may stand in another's file; its own comes first.

    Parameters
    ----------
    plan : Plan
        The study or, by seeds and methods, a part of it.
    params : path
        The parameter file that it was expanded from.
    target : path
        Folder of the kept rows, ``<study>_runs.csv``.

    Raises
    ------
    UserError
        If no run of the plan is finished or kept, or the study's own file lacks a column.
    """
    own = target / f"{plan.study}_runs.csv"
    paths = [*sorted(target.glob("*_runs.csv")), own]
    planned = {run.id for run in plan.runs}
    found = [row for path in paths for row in read_rows(path, COLUMNS if path == own else ())]
    rows = {row["run"]: row for row in found if row.get("run") in planned}
    if not rows:
        asked = f"the {len(planned)} runs of study '{plan.study}' that were asked for"
        raise UserError(f"none of {asked} is kept: no *_runs.csv in {target} has one")
    folders = [plan.folder / "runs" / run.id for run in plan.runs]
    finished = [folder for folder in folders if (folder / "metrics.json").exists()]
    if not finished:
        raise UserError(f"{plan.folder} has no finished run to verify: give the same command without --verify first")
    study = study_of_runs(finished)
    header, here = network_rows(study, params, list(rows.values()))
    measured = [name for name in header if name.endswith(" mIoU") or name.startswith(CLASS_COLUMN)]
    return [_beside(row, rows.get(str(row["run"])), [*measured, "target_entropy"]) for row in here]


def tell(study: str, found: Sequence[Verified]) -> bool:
    """Print what was found, one line a run that differs; returns whether none does and at least one is kept."""
    kept = [one for one in found if one.kept]
    differing = [one for one in kept if one.numbers]
    beyond = f"; {len(found) - len(kept)} are not kept" if len(kept) < len(found) else ""
    print(f"{study}: {len(kept) - len(differing)} of {len(kept)} kept networks have their digits here{beyond}")
    for one in differing:
        (name, (before, now)), *others = one.numbers.items()
        more = f" and {len(others)} more numbers" if others else ""
        print(f"  {one.run}: {name} {before or 'none'} kept, {now or 'none'} here{more}{_made_with(one)}")
    return bool(kept) and not differing


def _beside(here: Mapping[str, object], kept: Mapping[str, str] | None, measured: Sequence[str]) -> Verified:
    if kept is None:
        return Verified(str(here["run"]), False, {}, {})
    now = {name: str(exact(here[name])) for name in (*MADE_WITH, *measured)}
    differing = {name: (kept.get(name, ""), text) for name, text in now.items() if kept.get(name, "") != text}
    made_with = {name: differing.pop(name) for name in MADE_WITH if name in differing}
    return Verified(str(here["run"]), True, differing, made_with)


def _made_with(one: Verified) -> str:
    words = [f"{name} {before or 'none'} kept, {now or 'none'} here" for name, (before, now) in one.made_with.items()]
    return f" ({'; '.join(words)})" if words else ""
