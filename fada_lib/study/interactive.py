"""The predecessors of a notebook that is run by itself: what is missing is made, at the size of the defaults."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from fada_lib.files import resolve
from fada_lib.parameters import AdaptParameters, DistillParameters, UserError
from fada_lib.study.stages import INTERACTIVE, Stage, data_metrics, evaluate_run, inspect_parts, prepare_data, train

MADE: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "02_source": ("pretrain", {}),
    "02_oracle": ("pretrain", {"method": "oracle", "domain": "target"}),
    "03_source_continued": ("adapt", {"method": "source_continued"}),
    "03_binary": ("adapt", {"method": "binary"}),
    "03_fada_hard": ("adapt", {"method": "fada", "options": {"encoding": "hard"}}),
    "03_fada_soft": ("adapt", {"method": "fada"}),
}
"""Folder of an interactive run -> its stage and the parameters in which it differs from that stage's defaults."""


def ensure(stage: str, run: str, **values: object) -> Path:
    """Make sure that a predecessor is finished; an interactive one is run now, at its default (small) size.

    Parameters
    ----------
    stage : str
    run : str
        The predecessor's folder, as the notebook's parameter names it.
    **values
        Parameters other than the defaults, e.g. `method`.

    Raises
    ------
    UserError
        If a run of a study is missing: the study makes it, never an interactive session.
    """
    folder = resolve(run)
    if (folder / "metrics.json").exists():
        return folder
    if not str(run).startswith(INTERACTIVE):
        raise UserError(f"{folder} is not finished: run the study with ./run_all.sh first")
    predecessor = Stage(stage, {"run": run, **values})
    print(f"{folder.name} is missing: making it at the size of the defaults")
    if stage == "data":
        prepare_data(predecessor)
        predecessor.finish(data_metrics(predecessor, inspect_parts(predecessor)))
        return folder
    ensure("data", predecessor.p.data)
    if isinstance(predecessor.p, AdaptParameters):
        ensure("pretrain", predecessor.p.source_run)
    if isinstance(predecessor.p, DistillParameters):
        ensure_all([predecessor.p.teacher_run])
    segmenter = train(predecessor)
    predecessor.finish(evaluate_run(predecessor, segmenter))
    return folder


def ensure_all(runs: Iterable[str]) -> None:
    """`ensure` for runs of notebooks 02 to 04: what a missing one is, its folder's name says.

    Raises
    ------
    UserError
        If one is missing that no name of `MADE`, or no student of such a network, stands for.
    """
    for run in runs:
        if (resolve(run) / "metrics.json").exists():
            continue
        stage, values = _described(run)
        ensure(stage, run, **values)


def _described(run: str) -> tuple[str, Mapping[str, object]]:
    """Stage and parameters of a missing run; of 04_X, the student of the network in 03_X beside it."""
    folder = resolve(run).name
    number, _, name = folder.partition("_")
    teacher = f"03_{name}"
    if number == "04" and teacher in MADE:
        return "distill", {"teacher_run": f"{run.removesuffix(folder)}{teacher}"}
    if folder not in MADE:
        raise UserError(f"{run} is missing, and only {', '.join(MADE)} are made by themselves: run its notebook first")
    stage, values = MADE[folder]
    return stage, {**values, "name": name} if stage == "adapt" else values
