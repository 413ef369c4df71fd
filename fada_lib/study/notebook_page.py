"""An executed notebook as a page that needs no network: equations as MathML, no scripts from elsewhere."""

import re
from pathlib import Path

import nbformat
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from fada_lib.files import write_text

CODE_OR_EQUATION = re.compile(r"(?P<code>```.*?```|`[^`]*`)|\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+)\$", re.DOTALL)

TEMPLATE = """{% extends 'lab/index.html.j2' %}
{% block html_head_js %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
"""
"""nbconvert's page without RequireJS, MathJax and Mermaid, which it would fetch from a network."""


def convert_notebook(notebook: Path) -> None:
    """Write `notebook.html` beside an executed notebook, unless there is none or the HTML is newer."""
    target = notebook.with_suffix(".html")
    if not notebook.exists() or (target.exists() and target.stat().st_mtime >= notebook.stat().st_mtime):
        return
    content, _ = HTMLExporter(raw_template=TEMPLATE).from_notebook_node(
        with_mathml(nbformat.read(notebook, as_version=4)),
        resources={"metadata": {"name": notebook.parent.name}},
    )
    write_text(target, content)


def with_mathml(notebook: NotebookNode) -> NotebookNode:
    """The notebook with the LaTeX of its text cells as MathML, which browsers draw themselves (changed in place)."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = CODE_OR_EQUATION.sub(_mathml, cell.source)
    return notebook


def _mathml(match: re.Match[str]) -> str:
    """One equation as MathML; code stays as it is."""
    if match["code"]:
        return match["code"]
    return convert(match["block"] or match["inline"], display="block" if match["block"] else "inline")
