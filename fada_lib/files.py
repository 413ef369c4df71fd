"""Files that are either whole or absent: atomic writing, and the few formats that runs keep."""

import json
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import yaml

from fada_lib.parameters import UserError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
"""The checkout: relative paths in parameters start here, whatever the working directory."""


def resolve(path: str | Path) -> Path:
    """The absolute path of a parameter: relative ones start at the project's root, `~` is the home."""
    return PROJECT_ROOT / Path(path).expanduser()


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary sibling of `path`, flush it to disk and rename it to `path`.

    Raises
    ------
    UserError
        If the disk is full or the folder is not writable; `path` then keeps its former content.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror or error}; free some space or choose --output"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_json(path: Path, content: object) -> None:
    """Write JSON atomically; floats keep every digit, NaN is refused."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def read_json(path: Path) -> dict:
    """Read a file of one JSON object; `UserError` names a missing or damaged one."""
    return _json_object(_kept_text(path), path)


def write_json_lines(path: Path, rows: Iterable[dict]) -> None:
    """Write one JSON object a line, atomically."""
    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))


def read_json_lines(path: Path) -> list[dict]:
    """Read a file of one JSON object a line; `UserError` names a missing or damaged one."""
    return [_json_object(line, path, f"line {n}: ") for n, line in enumerate(_kept_text(path).splitlines(), start=1)]


def _kept_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing: run the stage that writes it first") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is damaged (not text in UTF-8): delete it and run again") from error


def _json_object(text: str, path: Path, where: str = "") -> dict:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged ({where}{error}): delete it and run again") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} is damaged ({where}not a JSON object): delete it and run again")
    return content


def read_yaml(path: Path) -> dict:
    """Read a YAML mapping.

    Raises
    ------
    UserError
        Naming a missing or unreadable file, a syntax error, a key that is given twice, a value that is none, or
        anything but a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
        _refuse_repeated_keys(yaml.compose(text, Loader=yaml.SafeLoader), path)
        content = yaml.safe_load(text)
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing: name a file of params/") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; name a YAML file") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not text in UTF-8: save it as such") from error
    except yaml.MarkedYAMLError as error:
        where = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{path} is not valid YAML: {error.problem or error.context}{where}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid YAML: {str(error).partition(chr(10))[0]}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold a mapping of names to values")
    return content


def _refuse_repeated_keys(root: yaml.Node | None, path: Path) -> None:
    """YAML forbids a key twice in one mapping, PyYAML silently takes the last: a forgotten line would win."""
    waiting, seen = [root] if root else [], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
            continue
        names = set()
        for key, value in node.value:
            waiting.append(value)
            if isinstance(key, yaml.ScalarNode) and key.value in names:
                raise UserError(f"{path}: '{key.value}' is given twice, again in line {key.start_mark.line + 1}")
            names.add(key.value if isinstance(key, yaml.ScalarNode) else None)


def yaml_text(content: dict) -> str:
    """The content as YAML, names in their order; the same content gives the same text."""
    return yaml.safe_dump(content, sort_keys=False, default_flow_style=None)


def write_yaml_if_changed(path: Path, content: dict) -> bool:
    """Write YAML only when its bytes change, so that the file's time tells when its content changed."""
    text = yaml_text(content)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    write_text(path, text)
    return True
