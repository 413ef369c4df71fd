"""The scores of a few runs side by side, for a notebook."""

from collections.abc import Iterable

import pandas as pd

from fada_lib.plots.style import method_label
from fada_lib.study.stages import finished_metrics


def scores(runs: Iterable[str]) -> pd.DataFrame:
    """One row a run: method, seed, iterations along its chain and mIoU in percent."""
    return pd.DataFrame([score_row(finished_metrics(run)) for run in runs])


def score_row(metrics: dict) -> dict[str, object]:
    """The row of one run in `scores`."""
    parts = metrics["evaluation"]
    return {
        "method": method_label(method_key(metrics)),
        "seed": metrics["seed"],
        "iterations": metrics["total_iterations"],
        "target mIoU (%)": round(100 * parts["target_val"]["single"]["miou"], 1),
        "multi-scale (%)": round(100 * parts["target_val"]["multiscale"]["miou"], 1),
        "source mIoU (%)": round(100 * parts["source_val"]["single"]["miou"], 1),
    }


def method_key(metrics: dict) -> str:
    """The method's name, with ``+sd`` when it was self-distilled."""
    return metrics["method"] + ("+sd" if metrics["self_distilled"] else "")


def component_ladder(source: dict, adapted: dict, distilled: dict) -> list[list[float]]:
    """The rows of Table 4 for one chain: source only, + adaptation, + SD, + MST (target mIoU, fractions)."""
    single = [m["evaluation"]["target_val"]["single"]["miou"] for m in (source, adapted, distilled)]
    return [[value] for value in (*single, distilled["evaluation"]["target_val"]["multiscale"]["miou"])]
