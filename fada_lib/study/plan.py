"""A study's plan: its runs, each one execution of one notebook, and how they are written into its folder."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fada_lib import files
from fada_lib.parameters import UserError

NUMBERS = {"data": "01", "pretrain": "02", "adapt": "03", "distill": "04", "analyse": "05"}


@dataclass(frozen=True)
class Run:
    """One execution of one notebook.

    Attributes
    ----------
    id : str
        `<nn>_<readable>-<8 hex>`, the name of its folder under `runs/`.
    stage : str
        A key of `parameters.STAGES`.
    parameters : mapping
        What papermill injects: the stage's dataclass as plain YAML types.
    needs : tuple of str
        Ids of the runs whose results it reads.
    """

    id: str
    stage: str
    parameters: Mapping[str, object]
    needs: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The id without its hash, for people."""
        return self.id.rsplit("-", 1)[0]


@dataclass(frozen=True)
class Plan:
    """A study's runs in an order in which each comes after what it needs."""

    study: str
    folder: Path
    seeds: tuple[int, ...]
    threads: int
    runs: tuple[Run, ...]

    def write(self, notebooks: Path) -> None:
        """Write `plan.json` and each run's `params.yaml`; what would not change keeps its time."""
        for run in self.runs:
            files.write_yaml_if_changed(self.folder / "runs" / run.id / "params.yaml", dict(run.parameters))
        content = {
            "schema": 1,
            "study": self.study,
            "seeds": list(self.seeds),
            "threads": self.threads,
            "runs": [{**dataclasses.asdict(run), "notebook": str(notebook(run, notebooks))} for run in self.runs],
        }
        path = self.folder / "plan.json"
        if not path.exists() or files.read_json(path) != json.loads(json.dumps(content)):
            files.write_json(path, content)


def notebook(run: Run, notebooks: Path) -> Path:
    """The notebook of the run's stage, found by its number.

    Raises
    ------
    UserError
        If the folder `notebooks` lacks it.
    """
    found = sorted(notebooks.glob(f"{NUMBERS[run.stage]}_*.ipynb"))
    if not found:
        raise UserError(f"{notebooks} has no notebook {NUMBERS[run.stage]}_*.ipynb: restore it from the repository")
    return found[0]


def method_of(run: Run, runs: Sequence[Run]) -> str:
    """The method that a model's run counts for; a student counts for its teacher's."""
    if run.stage == "distill":
        return method_of(next(other for other in runs if other.id == run.needs[1]), runs)
    return str(run.parameters["name" if run.stage == "adapt" else "method"])


def gap_words(label_shift: float, appearance_shift: float) -> str:
    """How far a world's domains lie apart, as words: ``label shift 1, appearance shift 0.5``."""
    return f"label shift {label_shift:g}, appearance shift {appearance_shift:g}"
