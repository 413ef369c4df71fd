"""From a study's YAML to its runs: every parameter resolved, every name checked, every run identified.

A run's identity is the hash of its own parameters, in which a predecessor counts by its run id. So one
changed value renames the run that has it and all that depend on it, and no other; which seeds or methods are
selected renames nothing but the analysis, whose parameters list its runs.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from fada_lib import files
from fada_lib.parameters import STAGES, AnalyseParameters, UserError, from_mapping, to_mapping
from fada_lib.study.inherit import read_parameters
from fada_lib.study.plan import NUMBERS, Plan, Run, method_of
from fada_lib.study.sections import (
    MOST_THREADS,
    advice,
    check_keys,
    check_method_name,
    check_oracle,
    checked_seeds,
    complete_options,
    entry_name,
    grid_points,
    overlay,
    refuse_what_the_study_sets,
    select,
    whole_number,
    world_points,
)

SOURCE_ONLY = "source_only"
"""What the source model is called as a teacher, and in tables."""


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
        the suffix of a grid, or ``source_only`` for the students of the source model.

    Raises
    ------
    UserError
        On an unknown key, a wrong value or a selection of what the study does not have, in one line.
    """
    content = read_parameters(params)
    check_keys(content, params)
    threads = whole_number(content.get("threads", 1), f"{params}: 'threads'", least=1, most=MOST_THREADS)
    if seeds is None:
        chosen_seeds = checked_seeds(content.get("seeds", [0]), f"{params}: 'seeds'")
    else:
        chosen_seeds = checked_seeds(seeds, "--seeds")
    folder = output.absolute() / content["study"]
    builder = _Builder(params, content, folder / "runs", threads)
    entries = builder.method_entries()
    selected = select(builder.teachable(entries), methods, f"{params}: --methods")
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

    def section(self, name: str, stage: str, drop: Sequence[str] = ()) -> dict:
        """A section's values, checked for names that the study itself sets."""
        values = {} if self.content.get(name) is None else self.content[name]
        where = f"{self.params}, section '{name}'"
        if not isinstance(values, dict):
            raise UserError(f"{where} must be a mapping of names to values")
        values = {key: value for key, value in values.items() if key not in drop}
        refuse_what_the_study_sets(values, stage, where)
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
        grid = world_points((self.content.get("data") or {}).get("grid"), f"{self.params}, section 'data'")
        worlds = []
        for point in grid:
            world = {**values, **point}
            if world.get("source_root") and not world.get("target_root"):
                raise UserError(f"{self.params}, section 'data': source_root needs a target_root")
            worlds.append(self.add("data", f"data-w{world.get('world_seed', 0)}", world, (), "data"))
        return worlds

    def method_entries(self) -> dict[str, dict]:
        """Section `methods` with grids unrolled: name -> values of `AdaptParameters`, options completed."""
        shared = self.section("adapt", "adapt")
        declared = {} if self.content.get("methods") is None else self.content["methods"]
        if not isinstance(declared, dict):
            raise UserError(f"{self.params}, section 'methods' must be a mapping of names to settings")
        entries = {}
        for name, settings in declared.items():
            where = f"{self.params}, section 'methods', '{name}'"
            check_method_name(name, where)
            settings = {} if settings is None else settings
            if not isinstance(settings, dict):
                raise UserError(f"{where} must be a mapping such as {{method: fada, options: {{…}}}}")
            for point in grid_points(settings.get("grid"), where):
                merged = overlay({**shared, **{k: v for k, v in settings.items() if k != "grid"}}, point, where)
                entry = complete_options(merged, where)
                check_oracle(name, entry["method"], where)
                entries[entry_name(name, point)] = entry
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
                teacher = source
                if name != SOURCE_ONLY:
                    values = {**entries[name], "name": name, "seed": seed}
                    teacher = self.add("adapt", f"{name}-s{seed}", values, [world, source], f"methods: {name}")
                if name in teachers:
                    self._add_students(name, entries, seed, [world, teacher])

    def _add_students(self, name: str, entries: Mapping[str, dict], seed: int, needs: Sequence[Run]) -> None:
        """The students of one teacher: the section `distill` as it is, then each of its `variants` for this teacher."""
        shared = {**self.section("distill", "distill", drop=("teachers", "variants")), "seed": seed}
        variants = self.section("distill", "distill").get("variants")
        self.add("distill", f"{name}-s{seed}", shared, needs, "distill")
        where = f"{self.params}, section 'distill': 'variants'"
        if not isinstance(variants, dict | None):
            raise UserError(f"{where} must map names to what they change, not {variants!r}")
        for variant, changes in (variants or {}).items():
            check_method_name(variant, where)
            if not isinstance(changes, dict):
                raise UserError(f"{where}: '{variant}' must be a mapping, not {changes!r}")
            refuse_what_the_study_sets(changes, "distill", f"{where}, '{variant}'")
            possible = self.teachable(entries)
            if name in select(possible, changes.get("teachers"), f"{where}, '{variant}': 'teachers'"):
                student = {**shared, **changes, "variant": variant}
                student.pop("teachers", None)
                self.add("distill", f"{name}-{variant}-s{seed}", student, needs, f"distill: {variant}")

    def teachable(self, entries: Mapping[str, dict]) -> dict[str, dict]:
        """The methods, after the source model if section `distill` names it: its student is plain self-training."""
        wanted = self.section("distill", "distill").get("teachers")
        named = isinstance(wanted, list) and SOURCE_ONLY in wanted
        return {SOURCE_ONLY: {}, **entries} if named else dict(entries)

    def _teachers(self, entries: Mapping[str, dict]) -> list[str]:
        """The teachers that section `distill` names; all methods without its `teachers`."""
        if "distill" not in self.content:
            return []
        wanted = self.section("distill", "distill").get("teachers")
        return select(self.teachable(entries), wanted, f"{self.params}, section 'distill': 'teachers'")

    def add_analysis(self, world: Run, entries: Mapping[str, dict]) -> None:
        """The run of notebook 05, over all models of one world."""
        models = [run for run in self.runs if run.stage not in ("data", "analyse") and world.id in run.needs]
        present = {method_of(run, self.runs) for run in models}
        taught = {method_of(run, self.runs) for run in models if run.stage == "distill"}
        values = self.section("analysis", "analyse")
        known = {"source_only", *(["oracle"] if "oracle" in self.content else []), *entries}
        drawn = {key: self._drawn(key, values, known) for key in ("embedded", "students")}
        values = {
            **values,
            "embedded": [name for name in drawn["embedded"] if name in present],
            "students": [name for name in drawn["students"] if name in taught],
            "test_size": self.section("pretrain", "pretrain").get("test_size", ()),
        }
        self.add("analyse", "analysis", values, [world, *models], "analysis")

    def _drawn(self, key: str, values: Mapping[str, object], known: set[str]) -> Sequence[str]:
        """The methods that section `analysis` names for some figures, by default those of notebook 05."""
        where = f"{self.params}, section 'analysis': '{key}'"
        names = values.get(key, getattr(AnalyseParameters, key))
        if not isinstance(names, (list, tuple)):
            raise UserError(f"{where} must be a list of methods, not {names!r}")
        for name in values.get(key, ()):
            if not isinstance(name, str) or name not in known:
                raise UserError(f"{where}: unknown method '{name}'; {advice(str(name), known)}")
        return names


def _fingerprint(parameters: Mapping[str, object]) -> str:
    """Eight hex digits of what makes a run what it is: predecessors count by id, its own folder does not."""
    content = {name: value for name, value in parameters.items() if name != "run"}
    for name in ("data", "source_run", "teacher_run"):
        if name in content:
            content[name] = Path(str(content[name])).name
    if "runs" in content:
        content["runs"] = [Path(path).name for path in content["runs"]]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]
