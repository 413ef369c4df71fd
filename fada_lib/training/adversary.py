"""The discriminator of an adaptation on disk, beside its network: to look at, no training needs it."""

from pathlib import Path

import torch

from fada_lib.files import resolve
from fada_lib.methods.interface import Method
from fada_lib.methods.registry import build_method
from fada_lib.models.segmenter import Segmenter
from fada_lib.models.tensor_files import read_tensors, save_tensors
from fada_lib.parameters import AdaptParameters, UserError

FILE = "discriminator.pt"


def save_adversary(path: Path, p: AdaptParameters, method: Method, segmenter: Segmenter) -> None:
    """Write the discriminator to `path`; a method that judges no whole maps leaves none there.

    Parameters
    ----------
    path : path
    p : AdaptParameters
        Name the method and its options.
    method : Method
    segmenter : Segmenter
        The network whose features, or predictions, it sees.
    """
    if not method.judges():
        path.unlink(missing_ok=True)
        return
    content = {
        "method": p.method,
        "options": p.options,
        "channels": segmenter.feature_extractor.channels,
        "num_classes": segmenter.num_classes,
        "state": {name: tensor.cpu() for name, tensor in method.state_dict().items()},
    }
    save_tensors(path, content)


def load_adversary(run: str | Path, device: torch.device | str = "cpu") -> Method | None:
    """The method of an adaptation with its discriminator as it was kept; None if none was.

    Parameters
    ----------
    run : path
        Folder of a finished run, or a file of `save_adversary`.
    device : torch.device or str

    Raises
    ------
    UserError
        For a damaged or foreign file.
    """
    path = resolve(run) / FILE if resolve(run).is_dir() else resolve(run)
    if not path.exists():
        return None
    content = read_tensors(path)
    try:
        method = build_method(*(content[key] for key in ("method", "options", "channels", "num_classes")))
        method.load_state_dict(content["state"])
    except (KeyError, TypeError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{path} is no discriminator of this project ({type(error).__name__}: {reason})") from error
    return method.to(device).eval().requires_grad_(False)
