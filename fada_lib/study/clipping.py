"""Confidence clipping (the paper's Table 6): which networks differ in its threshold and in nothing else."""

from collections.abc import Mapping

from fada_lib.study.results import Gap, Run, Study

_OF_THE_RUN = ("run", "name", "data", "source_run", "seed")
"""Parameters that say which run of a method it is; all others make the method."""
_OF_HARD_LABELS = ("threshold", "hard_temperature", "hard_mean")
"""Options that soft labels never read."""


def clip_variants(study: Study, gap: Gap | None = None) -> list[dict[float, str]]:
    """Threshold -> method, of every set of adaptations by soft labels whose other parameters are equal."""
    groups: list[tuple[Mapping[str, object], dict[float, str]]] = []
    for name in study.methods:
        run = next(iter(study.of(name, gap)), None)
        if run is None or run.stage != "adapt" or run.parameters.get("options", {}).get("encoding") != "soft":
            continue
        settings = _settings(run)
        members = next((found for other, found in groups if other == settings), None)
        if members is None:
            groups.append((settings, members := {}))
        members.setdefault(run.parameters["options"].get("clip"), name)
    return [members for _, members in groups]


def _settings(run: Run) -> dict[str, object]:
    """What makes an adaptation by soft labels, but for the threshold."""
    unread = ("clip", *_OF_HARD_LABELS)
    options = {key: value for key, value in run.parameters["options"].items() if key not in unread}
    return {**{key: value for key, value in run.parameters.items() if key not in _OF_THE_RUN}, "options": options}
