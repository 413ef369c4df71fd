"""The parts of a world: source train and val, target train, tune and val.

The tune part is held out of the target's training images. Choices made with target labels use it, so that the
val part, which tables report, decides nothing.
"""

from pathlib import Path

from fada_lib.data.classes import class_set
from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.layouts import Item, find
from fada_lib.data.world.spec import WorldSpec
from fada_lib.files import read_yaml, resolve
from fada_lib.parameters import DataParameters, UserError, from_mapping

PARTS = {"source": ("train", "val"), "target": ("train", "tune", "val")}


def made_world(p: DataParameters) -> WorldSpec:
    """The spec of the world that notebook 01 makes when no root is named."""
    names = WorldSpec.__dataclass_fields__
    return WorldSpec(**{name: getattr(p, name) for name in names})


def roots(p: DataParameters) -> tuple[Path, Path]:
    """Folders of source and target: the user's, or the made world inside the run's folder."""
    made = resolve(p.run) / "world"
    return (
        resolve(p.source_root) if p.source_root else made / "gta5",
        resolve(p.target_root) if p.target_root else made / "cityscapes",
    )


def items(p: DataParameters, domain: str, part: str) -> list[Item]:
    """The files of one part of one domain.

    Raises
    ------
    UserError
        If the data are not there, or a held-out part leaves nothing to train on.
    """
    source_root, target_root = roots(p)
    if domain == "source":
        train = find(p.source_layout, source_root, "train", p.source_groups)
        return _held_out(train, p.source_val_images, "source_val_images")[part == "val"]
    if part == "val":
        return find(p.target_layout, target_root, p.target_val_split, p.target_groups)
    train = find(p.target_layout, target_root, "train", p.target_groups)
    if not p.tune_groups:
        return _held_out(train, p.target_tune_images, "target_tune_images")[part == "tune"]
    missing = set(p.tune_groups) - {item.group for item in train}
    if missing:
        raise UserError(f"tune_groups: {sorted(missing)} not among the target's training groups in {target_root}")
    if set(p.tune_groups) >= {item.group for item in train}:
        raise UserError(f"tune_groups: {list(p.tune_groups)} leave no group of {target_root} to train on")
    return [item for item in train if (item.group in p.tune_groups) == (part == "tune")]


def open_part(data_run: str | Path, domain: str, part: str, pseudo_labels: Path | None = None) -> SegmentationDataset:
    """Open a part of the world of a finished data run (notebook 01) as a data set."""
    p = data_parameters(data_run)
    layout = p.source_layout if domain == "source" else p.target_layout
    return SegmentationDataset(items(p, domain, part), layout, class_set(p.class_set), pseudo_labels)


def data_parameters(data_run: str | Path) -> DataParameters:
    """The parameters that a data run was made with."""
    path = resolve(data_run) / "params.yaml"
    return from_mapping(DataParameters, read_yaml(path), str(path))


def _held_out(train: list[Item], count: int, name: str) -> tuple[list[Item], list[Item]]:
    """Split off the last `count` items by name."""
    if not 0 < count < len(train):
        raise UserError(f"{name} is {count}: it must lie between 1 and {len(train) - 1}, one less than the images")
    return train[:-count], train[-count:]
