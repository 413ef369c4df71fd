"""Methods by name: adding one is a file, its options and a line here."""

from collections.abc import Callable, Mapping

from fada_lib.methods.adabn import AdaBn
from fada_lib.methods.adaptsegnet import AdaptSegNet
from fada_lib.methods.advent import AdvEnt
from fada_lib.methods.binary import Binary
from fada_lib.methods.clan import Clan
from fada_lib.methods.fada import Fada
from fada_lib.methods.interface import Method
from fada_lib.methods.joint_global_local import JointGlobalLocal
from fada_lib.methods.levels import one_or_two_levels
from fada_lib.methods.minent import MinEnt
from fada_lib.methods.options import method_options
from fada_lib.methods.oracle_encodings import OracleEncodings
from fada_lib.methods.source_continued import SourceContinued

METHODS: dict[str, Callable[[object, int, int], Method]] = {
    "source_continued": SourceContinued,
    "binary": Binary,
    "fada": Fada,
    "oracle_encodings": OracleEncodings,
    "adaptsegnet": one_or_two_levels(AdaptSegNet),
    "minent": one_or_two_levels(MinEnt),
    "advent": one_or_two_levels(AdvEnt),
    "joint_global_local": JointGlobalLocal,
    "adabn": AdaBn,
    "clan": Clan,
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
    own = method_options(name, options)
    return METHODS[name](own, channels, num_classes)
