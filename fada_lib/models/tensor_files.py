"""Files of tensors: written whole or not at all, and read without executing anything in them."""

import io
from pathlib import Path

import torch

from fada_lib.files import write_atomically
from fada_lib.parameters import UserError


def save_tensors(path: Path, content: dict) -> None:
    """`torch.save`, atomically; through memory, because only then a full disk is an OSError and ends in one line."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomically(path, lambda temporary: temporary.write_bytes(buffer.getbuffer()))


def read_tensors(path: Path) -> dict:
    """The dictionary of tensors and plain types in a file, on the CPU.

    Raises
    ------
    UserError
        For a file that is missing, truncated, no dictionary, or that holds anything to execute.
    """
    if not path.is_file():
        raise UserError(f"{path} is missing: name a file of weights or a checkpoint")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        advice = "it is truncated or no file of plain tensors; download or make it again"
        if "unsupported" in str(error).lower():  # what a pickle asks for besides tensors
            advice = "it holds more than tensors and plain types; nothing in it was executed"
        raise UserError(f"{path} cannot be read ({type(error).__name__}): {advice}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} holds a {type(content).__name__}, not a dictionary of tensors")
    return content
