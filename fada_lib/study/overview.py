"""The scores of a few runs side by side, for a notebook."""

import pandas as pd

from fada_lib.analysis.networks import method_key
from fada_lib.plots.style import method_label


def score_table(*metrics: dict) -> pd.DataFrame:
    """One row for the metrics of each run: method, seed, iterations along its chain and mIoU in percent."""
    return pd.DataFrame([_row(m) for m in metrics]).set_index("method")


def _row(metrics: dict) -> dict[str, object]:
    parts = metrics["evaluation"]
    return {
        "method": method_label(method_key(metrics)),
        "seed": metrics["seed"],
        "iterations": metrics["total_iterations"],
        "target mIoU (%)": round(100 * parts["target_val"]["single"]["miou"], 1),
        "multi-scale (%)": round(100 * parts["target_val"]["multiscale"]["miou"], 1),
        "source mIoU (%)": round(100 * parts["source_val"]["single"]["miou"], 1),
    }


def component_ladder(source: dict, adapted: dict, distilled: dict) -> list[list[float]]:
    """The rows of Table 4 for one chain: source only, + adaptation, + SD, + MST (target mIoU, fractions)."""
    single = [m["evaluation"]["target_val"]["single"]["miou"] for m in (source, adapted, distilled)]
    return [[value] for value in (*single, distilled["evaluation"]["target_val"]["multiscale"]["miou"])]
