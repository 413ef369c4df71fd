"""The report's HTML: one page without scripts, fonts or links to the network."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

STYLE = """
:root { color-scheme: light; }
body {
  font: 17px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
  color: #1d2228; background: #fff; max-width: 1120px; margin: 0 auto; padding: 2.2rem 1.4rem 4rem;
}
h1 { font-size: 2.1rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.4rem; margin: 2.8rem 0 .6rem; padding-top: .6rem; border-top: 2px solid #0072B2; }
p { max-width: 50rem; }
a { color: #005a8f; }
nav { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; font-size: .95rem; }
.lead { color: #49525c; margin-top: 0; }
.findings {
  background: #f2f7fb; border-left: 4px solid #0072B2; margin: 1rem 0; padding: .7rem 1.2rem .7rem 2.2rem;
}
.findings li { margin: .25rem 0; }
.table { overflow-x: auto; margin: 1.2rem 0 .3rem; }
table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .4rem; font-size: 1rem; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid #e4e8ec; }
td { white-space: nowrap; }
th { vertical-align: bottom; border-bottom: 2px solid #9aa5b0; font-weight: 600; }
th.text, td.text { text-align: left; }
td.text { white-space: normal; min-width: 5rem; }
tbody th { padding-top: .8rem; border-bottom: 1px solid #9aa5b0; }
th.flag, td.flag { text-align: center; }
th.published, td.published { background: #fbf5e6; font-style: italic; }
tbody tr:hover { background: #f6f9fb; }
.wide table { font-size: .78rem; }
.wide th, .wide td { padding: .3rem .42rem; }
.wide tbody td.text { min-width: 8rem; }
.wide td.percent { white-space: normal; }
.note { font-size: .85rem; color: #59636e; margin: .2rem 0 .6rem; }
figure { margin: 1.4rem 0 2rem; break-inside: avoid; }
figure img { max-width: 100%; height: auto; display: block; }
figcaption { font-size: .88rem; color: #49525c; max-width: 50rem; margin-top: .4rem; }
pre {
  font: .8rem/1.45 ui-monospace, "Liberation Mono", monospace;
  background: #f6f7f8; padding: .7rem 1rem; overflow-x: auto;
}
summary { cursor: pointer; font-weight: 600; margin: .5rem 0; }
.missing { color: #a33c00; }
@media print {
  body { font-size: 10.5pt; max-width: none; padding: 0; }
  nav { display: none; }
  h2 { break-after: avoid; }
  .table { overflow: visible; }
  table { font-size: 8pt; }
  tr { break-inside: avoid; }
  a { color: inherit; }
}
"""


def page(title: str, lead: str, sections: Sequence[tuple[str, str]]) -> str:
    """The whole page.

    Parameters
    ----------
    title, lead : str
        Plain text of the heading and of the line under it.
    sections : sequence of (heading, HTML)
        In order; the headings make the navigation.
    """
    links = "\n".join(f'<a href="#{anchor(heading)}">{escape(heading)}</a>' for heading, _ in sections)
    parts = [f'<h2 id="{anchor(heading)}">{escape(heading)}</h2>\n{content}' for heading, content in sections]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<h1>{escape(title)}</h1>\n<p class="lead">{escape(lead)}</p>\n<nav>{links}</nav>\n'
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def figure(image: Path, caption: str, folder: Path) -> str:
    """An image with its caption and a link to its PDF, if there is one; both relative to the study's folder."""
    source = image.relative_to(folder).as_posix()
    pdf = image.with_suffix(".pdf")
    link = f' <a href="{escape(pdf.relative_to(folder).as_posix())}">PDF</a>' if pdf.exists() else ""
    text = escape(caption)
    picture = f'<img src="{escape(source)}" alt="{text}" loading="lazy">'
    return f"<figure>{picture}<figcaption>{text}{link}</figcaption></figure>"


def bullets(sentences: Sequence[str], css: str = "") -> str:
    """A list of plain sentences."""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f'<ul class="{css}">{items}</ul>'


def missing(what: str) -> str:
    """Says that a piece is not there."""
    return f'<p class="missing">{escape(what)}</p>'


def anchor(heading: str) -> str:
    """A heading as the name of its place."""
    return "-".join("".join(c if c.isalnum() else " " for c in heading.lower()).split())
