"""The tables of notebook 05: CCD, the domain distance within classes, what alignment says about IoU, and mistakes."""

from collections.abc import Iterable, Mapping

from fada_lib.plots.style import is_oracle, method_label, method_order
from fada_lib.study.comparisons import mean_of, summary_of
from fada_lib.study.rendering import Column, Table
from fada_lib.study.results import Study

_MEASURES = {"ccd": "Class Center Distance", "domain_distance": "proxy A-distance"}


def ccd_table(study: Study) -> Table | None:
    """Class Center Distance of every method, in plain numbers: mean and median over the classes, then the classes."""
    note = (
        "Measured here: Eq. 9 on features of both domains with their true labels, the same pixels for every method, "
        "mean ± standard deviation over seeds; lower is better. Published mean of FADA: 1.1 (ResNet-101, GTA5 to "
        "Cityscapes)."
    )
    return _by_class(study, "ccd", "CCD", "Class Center Distance over the classes", note)


def domain_distance_table(study: Study) -> Table | None:
    """Proxy A-distance of every method: mean and median over the classes, then the classes."""
    note = (
        "Measured here: the proxy A-distance (PAD), 2 (1 − 2 error) of a linear probe that tells source from target "
        "features of one class, images held out whole, the same pixels as CCD; 0: it guesses, 2: it never errs. Mean ± "
        "standard deviation over seeds. Lower is better aligned, which need not be a better network: the oracle has no "
        "reason to align."
    )
    return _by_class(study, "domain_distance", "PAD", "Domain distance within the classes", note)


def _by_class(study: Study, key: str, unit: str, title: str, note: str) -> Table | None:
    rows = []
    for method, seeds in sorted(study.analysed(key).items(), key=lambda item: method_order(item[0])):
        entries = list(seeds.values())
        mean, median = (summary_of(entry.get(name) for entry in entries) for name in ("mean", "median"))
        by_class = [summary_of(values) for values in zip(*(entry["per_class"] for entry in entries), strict=True)]
        rows.append([method_label(method), mean, median, _with_value(entries), *by_class])
    columns = [
        Column("Method"),
        Column(f"Mean {unit}", "decimal", "min"),
        Column(f"Median {unit}", "decimal", "min"),
        Column("Seeds", "count"),
        *(Column(name, "decimal", "min") for name in study.classes),
    ]
    return Table(key, title, columns, rows, note) if rows else None


def _with_value(entries: Iterable[Mapping[str, object]]) -> int:
    """How many seeds a mean is over: a diverged one has no features to measure."""
    return sum(entry.get("mean") is not None for entry in entries)


def relation_table(study: Study) -> Table | None:
    """Spearman's correlations of both measures with IoU: one row a question, mean and range of the correlations."""
    rows = []
    for key, measure in _MEASURES.items():
        found = study.analysed("relations").get(key, {})
        questions = [
            (f"{direction}: {scope}", entries)
            for direction, by_scope in (
                ("means over the classes, over the methods", found.get("of_means", {})),
                ("within a class, over the methods", found.get("within_class", {})),
            )
            for scope, entries in by_scope.items()
        ]
        questions.append(("within a method, over the classes", list(found.get("within_method", {}).values())))
        for question, entries in questions:
            known = [entry for entry in entries if entry is not None]
            if known:
                rhos, pairs = [entry["rho"] for entry in known], max(entry["n"] for entry in known)
                rows.append([measure, question, mean_of(rhos), min(rhos), max(rhos), len(known), pairs])
    columns = [
        Column("Measure"),
        Column("Spearman's ρ with IoU"),
        *(Column(name, "signed") for name in ("Mean", "Lowest", "Highest")),
        Column("Correlations", "count"),
        Column("Pairs in each, at most", "count"),
    ]
    note = (
        "Measured here: means over the seeds that have both, target val IoU, single scale, no students. If lower were "
        "better, ρ would be negative. The correlations share networks and pixels, so they are no independent trials "
        "and get no p value."
    )
    return Table("relation", "Does alignment predict IoU?", columns, rows, note) if rows else None


def mistake_table(study: Study) -> Table | None:
    """What becomes of the source model's right and wrong answers: one row a method."""
    keys = {"mended": "Mended", "exchanged": "Another mistake", "kept": "Kept", "lost": "Right answers lost"}
    rows, unranked = [], set()
    for method, seeds in sorted(study.analysed("mistakes").items(), key=lambda item: method_order(item[0])):
        if is_oracle(method):
            unranked.add(len(rows))
        found = [summary_of(entry[key] for entry in seeds.values()) for key in keys]
        rows.append([method_label(method), *found, found[0].n if found[0] else 0])
    best = {"mended": "max", "lost": "min"}
    columns = [
        Column("Method"),
        *(Column(name, "percent", best.get(key, "")) for key, name in keys.items()),
        Column("Seeds", "count"),
    ]
    note = (
        "Measured here on the target's pixels that CCD is measured on, about as many of every class: of those that the "
        "source model of the same seed got wrong, the share that this network gets right, gets wrong otherwise, or "
        "takes for the same wrong class; and of those that it got right, the share that this network gets wrong. Mean "
        "± standard deviation over seeds. The oracle and students (SD) did not start from the source model."
    )
    title = "What becomes of the source model's mistakes"
    return Table("mistakes", title, columns, rows, note, frozenset(unranked)) if rows else None
