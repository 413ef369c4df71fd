"""What notebook 05 found, in words with the numbers that the sentences stand on."""

from fada_lib.plots.style import is_control, is_oracle, method_label
from fada_lib.study.ccd_evidence import lower_ccd
from fada_lib.study.comparisons import SOFT_LABELS, difference, mean_of
from fada_lib.study.findings import bounds_of
from fada_lib.study.rendering import points, signed
from fada_lib.study.results import Study


def alignment_findings(study: Study) -> list[str]:
    """Sentences on what alignment gains, with classes and without, on CCD and mIoU, on mistakes; of what was measured.

    Parameters
    ----------
    study : Study
        With its analysis among the runs.
    """
    sentences = [
        *_against_no_alignment(study),
        *_against_binary(study),
        _relation(study),
        *_beyond(study),
        _mended(study),
    ]
    return [sentence for sentence in sentences if sentence]


def _against_no_alignment(study: Study) -> list[str]:
    """Whether aligning pays at all: alignment of features against continued training, and against the source model."""
    sentences = []
    for name in map(study.representative, ("binary", *SOFT_LABELS, "fada_hard")):
        against = [(other, difference(study, name, other)) for other in ("source_continued", "source_only")]
        told = [
            f"{points(d.summary.mean)} points{bounds_of(d)} against {method_label(other)}" for other, d in against if d
        ]
        if told:
            sentences.append(f"{method_label(name)}: target mIoU {' and '.join(told)}.")
    return sentences


def _against_binary(study: Study) -> list[str]:
    """FADA beside the binary discriminator: mIoU, CCD and domain distance."""
    ccd, distance = (_means(study, key) for key in ("ccd", "domain_distance"))
    sentences = []
    binary = study.representative("binary")
    for name in map(study.representative, (*SOFT_LABELS, "fada_hard")):
        d = difference(study, name, binary)
        if d is None or not {name, binary} <= ccd.keys() & distance.keys():
            continue
        sentences.append(
            f"{method_label(name)} against {method_label(binary)}: target mIoU {points(d.summary.mean)} points"
            f"{bounds_of(d)}, mean CCD {ccd[name]:.2f} against {ccd[binary]:.2f}, "
            f"domain distance {distance[name]:.2f} against {distance[binary]:.2f}."
        )
    lower = lower_ccd("source_continued")(study, None)
    if lower is not None:
        change = signed(-lower.summary.mean)
        sentences.append(f"The mean CCD of FADA with soft labels differs from continued source training's by {change}.")
    return sentences


def _relation(study: Study) -> str:
    """Whether the lower CCD goes with the higher mIoU, by scope."""
    found = study.analysed("relations").get("ccd", {}).get("of_means", {})
    told = [f"{signed(entry['rho'])} {scope}" for scope, (entry,) in found.items() if entry is not None]
    words = "Rank correlation of mean CCD with target mIoU over the methods (negative: the lower, the better)"
    return f"{words}: {', '.join(told)}." if told else ""


def _beyond(study: Study) -> list[str]:
    """Where the networks stand that nobody aligned by an adversary."""
    ccd = _means(study, "ccd")
    return [
        f"{method_label(name)}: target mIoU {100 * miou:.1f} % at a mean CCD of {ccd[name]:.2f}."
        for name in study.methods
        if (is_control(name) or is_oracle(name)) and not name.endswith("+sd") and name in ccd
        if (miou := mean_of(study.scores(name).values())) is not None
    ]


def _mended(study: Study) -> str:
    """How many of the source model's mistakes each method mends."""
    shares = {
        name: mean_of(entry["mended"] for entry in seeds.values())
        for name, seeds in study.analysed("mistakes").items()
        if not name.endswith("+sd")
    }
    order = [name for name in study.methods if shares.get(name) is not None]
    told = [f"{method_label(name)} {100 * shares[name]:.0f} %" for name in order]
    return f"Of the source model's mistakes on the target, mended: {'; '.join(told)}." if told else ""


def _means(study: Study, key: str) -> dict[str, float]:
    """Method -> mean over classes and seeds of what notebook 05 measured."""
    found = {m: mean_of(entry.get("mean") for entry in seeds.values()) for m, seeds in study.analysed(key).items()}
    return {method: value for method, value in found.items() if value is not None}
