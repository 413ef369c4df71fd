"""The alignment analysis of a study: the same pixels through every network; CCD, PAD, mistakes and t-SNE of each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from fada_lib.analysis.ccd import class_center_distance, measurable, summary
from fada_lib.analysis.cells import Cells, sample_cells
from fada_lib.analysis.domain_distance import proxy_a_distance
from fada_lib.analysis.embedding import common_initialisation, embed
from fada_lib.analysis.features import cell_outputs
from fada_lib.analysis.mistakes import confusions, fates
from fada_lib.analysis.networks import lowest_seeds, method_and_seed
from fada_lib.data.domains import DOMAINS, open_part
from fada_lib.files import write_atomically
from fada_lib.parameters import AnalyseParameters, UserError
from fada_lib.progress import Progress
from fada_lib.training.checkpoint import load_checkpoint
from fada_lib.training.device import prepare


@dataclass(frozen=True)
class Alignment:
    """What the analysis found.

    Attributes
    ----------
    cells : dict of Cells
        By domain.
    ccd : dict
        Method -> seed -> `summary`; self-distilled methods end in ``+sd``.
    domain_distance : dict
        The proxy A-distance within the classes, likewise.
    confusion, mistakes : dict
        What the target cells are taken for, see `confusions`, and what becomes of the source model's mistakes, see
        `fates`; likewise.
    embeddings : dict of (N, 2) arrays
        By method, source points first.
    """

    cells: dict[str, Cells]
    ccd: dict[str, dict[str, dict]]
    domain_distance: dict[str, dict[str, dict]]
    confusion: dict[str, dict[str, list[list[int]]]]
    mistakes: dict[str, dict[str, dict]]
    embeddings: dict[str, np.ndarray]

    def of(self, methods: Sequence[str]) -> "Alignment":
        """The same of some methods only, in their order; the maps of t-SNE stay."""
        measured = ("ccd", "domain_distance", "confusion", "mistakes")
        found = {name: getattr(self, name) for name in measured}
        chosen = {name: {m: values[m] for m in methods if m in values} for name, values in found.items()}
        return replace(self, **chosen)

    @property
    def classes(self) -> np.ndarray:
        """(N,) channels of the embedded points."""
        return _pooled(self.cells)[0]

    @property
    def domains(self) -> np.ndarray:
        """(N,) 0 for source, 1 for target."""
        return _pooled(self.cells)[2]

    @property
    def maps(self) -> dict[str, dict[str, np.ndarray]]:
        """Method -> its t-SNE map: ``points`` (N, 2), ``classes`` (N,) channels and ``domains`` (N,)."""
        shared = {"classes": self.classes, "domains": self.domains}
        return {method: {"points": points, **shared} for method, points in self.embeddings.items()}

    def counts(self, names: Sequence[str]) -> pd.DataFrame:
        """How many cells each class has: one row a domain, one column a class."""
        found = {d: np.bincount(self.cells[d].classes, minlength=len(names)) for d in DOMAINS}
        return pd.DataFrame.from_dict(found, orient="index", columns=list(names))

    def write_maps(self, path: Path) -> None:
        """Write the t-SNE maps as a NumPy archive: the points by method, `classes` and `domains`."""
        arrays = {**self.embeddings, "classes": self.classes, "domains": self.domains}
        write_atomically(path, lambda temporary: np.savez(temporary, **arrays))


def analyse(p: AnalyseParameters, progress: Progress) -> Alignment:
    """Compute CCD, domain distance and mistakes of every run of `p.runs`, t-SNE of the lowest seed of `p.embedded`.

    Source cells come from held-out source images, target cells from the target's val part.

    Raises
    ------
    UserError
        If a run is unfinished, the networks differ in output stride, or no two classes have pixels enough.
    """
    compute = prepare(p.device, "float32", p.threads, p.seed)
    names = {run: method_and_seed(run) for run in p.runs}
    datasets = {d: open_part(p.data, d, "val") for d in DOMAINS}
    strides = {load_checkpoint(run)[0].feature_extractor.stride for run in p.runs}
    if len(strides) != 1:
        raise UserError(f"runs: networks of output stride {sorted(strides)} cannot share pixels; analyse them apart")
    stride = strides.pop()
    cells = {d: sample_cells(datasets[d], stride, p.samples_per_domain, p.seed, p.test_size) for d in DOMAINS}
    num_classes = len(datasets["source"].classes)
    classes, _, domains = _pooled(cells)
    if len(measurable(classes, num_classes, domains)) < 2:
        raise UserError("samples_per_domain: no two classes have enough feature pixels; raise it or add images")
    embedded = set(lowest_seeds(p.runs, p.embedded).values())
    progress.start("features, CCD, domain distance and mistakes", len(p.runs))
    ccd: dict[str, dict[str, dict]] = {}
    distances: dict[str, dict[str, dict]] = {}
    predictions: dict[str, dict[str, np.ndarray | None]] = {}
    kept: dict[str, np.ndarray] = {}
    for done, (run, (method, seed)) in enumerate(names.items()):
        segmenter, _ = load_checkpoint(run, compute.device)
        outputs = {d: cell_outputs(segmenter, datasets[d], cells[d], p.test_size) for d in DOMAINS}
        features = np.concatenate([outputs[d].features for d in DOMAINS])
        compact, apart = _measures(features, cells, num_classes, p)
        if run in embedded and compact["mean"] is not None:
            kept[method] = features
        ccd.setdefault(method, {})[str(seed)] = compact
        distances.setdefault(method, {})[str(seed)] = apart
        finite = np.isfinite(features).all()
        predictions.setdefault(method, {})[str(seed)] = outputs["target"].channels if finite else None
        progress.update(done + 1)
    ordered = {method: kept[method] for method in p.embedded if method in kept}
    truth = cells["target"].classes
    taken_for, became = confusions(predictions, truth, num_classes), fates(predictions, truth)
    return Alignment(cells, ccd, distances, taken_for, became, _embeddings(p, ordered, progress))


def _pooled(cells: dict[str, Cells]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N,) channels, images and domains (0 source, 1 target) of the cells of both domains, source first."""
    classes, images = (np.concatenate([getattr(cells[d], name) for d in DOMAINS]) for name in ("classes", "images"))
    return classes, images, np.repeat([0, 1], [len(cells[d]) for d in DOMAINS])


def _measures(
    features: np.ndarray, cells: dict[str, Cells], num_classes: int, p: AnalyseParameters
) -> tuple[dict[str, object], dict[str, object]]:
    """CCD and domain distance of the features at `cells`, source first; no values of features that are not finite."""
    if not np.isfinite(features).all():
        nothing = summary([None] * num_classes)
        return nothing, nothing
    classes, images, domains = _pooled(cells)
    compact = class_center_distance(features, classes, num_classes, domains=domains, squared=p.squared_denominator)
    apart = proxy_a_distance(features, classes, domains, images, num_classes, seed=p.seed)
    return summary(compact), summary(apart)


def _embeddings(p: AnalyseParameters, features: dict[str, np.ndarray], progress: Progress) -> dict[str, np.ndarray]:
    if not features:
        return {}
    progress.start("t-SNE", len(features))
    start = common_initialisation(next(iter(features.values())))
    result = {}
    for done, (method, values) in enumerate(features.items()):
        result[method] = embed(values, start, p.perplexity, p.embedding_iterations, p.seed)
        progress.update(done + 1)
    return result
