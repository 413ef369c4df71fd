"""What a study found, in words with the numbers that the sentences stand on."""

from fada_lib.plots.style import is_control, is_oracle, method_label, split_name, varied_method
from fada_lib.study.claims import judge_claims, tally
from fada_lib.study.comparisons import CLASS_LEVEL, UNSOFTENED, difference_label, families, summary_of
from fada_lib.study.doses import SHIFTS, responses, world_interval
from fada_lib.study.notes import diverged_note
from fada_lib.study.plan import gap_words
from fada_lib.study.rendering import points
from fada_lib.study.results import Study
from fada_lib.study.statistics import LEVEL, Difference, Summary

_OPPONENTS = ("source_only", "source_continued", "binary", "adaptsegnet", "advent", "clan")
_TOLD = [*(("fada_soft", name) for name in _OPPONENTS), (UNSOFTENED, "binary"), ("fada_hard", "binary")]
"""The comparisons that are told in words, in this order: FADA with the source model and the paper's opponents, and its
other labels with the binary discriminator. The table has all."""


def findings(study: Study) -> list[str]:
    """Sentences for the head of the report, computed from the completed runs; the last tells what is missing."""
    compared = {tuple(split_name(n)[0] for n in (d.first, d.second)): d for d in families(study).get(CLASS_LEVEL, [])}
    leading = [_compared(compared[pair]) for pair in _TOLD if pair in compared]
    sentences = [*_levels(study), *leading, *_dose(study), _verdicts(study), _replicates(study)]
    sentences.append(diverged_note(study).strip())
    if study.failed:
        sentences.append(f"Failed, and without a number: {_few(study.failed)}.")
    if study.missing:
        sentences.append(
            f"Not complete: {len(study.missing)} of {len(study.planned)} planned runs ({_few(study.missing)})."
        )
    return [sentence for sentence in sentences if sentence]


def _levels(study: Study) -> list[str]:
    """Where the floor, the ceiling, the best adapted method and the best control lie; of a grid, its chosen point."""
    scores = {method: summary_of(study.scores(method).values()) for method in study.methods}
    scores = {method: score for method, score in scores.items() if score is not None}
    sentences = []
    if "source_only" in scores:
        ceiling = (
            f"; the oracle, trained on target labels, reaches {_percent(scores['oracle'])}"
            if "oracle" in scores
            else ""
        )
        sentences.append(
            f"Trained on the source alone, the network reaches {_percent(scores['source_only'])}{ceiling}."
        )
    ranked = [name for name in study.reported_methods if name in scores and not is_oracle(name)]
    controls = [name for name in ranked if is_control(name)]
    adapted = [name for name in ranked if name not in controls and not _unadapted(name)]
    for kind, names in (("adapted model", adapted), ("control without a discriminator", controls)):
        if names:
            best = max(names, key=lambda name: scores[name].mean)
            sentences.append(f"The best {kind} is {method_label(best)} with {_percent(scores[best])}, single scale.")
    return sentences


def _unadapted(name: str) -> bool:
    """Whether a network or its teacher has seen the source alone."""
    return varied_method(split_name(name)[0])[0] in ("source_only", "source_continued")


def _compared(d: Difference) -> str:
    """One paired difference; whether its interval leaves out zero is said, not judged."""
    size = f"{100 * abs(d.summary.mean):.1f}"
    place = f"{size} points {'above' if d.summary.mean > 0 else 'below'}"
    if size == "0.0":
        place = "within 0.05 points of"
    sentence = f"{method_label(d.first)} is {place} {method_label(d.second)}"
    if d.interval is None:
        return sentence + "."
    holds = "does not contain" if d.interval[0] > 0 or d.interval[1] < 0 else "contains"
    bounds = f"{points(d.interval[0])} … {points(d.interval[1])}"
    return f"{sentence} ({100 * LEVEL:.0f} % t interval {bounds}, which {holds} zero)."


def _dose(study: Study) -> list[str]:
    """How FADA's gain over global alignment moves with each shift."""
    sentences = []
    for r in responses(study):
        steps = ", ".join(f"{points(d.summary.mean)} at {dose:g}" for dose, d in r.steps.items())
        rise = f"; slope {points(r.trend.summary.mean)}{bounds_of(r.trend)}" if r.trend else ""
        named = next(iter(r.steps.values()))
        sentences.append(f"{difference_label(named)} by {SHIFTS[r.shift]}: {steps} (points{rise}).")
    return sentences


def _verdicts(study: Study) -> str:
    """How many of the paper's claims got which verdict."""
    counted = tally(judge_claims(study))
    return f"Of the paper's claims that were measured here: {counted} (the rule is under the table)." if counted else ""


def bounds_of(d: Difference) -> str:
    """The t interval of a difference in brackets, over worlds where there are several; empty for one pair."""
    over_worlds = world_interval(d)
    low, high = over_worlds or d.interval or (None, None)
    return "" if low is None else f" ({points(low)} … {points(high)}{' over worlds' if over_worlds else ''})"


def _replicates(study: Study) -> str:
    """How many seeds the numbers stand on."""
    gap = study.reported_gap
    models = [run for run in study.models if gap in (None, study.gaps.get(run.world))]
    if not models:
        return "No model has been trained yet, so there are no numbers."
    seeds = len({run.metrics["seed"] for run in models})
    worlds = len({run.world for run in models})
    if seeds * worlds == 1:
        return "All of this is one seed: there is no spread, and small differences mean nothing."
    replicates = f"{seeds} seed{'s' if seeds > 1 else ''} and {'one world' if worlds == 1 else f'{worlds} worlds'}"
    if gap is None:
        return f"The numbers stand on {replicates}; ± is the standard deviation."
    return (
        f"Where no dose is named, the numbers stand on {replicates} of {gap_words(*gap)}; ± is the standard deviation."
    )


def _percent(score: Summary) -> str:
    spread = "" if score.sd is None else f" ± {100 * score.sd:.1f}"
    return f"{100 * score.mean:.1f}{spread} % target mIoU"


def _few(names: list[str]) -> str:
    return ", ".join(names[:4]) + (" and more" if len(names) > 4 else "")
