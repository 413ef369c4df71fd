"""From a study's YAML to its runs: every parameter resolved, every name checked, every run identified.

A run's identity is the hash of its own parameters, in which a predecessor counts by its run id. So one
changed value renames the run that has it and all that depend on it, and no other; which seeds or methods are
selected renames nothing but the analysis, whose parameters list its runs.
"""

import dataclasses
import difflib
import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fada_lib import files
from fada_lib.methods.options import OPTIONS
from fada_lib.parameters import (
    STAGES,
    AdaptParameters,
    AnalyseParameters,
    UserError,
    from_mapping,
    to_mapping,
)

STUDY_KEYS = (
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
NUMBERS = {"data": "01", "pretrain": "02", "adapt": "03", "distill": "04", "analyse": "05"}
SET_BY_THE_STUDY = {
    "data": ("run", "threads"),
    "pretrain": ("run", "data", "seed", "threads", "method", "domain"),
    "adapt": ("run", "data", "seed", "threads", "source_run", "name"),
    "distill": ("run", "data", "seed", "threads", "teacher_run"),
    "analyse": ("run", "data", "threads", "runs"),
}
"""Parameters that a section may not give, because the study's seeds, threads and shape decide them."""


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


def expand(
    params: Path,
    output: Path,
    seeds: Sequence[int] | None = None,
    methods: Sequence[str] | None = None,
) -> Plan:
    """Expand a study's YAML into its plan; writes nothing.

    Parameters
    ----------
    params : path
        The study's YAML.
    output : path
        The folder under which the study's own folder lies.
    seeds, methods : sequences, optional
        Restrict the study to these; `methods` are names of the study's section `methods`, with or without
        the suffix of a grid.

    Raises
    ------
    UserError
        On an unknown key, a wrong value or a selection of what the study does not have, in one line.
    """
    content = files.read_yaml(params)
    _check_keys(content, params)
    threads = _whole_number(content.get("threads", 1), f"{params}: 'threads'", least=1)
    chosen_seeds = _seeds(content.get("seeds", [0]) if seeds is None else seeds, f"{params}: 'seeds'")
    folder = output.absolute() / content["study"]
    builder = _Builder(params, content, folder / "runs", threads)
    entries = builder.method_entries()
    selected = _select(entries, methods, f"{params}: --methods")
    worlds = builder.worlds()
    for world in worlds:
        builder.add_world(world, chosen_seeds, entries, selected)
    if "analysis" in content:
        builder.add_analysis(worlds[0], entries)
    return Plan(content["study"], folder, tuple(chosen_seeds), threads, tuple(builder.runs))


class _Builder:
    """Collects the runs of one study; each `add_…` appends them in an order that respects their needs."""

    def __init__(self, params: Path, content: Mapping, runs_folder: Path, threads: int):
        self.params, self.content, self.runs_folder, self.threads = params, content, runs_folder, threads
        self.runs: list[Run] = []

    def section(self, name: str, stage: str, drop: Iterable[str] = ()) -> dict:
        """A section's values, checked for names that the study itself sets."""
        values = self.content.get(name) or {}
        where = f"{self.params}, section '{name}'"
        if not isinstance(values, dict):
            raise UserError(f"{where} must be a mapping of names to values")
        values = {key: value for key, value in values.items() if key not in drop}
        for key in values:
            if key in SET_BY_THE_STUDY[stage]:
                raise UserError(f"{where}: '{key}' is set by the study itself; remove it")
        return values

    def add(self, stage: str, readable: str, values: Mapping, needs: Sequence[Run], section: str) -> Run:
        """Check the values against the stage's dataclass, derive the run's id and append the run once."""
        where = f"{self.params}, section '{section}'"
        values = {**values, "threads": self.threads}
        values.update(self._paths(stage, needs))
        parameters = to_mapping(from_mapping(STAGES[stage], values, where))
        identifier = f"{NUMBERS[stage]}_{readable}-{_fingerprint(parameters)}"
        parameters["run"] = self._path(identifier)
        run = Run(identifier, stage, parameters, tuple(need.id for need in needs))
        if run.id not in {known.id for known in self.runs}:
            self.runs.append(run)
        return run

    def _paths(self, stage: str, needs: Sequence[Run]) -> dict[str, object]:
        """The parameters by which a run finds its predecessors; `needs` is in the order data, model, …"""
        paths = [self._path(need.id) for need in needs]
        if stage == "data":
            return {}
        own = {"adapt": "source_run", "distill": "teacher_run"}
        later = {"runs": paths[1:]} if stage == "analyse" else {own[stage]: paths[1]} if stage in own else {}
        return {"data": paths[0], **later}

    def _path(self, identifier: str) -> str:
        path = self.runs_folder / identifier
        return str(path.relative_to(files.PROJECT_ROOT) if path.is_relative_to(files.PROJECT_ROOT) else path)

    def worlds(self) -> list[Run]:
        """The data runs: one, or one per point of `data.grid`."""
        values = self.section("data", "data", drop=("grid",))
        grid = _grid((self.content.get("data") or {}).get("grid"), f"{self.params}, section 'data'")
        worlds = []
        for point in grid:
            world = {**values, **point}
            worlds.append(self.add("data", f"data-w{world.get('world_seed', 0)}", world, (), "data"))
        return worlds

    def method_entries(self) -> dict[str, dict]:
        """Section `methods` with grids unrolled: name -> values of `AdaptParameters`, options completed."""
        shared = self.section("adapt", "adapt", drop=())
        declared = self.content.get("methods") or {}
        if not isinstance(declared, dict):
            raise UserError(f"{self.params}, section 'methods' must be a mapping of names to settings")
        entries = {}
        for name, settings in declared.items():
            where = f"{self.params}, section 'methods', '{name}'"
            _check_method_name(name, where)
            settings = {} if settings is None else settings
            if not isinstance(settings, dict):
                raise UserError(f"{where} must be a mapping such as {{method: fada, options: {{…}}}}")
            for point in _grid(settings.get("grid"), where):
                merged = _overlay({**shared, **{k: v for k, v in settings.items() if k != "grid"}}, point, where)
                entries[_entry_name(name, point)] = _complete_options(merged, where)
        return entries

    def add_world(self, world: Run, seeds: Sequence[int], entries: Mapping[str, dict], selected: Sequence[str]) -> None:
        """Everything but the analysis for one world: pretraining, oracle, methods and their distillations."""
        pretrain = self.section("pretrain", "pretrain")
        for seed in seeds:
            values = {**pretrain, "seed": seed}
            source = self.add("pretrain", f"source-s{seed}", values, [world], "pretrain")
            if "oracle" in self.content:
                oracle = {
                    **values,
                    **self.section("oracle", "pretrain"),
                    "method": "oracle",
                    "domain": "target",
                }
                self.add("pretrain", f"oracle-s{seed}", oracle, [world], "oracle")
            teachers = self._teachers(entries)
            for name in selected:
                values = {**entries[name], "name": name, "seed": seed}
                teacher = self.add("adapt", f"{name}-s{seed}", values, [world, source], f"methods: {name}")
                if name in teachers:
                    student = {**self.section("distill", "distill", drop=("teachers",)), "seed": seed}
                    self.add("distill", f"{name}-s{seed}", student, [world, teacher], "distill")

    def _teachers(self, entries: Mapping[str, dict]) -> list[str]:
        """The methods that section `distill` names; all of them without its `teachers`."""
        if "distill" not in self.content:
            return []
        wanted = (self.content["distill"] or {}).get("teachers")
        return _select(entries, wanted, f"{self.params}, section 'distill': 'teachers'")

    def add_analysis(self, world: Run, entries: Mapping[str, dict]) -> None:
        """The run of notebook 05, over all models of one world."""
        models = [run for run in self.runs if run.stage not in ("data", "analyse") and world.id in run.needs]
        present = {method_of(run, self.runs) for run in models}
        values = self.section("analysis", "analyse")
        known = {"source_only", *(["oracle"] if "oracle" in self.content else []), *entries}
        where = f"{self.params}, section 'analysis': 'embedded'"
        embedded = values.get("embedded", AnalyseParameters.embedded)
        if not isinstance(embedded, (list, tuple)):
            raise UserError(f"{where} must be a list of methods, not {embedded!r}")
        for name in values.get("embedded", ()):
            if name not in known:
                raise UserError(f"{where}: unknown method '{name}'; {_advice(str(name), known)}")
        values = {**values, "embedded": [name for name in embedded if name in present]}
        self.add("analyse", "analysis", values, [world, *models], "analysis")


def method_of(run: Run, runs: Iterable[Run]) -> str:
    """The method that a model's run counts for; a student counts for its teacher's."""
    if run.stage == "distill":
        teacher = next(other for other in runs if other.id == run.needs[1])
        return str(teacher.parameters["name"])
    return str(run.parameters["name" if run.stage == "adapt" else "method"])


def _fingerprint(parameters: Mapping[str, object]) -> str:
    """Eight hex digits of what makes a run what it is: predecessors count by id, its own folder does not."""
    content = {name: value for name, value in parameters.items() if name != "run"}
    for name in ("data", "source_run", "teacher_run"):
        if name in content:
            content[name] = Path(str(content[name])).name
    if "runs" in content:
        content["runs"] = [Path(path).name for path in content["runs"]]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]


def _check_keys(content: Mapping, params: Path) -> None:
    for key in content:
        if key not in STUDY_KEYS:
            raise UserError(f"{params}: unknown section '{key}'; {_advice(str(key), STUDY_KEYS)}")
    for key in REQUIRED_KEYS:
        if key not in content:
            raise UserError(f"{params}: section '{key}' is missing; see params/default.yaml")
    name = content["study"]
    if not isinstance(name, str) or not name or set(name) & set("/\\ \t\n") or name.startswith("."):
        raise UserError(f"{params}: 'study' must be a plain name for a folder, not {name!r}")
    if "distill" in content and "methods" not in content:
        raise UserError(f"{params}: section 'distill' needs section 'methods' to take its teachers from")


def _check_method_name(name: object, where: str) -> None:
    allowed = isinstance(name, str) and name.replace("_", "").replace("-", "").replace(".", "").isalnum()
    if not allowed or name in ("source_only", "oracle", "source"):
        raise UserError(f"{where}: choose a name of letters, digits, _, - and . other than source_only, oracle")


def _whole_number(value: object, where: str, least: int) -> int:
    if type(value) is not int or value < least:
        raise UserError(f"{where} must be a whole number of at least {least}, not {value!r}")
    return value


def _seeds(values: object, where: str) -> list[int]:
    if isinstance(values, str) or not isinstance(values, Sequence) or not values:
        raise UserError(f"{where} must be a list of whole numbers such as [0, 1, 2], not {values!r}")
    return list(dict.fromkeys(_whole_number(value, where, least=0) for value in values))


def _grid(grid: object, where: str) -> list[dict[str, object]]:
    """All points of a grid, `[{}]` without one."""
    if grid is None:
        return [{}]
    lists = isinstance(grid, dict) and grid and all(isinstance(v, list) and v for v in grid.values())
    if not lists:
        raise UserError(f"{where}: 'grid' must map names to lists of values, not {grid!r}")
    return [dict(zip(grid, point, strict=True)) for point in itertools.product(*grid.values())]


def _overlay(values: Mapping, point: Mapping[str, object], where: str) -> dict:
    """`values` with a grid's point laid over; `options.x` reaches into the method's own options."""
    merged = {**values, "options": values.get("options") or {}}
    if not isinstance(merged["options"], dict):
        raise UserError(f"{where}: 'options' must be a mapping, not {merged['options']!r}")
    merged["options"] = dict(merged["options"])
    for key, value in point.items():
        target, name = (merged["options"], key[8:]) if key.startswith("options.") else (merged, key)
        target[name] = value
    return merged


def _entry_name(name: str, point: Mapping[str, object]) -> str:
    suffix = ",".join(f"{key.rsplit('.', 1)[-1]}={value}" for key, value in point.items())
    return f"{name}@{suffix}" if suffix else name


def _complete_options(values: dict, where: str) -> dict:
    """Check the entry as `AdaptParameters` and its options as its method's; options get their defaults."""
    for key in values:
        if key in SET_BY_THE_STUDY["adapt"]:
            raise UserError(f"{where}: '{key}' is set by the study itself; remove it")
    checked = from_mapping(AdaptParameters, values, where)
    if checked.method not in OPTIONS:
        raise UserError(f"{where}: unknown method '{checked.method}'; {_advice(checked.method, OPTIONS)}")
    options = from_mapping(OPTIONS[checked.method], checked.options, f"{where}, 'options'")
    return {**values, "method": checked.method, "options": to_mapping(options)}


def _select(entries: Mapping[str, dict], wanted: Sequence[str] | None, where: str) -> list[str]:
    """The entries that `wanted` names, whole or up to '@', in the study's order; all of them for None."""
    if wanted is None:
        return list(entries)
    if isinstance(wanted, str) or not isinstance(wanted, Sequence):
        raise UserError(f"{where} must be a list of methods, not {wanted!r}")
    known = dict.fromkeys([*entries, *(name.split("@")[0] for name in entries)])
    for name in wanted:
        if name not in known:
            raise UserError(f"{where}: unknown method '{name}'; {_advice(str(name), known)}")
    return [name for name in entries if name in wanted or name.split("@")[0] in wanted]


def _advice(name: str, known: Iterable[str]) -> str:
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
