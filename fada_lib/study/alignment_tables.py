"""Tables of notebook 05 beyond CCD: the domain distance within classes, and what alignment says about IoU."""

from fada_lib.plots.style import method_label, method_order
from fada_lib.study.comparisons import mean_of
from fada_lib.study.rendering import Column, Table
from fada_lib.study.results import Study

_MEASURES = {"ccd": "Class Center Distance", "domain_distance": "proxy A-distance"}


def domain_distance_table(study: Study) -> Table | None:
    """Proxy A-distance of every method: mean and median over the classes, then the classes."""
    rows = []
    for method, seeds in sorted(_analysis(study, "domain_distance").items(), key=lambda item: method_order(item[0])):
        entries = list(seeds.values())
        mean, median = (mean_of(entry.get(key) for entry in entries) for key in ("mean", "median"))
        by_class = [mean_of(values) for values in zip(*(entry["per_class"] for entry in entries), strict=True)]
        rows.append([method_label(method), mean, median, len(entries), *by_class])
    columns = [
        Column("Method"),
        Column("Mean PAD", "number", "min"),
        Column("Median PAD", "number", "min"),
        Column("Seeds", "count"),
        *(Column(name, "number", "min") for name in study.classes),
    ]
    note = (
        "Measured here: the proxy A-distance (PAD), 2 (1 − 2 error) of a linear probe that tells source from target "
        "features of one class, images held out whole, the same pixels as CCD; 0: it guesses, 2: it never errs. Means "
        "over seeds. Lower is better aligned, which need not be a better network: the oracle has no reason to align."
    )
    return Table("domain_distance", "Domain distance within the classes", columns, rows, note) if rows else None


def relation_table(study: Study) -> Table | None:
    """Spearman's correlations of both measures with IoU: one row a direction, mean and range of the correlations."""
    rows = []
    for key, measure in _MEASURES.items():
        found = _analysis(study, "relation").get(key, {})
        for direction, entries in (
            ("within a class, over the methods", found.get("within_class", [])),
            ("within a method, over the classes", list(found.get("within_method", {}).values())),
        ):
            known = [entry for entry in entries if entry is not None]
            if known:
                rhos, pairs = [entry["rho"] for entry in known], max(entry["n"] for entry in known)
                rows.append([measure, direction, mean_of(rhos), min(rhos), max(rhos), len(known), pairs])
    columns = [
        Column("Measure"),
        Column("Spearman's ρ with IoU"),
        *(Column(name, "number") for name in ("Mean", "Lowest", "Highest")),
        Column("Correlations", "count"),
        Column("Pairs in each, at most", "count"),
    ]
    note = (
        "Measured here: means over seeds, target val IoU, single scale. If lower were better, ρ would be negative. The "
        "correlations share networks and pixels, so they are no independent trials and get no p value."
    )
    return Table("relation", "Does alignment predict IoU?", columns, rows, note) if rows else None


def _analysis(study: Study, key: str) -> dict:
    """What notebook 05 kept under `key`; empty without an analysis."""
    runs = [run for run in study.runs if run.stage == "analyse"]
    return runs[-1].metrics.get(key, {}) if runs else {}
