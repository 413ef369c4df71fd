"""The report: from nothing to a full study it never fails, and says what is missing."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from synthetic_study import SyntheticStudy, three_seeds

from fada_lib.study import figures, listing
from fada_lib.study.findings import findings
from fada_lib.study.report import main, write_report
from fada_lib.study.results import read_study


class Links(HTMLParser):
    """Collects what a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("href", "src") and not value.startswith("#")]


def links(report: Path) -> list[str]:
    parser = Links()
    parser.feed(report.read_text(encoding="utf-8"))
    return parser.found


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = three_seeds(tmp_path_factory.mktemp("results") / "synthetic")
    adapt = next((study.folder / "runs").glob("adapt_fada_soft-s0*"))
    rows = [{"iteration": i, "target_tune_miou": 0.4} for i in (50, 100)]
    (adapt / "history.jsonl").write_text("\n".join(map(json.dumps, rows)))
    text = "# A made-up notebook\n\nWith $x_i$, not `$HOME`:\n\n$$\\sum_{k=1}^{K} a_k \\log p_k$$"
    cell = nbformat.v4.new_markdown_cell(text)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), adapt / "notebook.ipynb")
    (adapt / "figures").mkdir()
    (adapt / "figures" / "1_encodings.png").write_bytes(b"")
    return write_report(study.folder)


def test_every_link_of_the_page_leads_to_a_file_of_the_study(report: Path) -> None:
    found = links(report)
    assert "figures/comparison.png" in found
    assert "tables/main.csv" in found
    assert any(link.endswith("notebook.html") for link in found)
    assert any(link.endswith("figures/1_encodings.png") for link in found)
    assert [link for link in found if not (report.parent / link).exists()] == []


def test_tables_and_figures_lie_beside_the_report(report: Path) -> None:
    tables = {path.name for path in (report.parent / "tables").iterdir()}
    assert {"main.csv", "main.md", "differences.md", "components.csv", "encodings.csv", "ccd.csv"} <= tables
    drawn = {path.name for path in (report.parent / "figures").iterdir()}
    assert {
        "comparison.pdf",
        "differences.png",
        "classes.png",
        "components.png",
        "ccd.png",
        "curves.png",
    } <= drawn


def test_notebooks_are_readable_without_a_network(report: Path) -> None:
    text = next(report.parent.glob("runs/*/notebook.html")).read_text(encoding="utf-8")
    assert "src=" not in text and "<script" not in text
    assert text.count("<math") == 2 and "$" not in text.partition("<body")[2].replace("`$HOME`", "").replace(
        "$HOME", ""
    )
    assert "<munderover>" in text and "<code>$HOME</code>" in text


def test_published_numbers_are_labelled(report: Path) -> None:
    assert "published: FADA, GTA5" in report.read_text(encoding="utf-8")


def test_words_carry_the_measured_numbers(report: Path) -> None:
    sentences = " ".join(findings(read_study(report.parent)))
    assert "Trained on the source alone, the network reaches 31.0 ± 1.0 % target mIoU" in sentences
    assert "FADA, soft labels is 6.0 points above Binary discriminator" in sentences
    assert "which does not contain zero" in sentences


def test_every_kind_of_labels_is_told_against_the_binary_discriminator(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    mious = {"binary": 0.4, "fada_soft": 0.39, "fada_soft_temperature_1.0": 0.42, "fada_hard": 0.41}
    for method, miou in mious.items():
        study.model(method, 0, miou)
    told = [line for line in findings(read_study(study.folder)) if "Binary discriminator" in line]
    assert told == [
        "FADA, soft labels is 1.0 points below Binary discriminator.",
        "FADA, soft labels, T = 1.0 is 2.0 points above Binary discriminator.",
        "FADA, hard labels is 1.0 points above Binary discriminator.",
    ]


def test_methods_that_differ_by_less_than_is_written_are_said_to_be_level(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    study.model("binary", 0, 0.4)
    study.model("fada_soft", 0, 0.4003)
    sentences = " ".join(findings(read_study(study.folder)))
    assert "FADA, soft labels is within 0.05 points of Binary discriminator." in sentences


def test_what_was_told_target_labels_is_never_the_best_adapted_model(tmp_path: Path) -> None:
    study = three_seeds(tmp_path / "study")
    for seed in range(3):
        study.model("oracle_encodings", seed, 0.7)
    (best,) = (line for line in findings(read_study(study.folder)) if line.startswith("The best adapted model"))
    assert "FADA, soft labels + SD" in best


def test_fada_is_told_against_the_source_model_and_the_papers_opponents_only(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for method in ("source_only", "minent", "clan", "binary", "fada_soft"):
        study.model(method, 0, 0.6 if method == "fada_soft" else 0.4)
    told = [sentence for sentence in findings(read_study(study.folder)) if " points above " in sentence]
    opponents = [sentence.partition(" points above ")[2].rstrip(".") for sentence in told]
    assert opponents == ["Source only", "Binary discriminator", "CLAN"]


@pytest.mark.parametrize(
    ("name", "title"),
    [("01_ccd", "CCD"), ("03_ccd_and_iou", "CCD and IoU"), ("05_tsne", "t-SNE"), ("01_pseudo_labels", "Pseudo labels")],
)
def test_figures_of_notebooks_are_titled_in_words(name: str, title: str) -> None:
    assert listing._title(Path(f"{name}.png")) == title


def test_words_that_a_reader_may_not_know_are_explained(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    assert "mIoU is intersection over union" in text


def test_one_seed_is_said_to_have_no_spread(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    study.model("source_only", 0, 0.3, stage="pretrain")
    text = write_report(study.folder).read_text(encoding="utf-8")
    assert "All of this is one seed: there is no spread" in text
    assert not re.search(r"\bnan\b", text, re.IGNORECASE)


def test_a_study_without_any_result_still_gets_a_page_that_says_so(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    study.add("02_source-s0-12345678", "pretrain", None)
    text = write_report(study.folder).read_text(encoding="utf-8")
    assert "Not complete: 1 of 1 planned runs (02_source-s0-12345678)" in text
    assert "No run that was evaluated on the target is complete yet." in text


def test_tables_and_figures_of_an_earlier_selection_are_removed(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    study.model("source_only", 0, 0.3, stage="pretrain")
    old = [tmp_path / "tables" / "dose.csv", tmp_path / "figures" / "dose.png", tmp_path / "figures" / "dose.pdf"]
    own = tmp_path / "figures" / "notes.txt"
    for path in (*old, own):
        path.parent.mkdir(exist_ok=True)
        path.write_text("old")
    write_report(study.folder)
    assert not any(path.exists() for path in old)
    assert own.exists() and (tmp_path / "tables" / "main.csv").exists()


def test_curves_are_compared_with_the_source_model_on_their_own_split(report: Path, monkeypatch) -> None:
    seen = {}
    monkeypatch.setattr(figures, "target_curves", lambda histories, references, label="": seen.update(references))
    monkeypatch.setattr(figures, "save", lambda figure, path: (path, path))
    assert "curves" in figures.draw_figures(read_study(report.parent))
    assert seen == pytest.approx({"source_only": 0.30})


def test_a_wrong_folder_ends_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.startswith("error: ")
