"""A study's YAML that starts from others: `base` names files whose sections it completes and overrides.

One experiment of the paper is then three lines: which flavour, which data, which backbone.
"""

from collections.abc import Mapping
from pathlib import Path

from fada_lib import files
from fada_lib.parameters import UserError


def read_parameters(params: Path) -> dict:
    """The sections of a study with those of its bases.

    `base` is a file or a list of files, relative to the file that names them. They are laid over each other from
    left to right and the file itself over all: mappings are merged name by name at every depth, any other value
    replaces the one below, and ``null`` removes it. A file with a base names its own `study`, so that two never
    share a folder.

    Raises
    ------
    UserError
        For a file that is missing, no YAML mapping or its own base, or a `base` that names no files.
    """
    return _with_bases(params, ())


def _with_bases(path: Path, above: tuple[Path, ...]) -> dict:
    """The content of `path` over its bases; `above` are the files that led here."""
    if path.resolve() in above:
        raise UserError(f"{path}: 'base' leads back to the file itself; remove one of the two")
    content = files.read_yaml(path)
    bases = content.pop("base", [])
    names = [bases] if isinstance(bases, str) else bases
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise UserError(f"{path}: 'base' must be a file or a list of files, not {bases!r}")
    if names and not above and "study" not in content:
        raise UserError(f"{path}: a file with a 'base' must name its own 'study', or two would share a folder")
    merged: dict = {}
    for name in names:
        base = path.parent / Path(name).expanduser()
        if not base.is_file():
            raise UserError(f"{path}: 'base' names {base}, which is no file")
        merged = _laid_over(merged, _with_bases(base, (*above, path.resolve())))
    return _laid_over(merged, content)


def _laid_over(below: Mapping, over: Mapping) -> dict:
    """`over` on top of `below`, as `read_parameters` says."""
    merged = dict(below)
    for name, value in over.items():
        if value is None and below.get(name) is not None:
            del merged[name]
        elif isinstance(value, dict) and isinstance(below.get(name), dict):
            merged[name] = _laid_over(below[name], value)
        else:
            merged[name] = value
    return merged
