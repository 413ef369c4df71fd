"""Is a copy of a data set whole? What is missing is said, not refused: a part of a data set may be meant."""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from fada_lib.data.layouts import Layout

FEW = 25
"""Runs of missing names listed per line."""


def completeness(form: Layout, root: Path, split: str, groups: tuple[str, ...] = ()) -> list[str]:
    """One line for each way in which the images on disk differ from the data set as it was published.

    Parameters
    ----------
    form : Layout
    root : Path
        As for `fada_lib.data.layouts.find`.
    split : str
    groups : tuple of str
        Only these are looked at where a data set is counted by group (Cross-City's cities).

    Returns
    -------
    list of str
        Empty for a whole copy, and for data whose size nobody has published.
    """
    items = form.find(root, split)
    lines = [f"{form.name}: image {name} is left out: {why}" for name, why in _left_out(form, items)]
    expected = form.counts.get(split)
    if expected is None:
        return lines
    counted = sorted(set(groups) or {item.group for item in items}) if form.counted_by_group else [""]
    for group in counted:
        names = [item.name for item in items if group in ("", item.group)]
        if len(names) != expected:
            place = f"{root} ({split}{', ' + group if group else ''})"
            promised = _promised(form, root, split, group, expected)
            lines.append(f"{form.name}: {len(names):,} of {expected:,} images in {place}{_missing(names, promised)}")
    return lines


def _left_out(form: Layout, items: list) -> list[tuple[str, str]]:
    present = {item.name for item in items}
    return [(name, why) for name, why in form.left_out.items() if name in present]


def _promised(form: Layout, root: Path, split: str, group: str, expected: int) -> Iterable[str]:
    """The names of all images that should be there; none where nobody can tell."""
    if form.name_of_number is not None:
        return map(form.name_of_number, range(expected))
    return form.listed(root, split).get(group, ()) if form.listed is not None else ()


def _missing(names: list[str], promised: Iterable[str]) -> str:
    """Which images are missing, where names can be told; those that follow each other as ``first to last``."""
    present = set(names)
    grouped = groupby(sorted(promised), lambda name: name in present)
    runs = [list(run) for is_present, run in grouped if not is_present]
    if not runs:
        return ""
    shown = ", ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs[:FEW])
    left = sum(map(len, runs[FEW:]))
    return f"; missing: {shown}{f' and {left:,} more' if left else ''}"
