"""Judge one trained network on one labelled data set: ``python -m fada_lib.study.judge model.pth --root FOLDER``.

The network is a released `.pth`, a `checkpoint.pt` of this project or a run's folder; no study is needed.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from fada_lib.data.classes import class_set
from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.layouts import find, mapped_layout
from fada_lib.data.validate import inspect
from fada_lib.files import write_json
from fada_lib.inference.evaluate import evaluate
from fada_lib.limits import objection
from fada_lib.metrics.iou import ABSENT
from fada_lib.parameters import UserError
from fada_lib.training.checkpoint import load_trained
from fada_lib.training.device import prepare

MULTISCALE = (0.7, 1.0, 1.3)
"""The release's scales, each with its mirror image."""


def judge(options: argparse.Namespace) -> dict:
    """Evaluate as the command's options say; see `fada_lib.inference.evaluate.evaluate` for what comes back.

    Raises
    ------
    UserError
        For a checkpoint, data or classes that do not fit; before anything is predicted.
    """
    size = tuple(options.test_size or ())
    for name, value in (("test_size", size), ("threads", options.threads)):
        if problem := objection(name, value):
            raise UserError(f"--{name.replace('_', '-')} {problem}")
    compute = prepare(options.device, "float32", options.threads, 0)
    segmenter, recipe = load_trained(options.checkpoint.absolute(), compute.device)
    classes, form = class_set(recipe.class_set), mapped_layout(options.layout)
    dataset = SegmentationDataset(find(form, options.root.absolute(), options.split), form, classes)
    inspect(dataset).require_sound(f"{options.root} ({options.split})")
    scales = MULTISCALE if options.multiscale else (1.0,)
    found = evaluate(segmenter, dataset, size, scales, options.multiscale, options.subset, options.absent)
    return {
        "checkpoint": str(options.checkpoint),
        "backbone": recipe.backbone,
        "norm": recipe.norm,
        "images": len(dataset),
        "classes": list(classes.names),
        **found,
    }


def table(found: dict) -> str:
    """The result as text: IoU by class and the means, in percent."""
    rows = zip(found["classes"], found["iou"], strict=True)
    lines = [f"{name:<16}{'-' if value is None else f'{100 * value:.1f}':>7}" for name, value in rows]
    means = {"mIoU": found["miou"], **{f"mIoU {name}": value for name, value in found["subset_miou"].items()}}
    return "\n".join([*lines, *(f"{name:<16}{100 * value:7.1f}" for name, value in means.items())])


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    known = argparse.ArgumentParser(prog="python -m fada_lib.study.judge", description=__doc__.partition("\n")[0])
    known.add_argument("checkpoint", type=Path, help="a released .pth, a checkpoint.pt or a run's folder")
    known.add_argument("--root", type=Path, required=True, help="the data set's folder")
    known.add_argument("--layout", default="cityscapes", help="how it keeps its files (default: %(default)s)")
    known.add_argument("--split", default="val", help="(default: %(default)s)")
    known.add_argument(
        "--test-size", type=int, nargs=2, metavar=("WIDTH", "HEIGHT"), help="input size; else as on disk"
    )
    known.add_argument("--multiscale", action="store_true", help="scales 0.7, 1.0 and 1.3 with mirror images")
    known.add_argument("--subset", nargs="*", default=[], help="class sets to take means over, e.g. synthia13")
    known.add_argument(
        "--absent",
        default="truth",
        choices=ABSENT,
        help="classes without a true pixel: left out (truth), "
        "as cityscapesscripts does (both) or as the release does (zero)",
    )
    known.add_argument("--device", default="auto", help="auto, cpu or cuda")
    known.add_argument("--threads", type=int, default=1, help="of the CPU")
    known.add_argument("--write", type=Path, help="also write the numbers to this JSON file")
    return known


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 2 for a user's mistake, in one line."""
    options = parser().parse_args(arguments)
    try:
        found = judge(options)
        if options.write:
            write_json(options.write.absolute(), found)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
