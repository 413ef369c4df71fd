"""What is wrong with a data set, by file name, before anything is trained on it; and what its labels hold."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fada_lib.data.classes import IGNORE, TRAIN_NAMES
from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.layouts import Layout
from fada_lib.data.records import Record, read_records
from fada_lib.data.sampling import class_balanced_list
from fada_lib.parameters import UserError

FEW = 5
"""Names listed per problem."""
BALANCED_DRAWS = 6000
"""Length asked of the class-balanced list whose shares `class_statistics` tells."""


@dataclass
class Inspection:
    """Findings on one part of one domain.

    Attributes
    ----------
    images : int
        Readable images, with their label where they have one.
    sizes : Counter
        (width, height) -> number of images.
    values : ndarray
        (256,) pixel counts of the stored label values.
    pixels : ndarray
        (K,) pixel counts by channel.
    classes_by_file : list of set of int
        The channels that occur in each readable image, any number of pixels.
    problems : list of str
        One line each, naming the file; first one on all labels together, if their ids are not the layout's.
    """

    images: int
    sizes: Counter
    values: np.ndarray
    pixels: np.ndarray
    classes_by_file: list[set[int]]
    problems: list[str]

    @property
    def presence(self) -> np.ndarray:
        """(K,) number of images in which the class occurs."""
        present = Counter(channel for channels in self.classes_by_file for channel in channels)
        return np.array([present[channel] for channel in range(len(self.pixels))], np.int64)

    @property
    def frequencies(self) -> np.ndarray:
        """(K,) share of the labelled pixels, 0..1."""
        return self.pixels / max(1, self.pixels.sum())

    def require_sound(self, name: str) -> None:
        """Raise `UserError` naming the first damaged files, if there are any."""
        if self.problems:
            more = f" and {len(self.problems) - FEW} more" if len(self.problems) > FEW else ""
            count = f"{len(self.problems)} problem{'s' * (len(self.problems) > 1)}"
            raise UserError(f"{name}: {count}: {'; '.join(self.problems[:FEW])}{more}")


def inspect(dataset: SegmentationDataset, on_progress: Callable[[int], None] = lambda done: None) -> Inspection:
    """Read every image and label of `dataset` once, in parallel; the contents of the labels are kept (`records`)."""
    found = read_records(dataset.items, dataset.form, dataset.records, on_progress)
    problems = [str(entry) if isinstance(entry, UserError) else _objection(entry, dataset) for entry in found]
    sound = [entry for entry, problem in zip(found, problems, strict=True) if not problem]
    unmapped = _unmapped([entry for entry in found if isinstance(entry, Record)], dataset.form)
    values = np.zeros(256, np.int64)
    for record in sound:
        for value, count in record.values:
            values[value] += count
    pixels = np.zeros(256, np.int64)
    np.add.at(pixels, dataset.channel_of_value, values)
    return Inspection(
        images=len(sound),
        sizes=Counter(record.size for record in sound),
        values=values,
        pixels=pixels[: len(dataset.classes)],
        classes_by_file=[_channels(record, dataset) for record in sound],
        problems=[problem for problem in (unmapped, *problems) if problem],
    )


def classes_by_file(dataset: SegmentationDataset) -> list[set[int]]:
    """For every image the channels that occur in its label, any number of pixels, from the records where they hold.

    Raises
    ------
    UserError
        For a damaged file.
    """
    found = read_records(dataset.items, dataset.form, dataset.records)
    for entry in found:
        if isinstance(entry, UserError):
            raise entry
    return [_channels(record, dataset) for record in found]


def class_statistics(inspection: Inspection, names: Sequence[str]) -> list[dict[str, object]]:
    """One row a class: its share of the pixels, and in how many images it occurs, as they are and as drawn.

    Parameters
    ----------
    inspection : Inspection
        Of a part with labels.
    names : sequence of str
        K class names.

    Returns
    -------
    list of dict
        ``class``, ``pixels`` (share of the labelled ones), ``images`` (number), ``share of images`` and ``share when
        class-balanced`` (0..1, images that hold the class among those drawn).
    """
    files = inspection.classes_by_file
    order = class_balanced_list(files, len(names), BALANCED_DRAWS, seed=0)
    drawn = Counter(c for i in order for c in files[i])
    presence, frequencies = inspection.presence, inspection.frequencies
    return [
        {
            "class": name,
            "pixels": float(frequencies[k]),
            "images": int(presence[k]),
            "share of images": float(presence[k] / len(files)),
            "share when class-balanced": drawn[k] / len(order),
        }
        for k, name in enumerate(names)
    ]


def _objection(record: Record, dataset: SegmentationDataset) -> str:
    """What is wrong with a readable label, empty for a sound one."""
    foreign = [value for value, _ in record.values if value not in dataset.form.legal_values]
    if not foreign:
        return ""
    form, label = dataset.form, record.stamp[4]
    few = f"{foreign[:FEW]}{' and more' if len(foreign) > FEW else ''}"
    outside = f"outside the map of {form.name}: {form.legal_text}"
    return f"{label} holds label values {few}, {outside}; mend it or change its layout"


def _unmapped(records: list[Record], form: Layout) -> str:
    """What says that labels store train ids where the layout has label ids, empty if nothing does.

    Train ids are legal label ids, so no single value gives them away; but of a whole part no pixel then lies above 18,
    neither sky nor car, and many have ids that mean nothing as label ids (sidewalk is 1, building 2).
    """
    present = {value for record in records for value, _ in record.values} - {0, IGNORE}
    void = sorted(value for value in present if form.train_id_of_value[value] == IGNORE)
    if not form.stores_label_ids or not void or max(present) >= len(TRAIN_NAMES):
        return ""
    return (
        f"{form.name}: no label holds values above {max(present)}, and {void[:FEW]} are no class; are these train ids? "
        "This layout stores label ids; restore the labels of the download"
    )


def _channels(record: Record, dataset: SegmentationDataset) -> set[int]:
    channels = (int(dataset.channel_of_value[value]) for value, _ in record.values)
    return {channel for channel in channels if channel < len(dataset.classes)}
