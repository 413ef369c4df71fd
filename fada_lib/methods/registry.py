"""Methods by name: adding one is a file, its options and a line here."""

from collections.abc import Mapping

from fada_lib.methods.binary import Binary
from fada_lib.methods.fada import Fada
from fada_lib.methods.interface import Method
from fada_lib.methods.options import OPTIONS
from fada_lib.methods.source_continued import SourceContinued
from fada_lib.parameters import UserError, from_mapping

METHODS: dict[str, type[Method]] = {
    "source_continued": SourceContinued,
    "binary": Binary,
    "fada": Fada,
}


def build_method(name: str, options: Mapping[str, object], channels: int, num_classes: int) -> Method:
    """Build a method by its registry name.

    Parameters
    ----------
    name : str
        Key of `METHODS`.
    options : mapping
        Its options as a parameter file gives them.
    channels, num_classes : int
        Of the features and of the classifier.

    Raises
    ------
    UserError
        For an unknown method, option or value.
    """
    if name not in METHODS:
        raise UserError(f"unknown method '{name}': choose one of {', '.join(METHODS)}")
    return METHODS[name](from_mapping(OPTIONS[name], options, f"options of method '{name}'"), channels, num_classes)
