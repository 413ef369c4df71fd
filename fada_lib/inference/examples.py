"""What networks say about a few images, fixed by index before anyone has seen a result."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from fada_lib.data.dataset import SegmentationDataset
from fada_lib.inference.predict import probabilities
from fada_lib.losses.encodings import hard_labels, soft_labels
from fada_lib.methods.options import FadaOptions
from fada_lib.models.segmenter import Segmenter, network_input, upsample


def example_predictions(
    dataset: SegmentationDataset,
    indices: Sequence[int],
    segmenters: Mapping[str, Segmenter],
    test_size: tuple[int, ...] = (),
) -> list[dict]:
    """One row an image: ``image``, ``truth`` and ``predictions`` by name; indices wrap around in a small data set."""
    rows = []
    for index in (i % len(dataset) for i in indices):
        image, truth = dataset.test_example(index, test_size)
        predictions = {
            name: probabilities(segmenter.eval(), image[None], tuple(truth.shape))[0].argmax(0).cpu().numpy()
            for name, segmenter in segmenters.items()
        }
        rows.append({"image": image.permute(1, 2, 0).numpy(), "truth": truth.numpy(), "predictions": predictions})
    return rows


def example_labels(
    truth: SegmentationDataset, others: Mapping[str, SegmentationDataset], indices: Sequence[int]
) -> list[dict]:
    """Rows as of `example_predictions`, in which other labels of the same images, by name, are the predictions."""
    rows = []
    for index in (i % len(truth) for i in indices):
        image, labels = (np.array(part) for part in truth.load(index))
        predictions = {name: np.array(dataset.load(index)[1]) for name, dataset in others.items()}
        rows.append({"image": image, "truth": labels, "predictions": predictions})
    return rows


def example_pairs(dataset: SegmentationDataset, indices: Sequence[int]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Images (H, W, 3) and channels (H, W) by index, as many of them as the data set has."""
    return [tuple(np.array(part) for part in dataset.load(index)) for index in indices if index < len(dataset)]


def example_encodings(
    segmenter: Segmenter, image: np.ndarray, options: FadaOptions
) -> tuple[list[tuple[int, int]], np.ndarray, np.ndarray]:
    """Class knowledge at four pixels, from a very confident to a very unsure prediction (Fig. 3 from a real image).

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    options : FadaOptions
        Temperature, clipping and threshold.

    Returns
    -------
    pixels, soft, hard
        (row, column) positions and the (4, K) values of Eq. 8 and Eq. 7.
    """
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None]
    logits = _logits(segmenter, tensor)
    soft = soft_labels(logits, options.temperature, options.clip)[0]
    hard = hard_labels(logits, options.threshold, options.hard_temperature)[0]
    confidence = torch.softmax(logits, dim=1).amax(dim=1).flatten()
    ranks = torch.linspace(0.98, 0.05, 4) * (confidence.numel() - 1)
    chosen = confidence.argsort()[ranks.long()]
    pixels = [(int(i) // image.shape[1], int(i) % image.shape[1]) for i in chosen]
    rows, columns = zip(*pixels, strict=True)
    return pixels, soft[:, rows, columns].T.numpy(), hard[:, rows, columns].T.numpy()


@torch.inference_mode()
def _logits(segmenter: Segmenter, images: torch.Tensor) -> torch.Tensor:
    segmenter.eval()
    return upsample(segmenter(network_input(segmenter, images)), images.shape[-2:]).cpu()
