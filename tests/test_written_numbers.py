"""What README and docs/results.md say in their tables is what the kept rows say, to the digit that is printed."""

import csv
import itertools
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from fada_lib.files import PROJECT_ROOT
from fada_lib.plots.style import method_label
from fada_lib.study.expand import expand
from fada_lib.study.kept import kept_study
from fada_lib.study.plan import method_of
from fada_lib.study.results import Study
from fada_lib.study.statistics import paired_difference, summarise

REFERENCE = PROJECT_ROOT / "reference"
METHODS = {
    "source only": "source_only",
    "source, continued": "source_continued",
    "MinEnt": "minent",
    "AdvEnt": "advent",
    "joint global-local": "joint_global_local",
    "AdaptSegNet": "adaptsegnet",
    "CLAN": "clan",
    "FADA, soft labels": "fada_soft",
    "binary discriminator": "binary",
    "FADA, hard labels": "fada_hard",
    "FADA, soft labels, T = 1": "fada_soft_temperature_1.0",
    "control: AdaBN": "adabn",
    "control: source recoloured": "source_continued_recoloured",
    "oracle: target labels": "oracle",
}
"""The README's words -> name of the method."""
CLAIMS = {
    "A binary discriminator beats it too": "A binary discriminator beats it too",
    "Class-level alignment beats binary alignment": "Class-level alignment beats binary alignment",
    "… with hard labels too": "Class-level alignment with hard labels does too",
    "… at T = 1": "Class-level alignment at T = 1 beats binary alignment",
    "Clipping soft labels at 0.9 helps": "Confidence clipping at 0.9 helps",
    "SD adds to FADA": "Self-distillation adds to FADA",
    "MST adds to FADA + SD": "Multi-scale testing adds to FADA + SD",
    "FADA's mean CCD is lower than continued": "FADA has a lower mean CCD than the source alone",
    "… than binary alignment's": "FADA has a lower mean CCD than binary alignment",
    "… than AdaptSegNet's": "FADA has a lower mean CCD than AdaptSegNet",
    "… than CLAN's": "FADA has a lower mean CCD than CLAN",
    "Of two methods": "Of two methods, the lower CCD has the higher mIoU",
}
"""How the page begins a claim -> the claim, where it is not the same."""
SHARED = {
    "the default world": ("comparison_sd", {}),
    "five worlds": ("dose_response", {"label_shift": 0}),
    "… the default one": ("dose_response", {"label_shift": 0.5}),
    "… the whole one": ("dose_response", {"label_shift": 1}),
    "… half of the camera": ("dose_appearance", {"appearance_shift": 0.5}),
    "… no camera": ("dose_appearance", {"appearance_shift": 0}),
    "frequencies swapped": ("ablation_swapped", {}),
    "a class missing": ("ablation_missing_class", {}),
    "photographs": ("game_to_camvid", {}),
    "CamVid by day to dusk": ("camvid", {}),
}
"""How a row of the table of shared comparisons begins -> its study and gap."""
GAPS = {
    "label 0": ("dose_response", "Label shift 0, appearance shift 1"),
    "default": ("dose_response", "Label shift 0.5, appearance shift 1"),
    "label 1": ("dose_response", "Label shift 1, appearance shift 1"),
    "camera 0": ("dose_appearance", "Label shift 0.5, appearance shift 0"),
    "camera 0.5": ("dose_appearance", "Label shift 0.5, appearance shift 0.5"),
}
"""Column of the verdicts on five worlds -> its study and column there."""
SIDES = {"FADA": "fada_soft", "T = 1": "fada_soft_temperature_1.0", "continued": "source_continued"}
COLUMN = "target_val single mIoU"


def plain(text: str) -> str:
    """Markdown without emphasis, links and footnote marks, its minus signs as Python prints them."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    return text.replace("*", "").replace("†", "").replace("−", "-").strip()


def table(path: Path, header: str) -> list[dict[str, str]]:
    """Rows of the Markdown table whose header line begins so, by column; one without a name goes by its place."""
    lines = path.read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if plain(line).startswith(header))
    body = itertools.takewhile(lambda line: line.startswith("|"), lines[start:])
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in body]
    names = [plain(name) or str(place) for place, name in enumerate(cells[0])]
    return [dict(zip(names, row, strict=True)) for row in cells[2:]]


def rows(name: str) -> list[dict[str, str]]:
    """Rows of a kept table."""
    with (REFERENCE / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def interval(mean: float, low: float, high: float) -> str:
    return f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"


def gain(one: Mapping[object, float], other: Mapping[object, float]) -> str:
    """The paired difference as the page prints it."""
    found = paired_difference("", "", one, other)
    return interval(100 * found.summary.mean, *(100 * bound for bound in found.interval))


def scores(study: str, method: str, gap: Mapping[str, float], by: str = "seed") -> dict[str, float]:
    """Target mIoU of a method's own networks in a study, by seed or world."""
    return {
        row[by]: float(row[COLUMN])
        for row in rows(f"{study}_runs")
        if row["method"] == method
        and row["self_distilled"] == "False"
        and all(float(row[name]) == value for name, value in gap.items())
    }


@pytest.fixture(scope="module")
def comparison() -> Study:
    return kept_study(REFERENCE / "comparison_sd_runs.csv")


@pytest.fixture(scope="module")
def lambdas() -> dict[str, float | None]:
    """Method -> its weight in the comparison; None without one."""
    runs = expand(PROJECT_ROOT / "params" / "comparison_sd.yaml", Path("results"), [1]).runs
    trained = [run for run in runs if run.stage in ("pretrain", "adapt")]
    return {method_of(run, runs): run.parameters.get("options", {}).get("lambda_adv") for run in trained}


@pytest.mark.parametrize(
    "row", table(PROJECT_ROOT / "README.md", "| method | λ | adapted"), ids=lambda r: plain(r["method"])
)
def test_the_readmes_main_table_is_the_kept_one(
    row: dict[str, str], comparison: Study, lambdas: dict[str, float | None]
) -> None:
    row = {name: plain(cell) for name, cell in row.items()}
    method = METHODS[row["method"]]

    def spread(name: str) -> str:
        found = summarise(list(comparison.scores(name).values()))
        return f"{100 * found.mean:.1f} ± {100 * found.sd:.1f}"

    assert (float(row["λ"]) if row["λ"] else None) == lambdas[method]
    assert row["adapted"] == spread(method)
    assert row["+ SD"] == ("" if method == "oracle" else spread(f"{method}+sd"))
    (ccd,) = (found["Mean CCD"] for found in rows("comparison_sd_ccd") if found["Method"] == method_label(method))
    assert row["mean CCD"] == f"{float(ccd):.2f}"
    against = row["against source, continued, paired (95 % interval)"]
    if against:
        assert against == gain(comparison.scores(method), comparison.scores("source_continued"))


def claims(study: str) -> dict[str, dict[str, str]]:
    return {row["Claim"]: row for row in rows(f"{study}_claims")}


def told(row: Mapping[str, str]) -> str:
    """Mean and interval of a claim as the page prints them."""
    mean, low, high = (float(row[name]) for name in ("Mean", "95 % t interval low", "95 % t interval high"))
    if row["Unit"] == "points":
        return interval(mean, low, high)
    if row["Unit"] == "CCD":
        return f"{mean:.2f} ({low:.2f} to {high:.2f}) CCD"
    return f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"


def claim_of(text: str, kept: Mapping[str, dict[str, str]]) -> dict[str, str]:
    name = next((claim for start, claim in CLAIMS.items() if text.startswith(start)), None)
    return kept[name or next(claim for claim in kept if text.startswith(claim))]


@pytest.mark.parametrize(
    "row",
    table(PROJECT_ROOT / "docs" / "results.md", "| claim (where) | published"),
    ids=lambda r: r["claim (where)"][:40],
)
def test_claims_have_their_kept_numbers_and_verdicts(row: dict[str, str]) -> None:
    row = {name: plain(cell) for name, cell in row.items()}
    kept = claim_of(row["claim (where)"], claims("comparison_sd"))
    assert row["verdict"].partition(" (")[0] == kept["Verdict"]
    if kept["Mean"]:
        assert told(kept) in row["here"]
    published = kept["published gain (points) (percent)"]
    assert row["published"] == (f"{float(published):+.1f}" if published else "")


@pytest.mark.parametrize(
    "row",
    table(PROJECT_ROOT / "docs" / "results.md", "| claim | label shift 0, three seeds"),
    ids=lambda r: r["claim"][:40],
)
def test_claims_at_the_easier_and_the_harder_gap_are_the_kept_ones(row: dict[str, str]) -> None:
    gaps = (("easier_gap", "label shift 0, three seeds", "2"), ("harder_gap", "1, three", "5"))
    for study, column, verdict in gaps:
        kept = claim_of(row["claim"], claims(study))
        if kept["Mean"]:  # that on clipping is not judged from rows
            assert (plain(row[column]), row[verdict]) == (told(kept), kept["Verdict"]), study


@pytest.mark.parametrize(
    "row", table(PROJECT_ROOT / "docs" / "results.md", "| claim | label 0 | default"), ids=lambda r: r["claim"][:40]
)
def test_verdicts_on_the_five_worlds_are_the_kept_ones(row: dict[str, str]) -> None:
    for column, (study, name) in GAPS.items():
        kept = {found["Claim"]: found[name] for found in rows(f"{study}_claims_by_gap")}
        words = CLAIMS.get(row["claim"], row["claim"].replace("FADA beats A", "FADA without SD beats A"))
        verdict, mean = re.match(r"(.*?)(?: hold here)? \((.*);", plain(kept[words])).groups()
        said, number = re.match(r"(.*) \(([+-][\d.]+)", plain(row[column])).groups()
        assert said == verdict and abs(float(number) - float(mean)) <= 0.055, column


@pytest.mark.parametrize(
    "row", table(PROJECT_ROOT / "docs" / "results.md", "| | FADA - continued"), ids=lambda r: plain(r["0"])[:30]
)
def test_comparisons_that_studies_share_are_those_of_the_kept_rows(row: dict[str, str]) -> None:
    study, gap = next(found for start, found in SHARED.items() if plain(row["0"]).startswith(start))
    by = "world_seed" if study.startswith("dose") else "seed"
    for column, cell in list(row.items())[1:]:
        one, other = (scores(study, SIDES.get(side, side.lower()), gap, by) for side in column.split(" - "))
        if cell == "—":
            assert not (one and other), column
            continue
        assert plain(cell) == gain(one, other), column
        low, high = paired_difference("", "", one, other).interval
        assert cell.startswith("**") == (low > 0 or high < 0), column


SCRIPTS = re.findall(r"```python\n(.*?)```", (REFERENCE / "README.md").read_text(encoding="utf-8"), re.DOTALL)
assert len(SCRIPTS) > 5


@pytest.mark.parametrize("script", [text for text in SCRIPTS if "results/" not in text and "save(" not in text])
def test_a_script_behind_other_numbers_runs(script: str, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(PROJECT_ROOT)
    exec(compile(script, "reference/README.md", "exec"), {"__name__": "script"})
    assert capsys.readouterr().out
