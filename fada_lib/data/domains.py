"""The parts of a world: source train and val, target train, tune and val.

The tune part is held out of the target's training images. Choices made with target labels use it, so that the
val part, which tables report, decides nothing. The target's training images need no labels: without, there is no
oracle and nothing can be measured on tune.
"""

import difflib
from pathlib import Path

from fada_lib.data.cache import PixelCache
from fada_lib.data.classes import TRAIN_NAMES, ClassSet, class_set
from fada_lib.data.completeness import completeness
from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.layouts import Item, Layout, find, layout, own_layout
from fada_lib.data.layouts.folders import NAME as FOLDERS
from fada_lib.data.world.spec import WorldSpec
from fada_lib.files import read_yaml, resolve
from fada_lib.parameters import DataParameters, UserError, from_mapping

MADE_LAYOUT = "gta5"
"""The layout that the made game is written in."""
DOMAINS = ("source", "target")
PARTS = {"source": ("train", "val"), "target": ("train", "tune", "val")}


def made_world(p: DataParameters) -> WorldSpec:
    """The spec of the world that notebook 01 makes when no source is named; beside a real target, of its game alone."""
    values = {name: getattr(p, name) for name in WorldSpec.__dataclass_fields__}
    if p.target_root:
        values |= {name: 0 for name in values if name.startswith("target_")}
    return WorldSpec(**values)


def roots(p: DataParameters) -> tuple[Path, Path]:
    """Folders of source and target: the user's, or the made world inside the run's folder.

    Raises
    ------
    UserError
        For a source without a target, since only the source can be made alone, or for one that has a layout only.
    """
    if p.source_root and not p.target_root:
        raise UserError("target_root is empty: name the target's folder too; only the source can be made beside it")
    if not p.source_root and p.source_layout != MADE_LAYOUT:
        raise UserError(
            f"source_root is empty: name the folder of the layout '{p.source_layout}', or write source_layout:"
            f" {MADE_LAYOUT} to make the source"
        )
    made = resolve(p.run) / "world"
    return (
        resolve(p.source_root) if p.source_root else made / "gta5",
        resolve(p.target_root) if p.target_root else made / "cityscapes",
    )


def classes_of(p: DataParameters) -> ClassSet:
    """The classes to predict.

    Raises
    ------
    UserError
        If they are not known, one of them is in no label of either domain, or `judged_on` names classes that they lack.
    """
    classes = class_set(p.class_set)
    for name in p.judged_on:
        classes.channels_of(class_set(name))
    mapped = [name for domain in PARTS for name in getattr(p, f"{domain}_label_values")]
    for name in classes.own:
        if name not in mapped:
            near = difflib.get_close_matches(name, [*TRAIN_NAMES, *mapped], n=1)
            advice = f"did you mean '{near[0]}'?" if near else "map it in source_label_values or target_label_values"
            raise UserError(f"class_set: '{name}' is in the labels of neither domain; {advice}")
    return classes


def layout_of(p: DataParameters, domain: str) -> Layout:
    """The layout of a domain; `UserError` for classes of one's own that do not fit."""
    name, values = (getattr(p, f"{domain}_{field}") for field in ("layout", "label_values"))
    if name == FOLDERS:
        if not values:
            raise UserError(
                f"{domain}_label_values is empty: map class names to label values, as {{road: 1, car: [2, 3]}}"
            )
        images, labels = (getattr(p, f"{domain}_{field}") for field in ("image_folder", "label_folder"))
        return own_layout(images, labels, values, class_set(p.class_set), f"{domain}_label_values")
    if values:
        raise UserError(f"{domain}_label_values is for the layout '{FOLDERS}': '{name}' brings its own map")
    return layout(name)


def items(p: DataParameters, domain: str, part: str) -> list[Item]:
    """The files of one part of one domain.

    Raises
    ------
    UserError
        If the data are not there, a held-out part leaves nothing to train on, or target val would be trained on.
    """
    source_root, target_root = roots(p)
    form = layout_of(p, domain)
    if domain == "source":
        train = find(form, source_root, "train", p.source_groups)
        return _held_out(train, p.source_val_images, "source_val_images")[part == "val"]
    if part == "val":
        found = find(form, target_root, p.target_val_split, p.target_groups)
        trained = {item.image for item in form.find(target_root, "train")}
        if seen := [item.image for item in found if item.image in trained]:
            raise UserError(
                f"target_val_split: {len(seen)} images of '{p.target_val_split}' in {target_root} are training images "
                f"too, first {seen[0].name}: judge on a split, or a folder with {{split}}, that is not trained on"
            )
        return found
    train = find(form, target_root, "train", p.target_groups, labels_needed=False)
    if not p.tune_groups:
        return _held_out(train, p.target_tune_images, "target_tune_images")[part == "tune"]
    missing = set(p.tune_groups) - {item.group for item in train}
    if missing:
        raise UserError(
            f"tune_groups: {sorted(missing)} not among the target's training groups in {target_root}; "
            "write tune_groups: [] to hold out target_tune_images images"
        )
    if set(p.tune_groups) >= {item.group for item in train}:
        raise UserError(f"tune_groups: {list(p.tune_groups)} leave no group of {target_root} to train on")
    return [item for item in train if (item.group in p.tune_groups) == (part == "tune")]


def missing_images(p: DataParameters) -> list[str]:
    """What real data lack of the data sets as published, and what is left out by name; one line each."""
    if not p.target_root:
        return []
    source_root, target_root = roots(p)
    source, target = layout_of(p, "source"), layout_of(p, "target")
    lines = completeness(source, source_root, "train", p.source_groups) if p.source_root else []
    for split in dict.fromkeys(("train", p.target_val_split)):
        lines += completeness(target, target_root, split, p.target_groups)
    return list(dict.fromkeys(lines))


def open_part(data_run: str | Path, domain: str, part: str, pseudo_labels: Path | None = None) -> SegmentationDataset:
    """Open a part of the world of a finished data run (notebook 01) as a data set."""
    p = data_parameters(data_run)
    return SegmentationDataset(
        items(p, domain, part),
        layout_of(p, domain),
        classes_of(p),
        pseudo_labels,
        cache=PixelCache(resolve(p.pixel_cache)) if p.pixel_cache else None,
        records=resolve(data_run) / "labels" / f"{domain}_{part}.jsonl",
    )


def data_parameters(data_run: str | Path) -> DataParameters:
    """The parameters that a data run was made with."""
    path = resolve(data_run) / "params.yaml"
    return from_mapping(DataParameters, read_yaml(path), str(path))


def _held_out(train: list[Item], count: int, name: str) -> tuple[list[Item], list[Item]]:
    """Split off the last `count` items by name."""
    if not 0 < count < len(train):
        raise UserError(f"{name} is {count}: it must lie between 1 and {len(train) - 1}, one less than the images")
    return train[:-count], train[-count:]
