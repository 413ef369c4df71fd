"""What the values of parameters may be, by the parameter's name: choices, lengths of lists, ranges of numbers.

The tables repeat the names that registries know (backbones, class sets, encodings, ...), so that a study can be
checked without loading PyTorch; a test holds them to the registries.
"""

import difflib
import math
from collections.abc import Collection
from typing import NamedTuple

_LAYOUTS = ("gta5", "synthia", "cityscapes", "crosscity", "camvid", "folders")
_CLASS_SETS = ("cityscapes19", "synthia16", "synthia13", "crosscity13", "camvid11", "camvid10", "world12")

CHOICES: dict[str, tuple[str, ...]] = {
    "source_layout": _LAYOUTS,
    "target_layout": _LAYOUTS,
    "class_set": _CLASS_SETS,
    "judged_on": _CLASS_SETS,
    "precision": ("auto", "float32", "bfloat16"),
    "sampling": ("random", "class_balanced"),
    "domain": ("source", "target"),
    "backbone": ("resnet_small", "resnet50", "resnet101", "vgg16"),
    "norm": ("frozen", "batch", "group"),
    "batch_norm": ("frozen", "live", "target"),
    "source_colours": ("own", "target"),
    "missing_class": ("none", "bus", "car", "person", "fence", "traffic sign"),
    "student": ("fresh", "teacher"),
    "student_norm": ("teacher", "frozen", "batch", "group"),
    "encoding": ("soft", "hard"),
    "hard_mean": ("all", "kept"),
    "discriminator_resolution": ("feature", "input"),
    "discriminator_input": ("features", "output"),
    "terms": ("both", "domain", "class"),
}
"""Parameters that name one of a few things, or list some of them."""

OPEN_CHOICES = ("class_set", "judged_on")
"""Those that may also be a list of class names with commas between them."""

LENGTHS: dict[str, tuple[int, ...]] = {
    "source_size": (0, 2),
    "target_size": (0, 2),
    "test_size": (0, 2),
    "second_test_size": (0, 2),
    "label_size": (0, 2),
    "crop_size": (0, 2),
    "jitter": (4,),
    "crop_scales": (2,),
    "discriminator_channels": (2,),
    "local_discriminator_channels": (2,),
}
"""Lists of fixed length."""

NOT_EMPTY = ("scales", "runs", "output_discriminator_channels")
"""Lists of any length but 0."""

MOST_HUE = 0.5
"""Largest jitter of the hue, in turns."""

STUDENTS_SAMPLING = "must be random for a student: class balance would need the labels that it must not see"
"""What is wrong with another `sampling` in self-distillation."""


class Range(NamedTuple):
    """Numbers from `least` to `most`, either end left out on request."""

    least: float
    most: float = math.inf
    above_least: bool = False
    below_most: bool = False

    def holds(self, value: float) -> bool:
        """Whether `value` lies in the range; NaN lies in none."""
        over = value > self.least if self.above_least else value >= self.least
        under = value < self.most if self.below_most else value <= self.most
        return over and under

    def __str__(self) -> str:
        low = f"above {self.least:g}" if self.above_least else f"at least {self.least:g}"
        if self.most == math.inf:
            return low
        return f"{low} and {'below' if self.below_most else 'at most'} {self.most:.10g}"


_POSITIVE = Range(0, above_least=True)
_SHARE = Range(0, 1)
_SCALE = Range(0.05)
"""Of an image of 24 pixels, the smallest that is made, one is left."""

RANGES: dict[str, Range] = {
    **dict.fromkeys(("label_shift", "source_label_shift", "flip_probability", "threshold", "weight_decay"), _SHARE),
    "appearance_shift": Range(0, 1.25),
    **dict.fromkeys(("momentum", "confidence_threshold"), Range(0, 1, below_most=True)),
    "clip": Range(0, 1, above_least=True),
    **dict.fromkeys(("learning_rate", "discriminator_learning_rate"), _POSITIVE),
    **dict.fromkeys(("scales", "crop_scales"), _SCALE),
    **dict.fromkeys(("temperature", "segmentation_temperature", "hard_temperature"), _POSITIVE),
    **dict.fromkeys(("source_train_images", "source_val_images", "target_train_images"), Range(1)),
    **dict.fromkeys(("target_tune_images", "target_val_images"), Range(1)),
    **dict.fromkeys(("batch_size", "log_every", "checkpoint_every", "threads"), Range(1)),
    **dict.fromkeys(("source_size", "target_size", "test_size", "crop_size", "discriminator_channels"), Range(1)),
    **dict.fromkeys(("second_test_size", "label_size", "output_discriminator_channels"), Range(1)),
    **dict.fromkeys(("samples_per_domain", "perplexity"), Range(1)),
    **dict.fromkeys(("seed", "world_seed"), Range(0, 2**32 - 1)),  # what t-SNE takes
    **dict.fromkeys(("workers", "iterations", "evaluate_every", "poly_horizon"), Range(0)),
    **dict.fromkeys(("poly_power", "gradient_clip", "classifier_learning_rate_factor", "jitter"), Range(0)),
    **dict.fromkeys(("lambda_adv", "discriminator_weight", "auxiliary_lambda_adv", "auxiliary_segmentation"), Range(0)),
    **dict.fromkeys(("epsilon", "lambda_local", "lambda_weight"), Range(0)),
    "warm_up": _SHARE,
    "levels": Range(1, 2),
    **dict.fromkeys(("local_window", "local_discriminator_channels"), Range(1)),
    "local_mixture": Range(0, 0.5),
    "embedding_iterations": Range(250),
    "snapshot_every": Range(0),
    "height": Range(24),
    "width": Range(48),
}
"""Numbers, and the elements of lists of numbers."""


def objection(name: str, value: object, beside: Collection[str] = ()) -> str | None:
    """What is wrong with a value of the right type, worded to follow the parameter's name; None if nothing is.

    Parameters
    ----------
    name : str
        Of a parameter of a stage or an option of a method; one that no table knows may be any finite value.
    value : object
        Tuples are checked element by element.
    beside : collection of str
        Names of all parameters of the stage or method.
    """
    for choice in value if isinstance(value, tuple) else (value,):
        if name in CHOICES and choice not in CHOICES[name] and not (name in OPEN_CHOICES and "," in str(choice)):
            near = difflib.get_close_matches(str(choice), CHOICES[name], n=1)
            advice = f" (did you mean '{near[0]}'?)" if near else ""
            return f"is '{choice}': choose one of {', '.join(CHOICES[name])}{advice}"
    if name == "sampling" and value != "random" and "teacher_run" in beside:
        return STUDENTS_SAMPLING
    if isinstance(value, tuple) and (problem := _list_objection(name, value)):
        return problem
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, float) and not math.isfinite(number):
            return f"must be a finite number, not {number}"
        if name in RANGES and not RANGES[name].holds(number):
            return f"must be {RANGES[name]}, not {number}"
    return None


def _list_objection(name: str, value: tuple) -> str | None:
    """What is wrong with a list as a whole: its length, or how its elements go together."""
    if len(value) not in LENGTHS.get(name, (len(value),)):
        return f"must have {' or '.join(map(str, LENGTHS[name]))} elements, not {len(value)}"
    if name in NOT_EMPTY and not value:
        return "must not be empty"
    if name == "crop_scales" and value[0] > value[1]:
        return f"must be a smallest and a largest scale, not {list(value)}"
    if name == "jitter" and value[3] > MOST_HUE:
        return f"must end in a hue of at most {MOST_HUE}, not {value[3]}"
    return None
