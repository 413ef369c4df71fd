"""A trained network in a file that runs without this project: `torch.export`, which PyTorch itself brings.

ONNX would need two more packages to write and one to compare; from the exported program it is one call of theirs.
"""

import copy
from pathlib import Path

import torch
from torch import nn

from fada_lib.data.transforms import normalise
from fada_lib.files import write_atomically
from fada_lib.inference.predict import evaluating
from fada_lib.models.segmenter import Segmenter, upsample
from fada_lib.parameters import UserError


class Predictor(nn.Module):
    """From uint8 RGB images to class probabilities at the same size: normalisation and upsampling included."""

    def __init__(self, segmenter: Segmenter) -> None:
        super().__init__()
        self.segmenter = segmenter

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) uint8 to (N, K, H, W) float32, summing to 1 over K."""
        logits = self.segmenter(normalise(images, self.segmenter.feature_extractor.input_convention))
        return torch.softmax(upsample(logits, images.shape[-2:]), dim=1)


def export_segmenter(segmenter: Segmenter, path: str | Path, size: tuple[int, int]) -> float:
    """Write the network as an exported program and compare what it says with what the network says.

    Parameters
    ----------
    segmenter : Segmenter
        In float32, on whatever device and in whatever mode; evaluation mode on the CPU is exported.
    path : path
        Ends in `.pt2`.
    size : (int, int)
        (width, height) of its images, which the program fixes; the batch is one image.

    Returns
    -------
    float
        The largest absolute difference of a probability, on an image of noise, between the network and the program
        read back from the file. Others run it by ``torch.export.load(path).module()(images)``.

    Raises
    ------
    UserError
        For another ending.
    """
    path = Path(path).expanduser()
    if path.suffix != ".pt2":
        raise UserError(f"{path} is no name for an exported program: let it end in .pt2")
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (1, 3, size[1], size[0]), generator=generator, dtype=torch.uint8)
    # torch.export.load warns of tensors that lie channels last, as a trained network's do
    predictor = Predictor(copy.deepcopy(segmenter).to(device="cpu", memory_format=torch.contiguous_format))
    with evaluating(predictor), torch.no_grad():
        expected = predictor(images)
        program = torch.export.export(predictor, (images,))
        write_atomically(path, lambda temporary: torch.export.save(program, temporary))
        found = torch.export.load(path).module()(images)
    return float((found - expected).abs().max())
