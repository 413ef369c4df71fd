"""The paper's claims, each with what was published, what was measured here, and a verdict by one written rule.

Questions that the paper does not answer stand behind them, by the same rule: `OURS`.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from fada_lib.study.ccd_evidence import agreement, lower_ccd
from fada_lib.study.clipping import clip_variants
from fada_lib.study.comparisons import MST, UNSOFTENED, difference, mean_of
from fada_lib.study.grids import best_iterations, sensitivity
from fada_lib.study.published import published, published_miou
from fada_lib.study.results import Gap, Run, Study
from fada_lib.study.statistics import Difference, adjust, paired_difference

HOLDS, WEAKER, NOT_HERE = "holds", "holds weaker", "does not hold here"
UNDECIDED, TOO_FEW, UNMEASURED = "undecided", "too few seeds", "not measured"
VERDICTS = (HOLDS, WEAKER, NOT_HERE, UNDECIDED, TOO_FEW, UNMEASURED)

OURS = "our question"
"""Where the paper makes no such claim: it only takes CCD for a measure of alignment, and one λ for all."""

FEWEST_PAIRS = 3
"""Pairs (of world and seed) below which no verdict is given: the t interval of two is 25 standard errors wide."""

SIGNIFICANT = 0.05
"""Largest p, adjusted by Holm over all claims, with which one holds."""

RULE = (
    f"Rule: '{UNMEASURED}' without both runs, '{TOO_FEW}' below {FEWEST_PAIRS} pairs. Else, "
    f"with the 95 % t interval of the paired difference and half of the published gain as the least that counts: "
    f"'{HOLDS}' if the interval is above zero, p after Holm's adjustment at most {SIGNIFICANT} and the mean at least "
    f"that half; '{WEAKER}' if so but the mean is less; '{NOT_HERE}' if the interval is not above zero and lies wholly "
    f"below that half (or, where no gain was published, wholly below zero); '{UNDECIDED}' otherwise."
)

Measure = Callable[[Study, Gap | None], Difference | None]


@dataclass(frozen=True)
class Claim:
    """One claim.

    Attributes
    ----------
    text, place : str
        The claim, and where the paper makes it, or `OURS`.
    unit : str
        ``mIoU`` (a difference of fractions, shown in points), ``CCD`` or ``rank correlation`` (plain numbers).
    published : float or None
        Gain printed in the paper, in points of mIoU; None where it prints none.
    measure : callable
        (study, gap) to the paired difference whose sign supports the claim if positive; None if it was not measured.
    """

    text: str
    place: str
    unit: str
    published: float | None
    measure: Measure


@dataclass(frozen=True)
class Judged:
    """A claim with its evidence, `p_holm` adjusted over all claims, and its verdict, one of `VERDICTS`."""

    claim: Claim
    evidence: Difference | None
    verdict: str


def judge_claims(study: Study, gap: Gap | None = None) -> list[Judged]:
    """Every claim, judged by `RULE` on the runs of one gap (by default the reported one)."""
    found = [(claim, claim.measure(study, gap)) for claim in [*paper_claims(), *our_questions()]]
    adjusted = iter(adjust([d for _, d in found if d is not None]))
    pairs = [(claim, None if d is None else next(adjusted)) for claim, d in found]
    return [Judged(claim, d, verdict(d, claim.published)) for claim, d in pairs]


def verdict(evidence: Difference | None, gain: float | None) -> str:
    """What `RULE` says.

    Parameters
    ----------
    evidence : Difference or None
        In fractions of mIoU, or in plain numbers where `gain` is None; not adjusted by Holm, it stands alone.
    gain : float or None
        Published gain in points.
    """
    if evidence is None:
        return UNMEASURED
    if evidence.summary.n < FEWEST_PAIRS or evidence.interval is None:
        return TOO_FEW
    low, high = evidence.interval
    enough = 0.0 if gain is None else gain / 200
    if low > 0:
        if evidence.p_holm is not None and evidence.p_holm > SIGNIFICANT:
            return UNDECIDED
        return HOLDS if evidence.summary.mean >= enough else WEAKER
    return NOT_HERE if high < enough else UNDECIDED


def tally(judged: list[Judged]) -> str:
    """How many of the paper's claims got which verdict, e.g. ``1 'holds', 2 'undecided'``; of those measured."""
    counts = Counter(j.verdict for j in judged if j.verdict != UNMEASURED and j.claim.place != OURS)
    return ", ".join(f"{counts[name]} '{name}'" for name in VERDICTS if counts[name])


def paper_claims() -> list[Claim]:
    """The claims in the paper's order; every published gain is a difference of two numbers of its tables."""
    source, fada, distilled, multiscale = (row.miou for row in published("components"))
    encodings = {row.method: row.miou for row in published("encodings") if row.dataset.startswith("GTA5")}
    binary, hard, soft = (encodings[name] for name in ("Baseline (feat. only)", "hard labels", "soft labels"))
    clipping = {float(row.settings["threshold"]): row.miou for row in published("clipping")}
    claims = [
        ("FADA beats training on the source alone", "Table 4", fada - source, _against_source("fada_soft")),
        ("A binary discriminator beats it too", "Tables 4, 5", binary - source, _against_source("binary")),
        ("Class-level alignment beats binary alignment", "Table 5", soft - binary, _between("fada_soft", "binary")),
        ("Class-level alignment with hard labels does too", "Table 5", hard - binary, _between("fada_hard", "binary")),
    ]
    for name, printed in (("adaptsegnet", "AdaptSegNet"), ("clan", "CLAN"), ("advent", "ADVENT")):
        gain = fada - published_miou("gta5", printed, backbone="ResNet-101")
        claims.append((f"FADA without SD beats {printed}", "Tables 3, 4", gain, _between("fada_soft", name)))
    claims += [
        ("Soft labels beat hard labels", "Table 5", soft - hard, _between("fada_soft", "fada_hard")),
        ("Confidence clipping at 0.9 helps", "Table 6", clipping[0.9] - clipping[1.0], _clipping),
        ("Self-distillation adds to FADA", "Table 4", distilled - fada, _between("fada_soft", "fada_soft", "+sd")),
        (
            "Multi-scale testing adds to FADA + SD",
            "Table 4",
            multiscale - distilled,
            _between("fada_soft", "fada_soft", f"+sd{MST}", "+sd"),
        ),
    ]
    made = [Claim(text, place, "mIoU", round(gain, 1), measure) for text, place, gain, measure in claims]
    for opponent, words in (
        ("source_continued", "the source alone"),
        ("binary", "binary alignment"),
        ("adaptsegnet", "AdaptSegNet"),
        ("clan", "CLAN"),
    ):
        made.append(Claim(f"FADA has a lower mean CCD than {words}", "Fig. 4", "CCD", None, lower_ccd(opponent)))
    return made


def our_questions() -> list[Claim]:
    """What the paper does not claim and this study asks: of sharper labels, of CCD and mIoU, of a large λ."""
    unsoftened = "Class-level alignment at T = 1 beats binary alignment"
    return [
        Claim(unsoftened, OURS, "mIoU", None, _between(UNSOFTENED, "binary")),
        Claim("Of two methods, the lower CCD has the higher mIoU", OURS, "rank correlation", None, agreement),
        Claim("FADA forgives a large λ where binary does not", OURS, "mIoU", None, _forgiveness),
    ]


def _between(first: str, second: str, suffix: str = "", second_suffix: str = "") -> Measure:
    """Difference of two base methods, `+sd` and `MST` appended as given."""

    def measure(study: Study, gap: Gap | None) -> Difference | None:
        one, two = study.representative(first), study.representative(second)
        return difference(study, one and one + suffix, two and two + second_suffix, gap)

    return measure


def _against_source(first: str) -> Measure:
    """Against as many iterations on the source where they were run, else against the shorter source-only training."""
    fair, short = _between(first, "source_continued"), _between(first, "source_only")
    return lambda study, gap: fair(study, gap) or short(study, gap)


def _clipping(study: Study, gap: Gap | None) -> Difference | None:
    """Soft labels clipped at 0.9 against not clipped, all other parameters equal."""
    pairs = [(found[0.9], found[1.0]) for found in clip_variants(study, gap) if {0.9, 1.0} <= found.keys()]
    return difference(study, *pairs[0], gap) if pairs else None


def _forgiveness(study: Study, gap: Gap | None) -> Difference | None:
    """What the largest λ that both have costs against the own best: the binary discriminator's loss minus FADA's.

    On the target's tune part, each λ with its best number of iterations; in the reported gap only.
    """
    grid = sensitivity(study)
    if gap not in (None, study.reported_gap) or not {"binary", "fada_soft"} <= grid.keys():
        return None
    by_weight = {base: best_iterations(grid[base]) for base in ("binary", "fada_soft")}
    shared = by_weight["binary"].keys() & by_weight["fada_soft"].keys()
    if len(shared) < 2:
        return None
    losses = {}
    for base, points in by_weight.items():
        best = max((_scores(points[weight]) for weight in shared), key=lambda scores: mean_of(scores.values()))
        largest = _scores(points[max(shared)])
        losses[base] = {pair: best[pair] - largest[pair] for pair in best.keys() & largest.keys()}
    return paired_difference("binary", "fada_soft", losses["binary"], losses["fada_soft"])


def _scores(runs: list[Run]) -> dict[tuple[str, int], float]:
    """(world, seed) -> mIoU on the target's tune part."""
    return {(run.world, run.metrics["seed"]): run.score("target_tune") for run in runs}
