"""Which networks a correlation of alignment with IoU is over. Notebook 05 writes what follows into its metrics."""

from collections.abc import Iterable

from fada_lib.plots.style import is_control, is_oracle


def scopes(names: Iterable[str]) -> dict[str, list[str]]:
    """Which methods a correlation is over: nested sets by name, each given only if it adds a method to the one before.

    Students are in none: their features are a fresh network's.
    """
    taught = [name for name in names if not name.endswith("+sd")]
    ranked = [name for name in taught if not is_oracle(name)]
    nested = {
        "source models and methods": [name for name in ranked if not is_control(name)],
        "with the controls": ranked,
        "with the oracle": taught,
    }
    found: dict[str, list[str]] = {}
    for scope, members in nested.items():
        if len(members) > max(map(len, found.values()), default=0):
            found[scope] = members
    return found
