"""FADA told the truth: domain encodings from the true labels of both domains. No method, for the target has none.

It answers a question: how much does class-level alignment miss because its encodings are the network's own predictions?
Everything else is FADA's. True encodings are not only right but also sure (1 where soft labels have at most 0.9), and
their lambda is not tuned, so this is no strict bound on what better predictions could give.
"""

import torch

from fada_lib.losses.adversarial import encoding_cross_entropy
from fada_lib.losses.encodings import true_labels
from fada_lib.methods.fada import Fada
from fada_lib.methods.interface import Outputs
from fada_lib.methods.options import FadaOptions, OracleEncodingsOptions


class OracleEncodings(Fada):
    """`Fada` at the resolution of the features with one-hot true labels for class knowledge.

    A pixel without a true class has no encoding and counts with a loss of 0, as an ignored one of hard labels.
    `knowledge`, of which the diagnosis measures how right it is, stays what FADA with soft labels would have been told.
    """

    reads_target_labels = True

    def __init__(self, options: OracleEncodingsOptions, channels: int, num_classes: int) -> None:
        super().__init__(FadaOptions(**vars(options)), channels, num_classes)

    def domain_loss(self, outputs: Outputs, domain: int, terms: str = "both") -> torch.Tensor:
        """The mean cross entropy of D's prediction with the true encoding of `domain`, or one of its `terms`."""
        knowledge = true_labels(outputs.labels, tuple(outputs.logits.shape[-2:]), outputs.logits.shape[1])
        return encoding_cross_entropy(self.domain_logits(outputs), knowledge, domain, terms).mean()
