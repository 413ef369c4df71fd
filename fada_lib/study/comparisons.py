"""What a study compares: families of paired differences, ladders of components, means over seeds."""

from collections.abc import Callable, Collection, Iterable, Mapping

from fada_lib.plots.comparison import WAYS
from fada_lib.plots.style import is_oracle, method_label, split_name, varied_method
from fada_lib.study.results import Gap, Study
from fada_lib.study.statistics import Difference, Summary, adjust, paired_difference, summarise

STEPS = ("source only", "+ adaptation", "+ SD", "+ MST")
"""The paper's Table 4, row by row."""

CLASS_LEVEL = "Class-level alignment against every other method, without SD"
ADAPTATION = "Adaptation against as many iterations on the source alone"
VARIANTS = "A method with one thing changed against the method itself"
DISTILLATION = "Self-distillation against its teacher"
DISTILLED_VARIANTS = "Self-distillation with something changed against the plain student"
STUDENTS = "FADA against every other method, both self-distilled"
MULTISCALE = "Multi-scale testing against single scale"
TRUTH = "True encodings, which no method has, against the network's own"
"""The families: each is adjusted by Holm for itself, for each answers a question of its own."""
WITHOUT_SD = (CLASS_LEVEL, ADAPTATION, VARIANTS, TRUTH)

UNSOFTENED = "fada_soft_temperature_1.0"
SOFT_LABELS = ("fada_soft", UNSOFTENED)
"""FADA at the paper's temperature and at T = 1, where its labels are not softened: each meets all others."""

MST = "+mst"
"""How the name of a model ends that is tested at several scales."""


def families(study: Study) -> dict[str, list[Difference]]:
    """Family -> its paired comparisons in the reported gap, Holm-adjusted within the family.

    The families follow the methods that the study has; of a grid over lambda its best variant on the tune split
    stands for the method. Networks that had target labels are in none of them but `TRUTH`, which is about them.
    """
    pairs = {
        CLASS_LEVEL: _class_level(study),
        ADAPTATION: [(name, _continued_like(study, name)) for name in _adapted(study, *SOFT_LABELS)],
        VARIANTS: _variants(study),
        DISTILLATION: [(name, teacher_of(name)) for name in students(study)],
        DISTILLED_VARIANTS: _changed_students(study),
        STUDENTS: _between_students(study),
        MULTISCALE: [(name + MST, name) for name in study.reported_methods if not is_oracle(name)],
    }
    pairs[TRUTH] = [
        (study.representative("oracle_encodings"), study.representative(base))
        for base in ("source_continued", "binary", "fada_hard", "fada_soft")
    ]
    found = {family: [difference(study, *pair) for pair in members] for family, members in pairs.items()}
    adjusted = {family: adjust([d for d in members if d is not None]) for family, members in found.items()}
    return {family: members for family, members in adjusted.items() if members}


def difference(study: Study, first: str | None, second: str | None, gap: Gap | None = None) -> Difference | None:
    """Paired difference in target mIoU of two models by name, `MST` appended or not; None if they share no run."""
    if first is None or second is None:
        return None
    return paired_difference(first, second, *(_scores(study, name, gap) for name in (first, second)))


def students(study: Study) -> list[str]:
    """The self-distilled networks of the reported methods, variants of the distillation included."""
    teachers = set(study.reported_methods)
    return [name for name in study.methods if name.endswith("+sd") and teacher_of(name) in teachers]


def teacher_of(student: str) -> str:
    """The method that taught a student: of ``fada_soft@sd=frozen_bn+sd`` it is ``fada_soft``."""
    return keeping(student.removesuffix("+sd"), lambda key: key != "sd")


def keeping(name: str, wanted: Callable[[str], bool]) -> str:
    """The name with those parts of its variant alone whose key is `wanted`."""
    base, variant, distilled = split_name(name)
    kept = ",".join(part for part in variant.split(",") if part and wanted(part.partition("=")[0]))
    return (f"{base}@{kept}" if kept else base) + "+sd" * distilled


def difference_label(difference: Difference, points: bool = True) -> str:
    """What is compared with what; without `points`, the point of a grid that stands for a method is left out."""
    names = (difference.first, difference.second)
    first, second = (_label(name if points else _without_point(name)) for name in names)
    return f"{first} − {second}"


def drawn(names: Iterable[str], taught: Collection[str]) -> list[str]:
    """The networks that a figure shows: all but students, and of those the ones that were taught by `taught`."""
    return [name for name in names if not name.endswith("+sd") or teacher_of(name) in taught]


def unpaired(study: Study, d: Difference) -> list[int]:
    """Seeds of runs that only one side of a difference has: left out of it, and to be named."""
    one, two = (_scores(study, name, None) for name in (d.first, d.second))
    return sorted(seed for _, seed in one.keys() ^ two.keys())


def ladders(study: Study) -> dict[str, list[list[float] | None]]:
    """Method -> mIoU per seed at each of `STEPS`; None where a step was not run."""
    start = list(study.scores("source_only").values()) or None
    found = {}
    for name in study.reported_methods:
        steps = (study.scores(name), study.scores(f"{name}+sd"), study.scores(f"{name}+sd", way="multiscale"))
        values = [start, *(list(step.values()) or None for step in steps)]
        if name == "source_only":
            values[1] = None
        is_a_base = not name.endswith("+sd") and not is_oracle(name)
        if is_a_base and any(values[1:]):
            found[name] = values
    return found


def distilled_ladders(study: Study) -> dict[str, list[list[float] | None]]:
    """The `ladders` of the methods that have students."""
    return {name: steps for name, steps in ladders(study).items() if steps[2]}


def scores_by_way(study: Study, wanted: Collection[str] = tuple(WAYS)) -> dict[str, dict[str, list[float]]]:
    """Method -> way of judging -> mIoU per seed, as `fada_lib.plots.comparison.comparison_figure` takes it."""
    found: dict[str, dict[str, list[float]]] = {}
    for method in study.reported_methods:
        prefix = "sd" if method.endswith("+sd") else ""
        for way, suffix in (("single", ""), ("multiscale", "mst")):
            variant = "_".join(part for part in (prefix, suffix) if part) or "single"
            values = list(study.scores(method, way=way).values())
            if values and variant in wanted:
                found.setdefault(method.removesuffix("+sd"), {})[variant] = values
    return found


def class_summaries(study: Study, method: str) -> list[Summary | None] | None:
    """IoU 0..1 of each class over the seeds of a method; None if nothing was measured."""
    measured = [iou for run in study.of(method) if (iou := run.class_iou()) is not None]
    return [summary_of(values) for values in zip(*measured, strict=True)] if measured else None


def summary_of(values: Iterable[float | None]) -> Summary | None:
    """Summary of the values that were measured; None if none was."""
    return summarise([value for value in values if value is not None])


def mean_of(values: Iterable[float | None]) -> float | None:
    """Mean of the values that were measured; None if none was."""
    summary = summary_of(values)
    return summary.mean if summary else None


def mean_of_all(values: Iterable[float | None]) -> float | None:
    """Mean of the values if every one was measured, else None: what survivors have is no mean over seeds."""
    values = list(values)
    return None if None in values else mean_of(values)


def _changed(study: Study) -> list[tuple[str, tuple[str, str]]]:
    """The reported methods without SD and without target labels, each with what it is and what is changed in it."""
    plain = [name for name in study.reported_methods if not name.endswith("+sd") and not is_oracle(name)]
    return [(name, varied_method(split_name(name)[0])) for name in plain]


def _adapted(study: Study, *without: str) -> list[str]:
    """The reported methods that adapt, without SD."""
    unadapted = ("source_only", "source_continued")
    adapted = [name for name, (method, _) in _changed(study) if method not in unadapted]
    return [name for name in adapted if split_name(name)[0] not in without]


def _continued_like(study: Study, name: str) -> str | None:
    """Continued source training with the same thing changed, where the study has it, else with nothing changed."""
    change = varied_method(split_name(name)[0])[1]
    same = study.representative(f"source_continued_{change}") if change else None
    return same or study.representative("source_continued")


def _class_level(study: Study) -> list[tuple[str | None, str | None]]:
    """FADA with soft labels, at both temperatures, against all others, with hard ones against the binary discriminator.

    FADA with anything else changed meets the binary discriminator with the same thing changed, or, where there is
    none, the binary discriminator itself; no other changed method meets FADA.
    """
    first = ("source_only", "source_continued", "binary")
    changed = dict(_changed(study))
    whole = (name for name in _adapted(study, *SOFT_LABELS) if not all(changed[name]))
    others = dict.fromkeys([*first, *(split_name(name)[0] for name in whole)])
    pairs = [*((fada, base) for fada in SOFT_LABELS for base in others), ("fada_hard", "binary")]
    for name, (method, change) in changed.items():
        if method in (*SOFT_LABELS, "fada_hard") and change:
            like = study.representative(f"binary_{change}")
            pairs.append((split_name(name)[0], "binary" if like is None else f"binary_{change}"))
    return [(study.representative(one), study.representative(two)) for one, two in pairs]


def _variants(study: Study) -> list[tuple[str | None, str | None]]:
    """A method with something changed against itself; FADA at T = 1 is one, though a method of its own."""
    changed = [(name, study.representative(method)) for name, (method, change) in _changed(study) if change]
    return [(study.representative(UNSOFTENED), study.representative("fada_soft")), *changed]


def _between_students(study: Study) -> list[tuple[str, str]]:
    ours = [f"{study.representative(fada)}+sd" for fada in SOFT_LABELS]
    plain = [name for name in study.reported_methods if name.endswith("+sd")]
    others = [name for name in plain if name not in ours and not is_oracle(name)]
    return [(fada, name) for fada in ours if fada in plain for name in others]


def _changed_students(study: Study) -> list[tuple[str, str]]:
    pairs = [(name, f"{teacher_of(name)}+sd") for name in students(study)]
    return [(name, plain) for name, plain in pairs if name != plain]


def _label(name: str) -> str:
    return method_label(name.removesuffix(MST)) + (" + MST" if name.endswith(MST) else "")


def _without_point(name: str) -> str:
    """``binary@lambda_adv=0.1,sd=live+sd`` as ``binary@sd=live+sd``."""
    return keeping(name.removesuffix(MST), lambda key: key == "sd") + MST * name.endswith(MST)


def _scores(study: Study, name: str, gap: Gap | None) -> Mapping[tuple[str, int], float]:
    """(world, seed) -> target mIoU of a model by name, `MST` appended or not."""
    way = "multiscale" if name.endswith(MST) else "single"
    return study.scores(name.removesuffix(MST), way=way, gap=gap)
