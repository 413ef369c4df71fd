"""What a discriminator decides against domain and true class, accumulated on the device over both domains."""

import torch
from torch.nn import functional

from fada_lib.data.classes import IGNORE


class DomainDecisions:
    """Counts of (domain, true class) against a discriminator's decisions, by feature pixel.

    Parameters
    ----------
    num_classes : int
        K, of the labels.
    device : torch.device or str
        Where the counts live; they are read once, at the end.

    Attributes
    ----------
    joint : Tensor or None
        (2, K, 2k) counts of the largest of 2k channels, the source's half first; k is K or, for a discriminator
        of domains alone, 1. None until something is counted.
    domain : Tensor
        (2, K, 2) counts of the likelier domain, P(d | f) being the sum over the domain's channels (section 3.2).
    """

    def __init__(self, num_classes: int, device: torch.device | str = "cpu") -> None:
        self.num_classes = num_classes
        self.joint: torch.Tensor | None = None
        self.domain = torch.zeros(2, num_classes, 2, dtype=torch.int64, device=device)

    def update(self, domain_logits: torch.Tensor, truth: torch.Tensor, domain: int) -> None:
        """Count images of one domain.

        Parameters
        ----------
        domain_logits : Tensor
            (N, 2k, h, w).
        truth : Tensor
            (N, H, W) channels, 255 ignored; a feature pixel has the class of the label pixel at its centre.
        domain : int
            0 source, 1 target.
        """
        if self.joint is None:
            shape = (2, self.num_classes, domain_logits.shape[1])
            self.joint = torch.zeros(shape, dtype=torch.int64, device=self.domain.device)
        self.joint[domain] += self._table(domain_logits.argmax(dim=1), truth, domain_logits.shape[1])
        self.domain[domain] += self._table((target_probability(domain_logits) > 0.5).long(), truth, 2)

    def _table(self, decision: torch.Tensor, truth: torch.Tensor, choices: int) -> torch.Tensor:
        """(K, choices) counts of (N, h, w) decisions; ignored pixels land in a row that is cut off."""
        at_centre = functional.interpolate(truth[:, None].float(), decision.shape[-2:], mode="nearest-exact")[:, 0]
        rows = torch.where(at_centre == IGNORE, self.num_classes, at_centre.long())
        counts = torch.bincount((rows * choices + decision).flatten(), minlength=(self.num_classes + 1) * choices)
        return counts.view(-1, choices)[:-1]

    def accuracies(self) -> dict[str, float]:
        """Shares of correct decisions, 0..1, the mean of both domains'.

        Returns
        -------
        dict
            ``domain`` (chance: 0.5), and for a discriminator of domain x class also ``domain_and_class``: the largest
            of all 2K channels is that of the right domain and the true class.
        """
        by_domain = self.domain.cpu().double()
        right = torch.stack([by_domain[d, :, d].sum() for d in (0, 1)])
        found = {"domain": float((right / by_domain.sum(dim=(1, 2)).clamp(min=1)).mean())}
        if self.joint is not None and self.joint.shape[2] == 2 * self.num_classes:
            joint = self.joint.cpu().double().view(2, self.num_classes, 2, self.num_classes)
            right = torch.stack([joint[d, :, d].diagonal().sum() for d in (0, 1)])
            found["domain_and_class"] = float((right / joint.sum(dim=(1, 2, 3)).clamp(min=1)).mean())
        return found


def target_probability(domain_logits: torch.Tensor) -> torch.Tensor:
    """(N, h, w) P(d = target | f) of (N, 2k, h, w) logits: the sum over the target's half."""
    return torch.softmax(domain_logits.float(), dim=1)[:, domain_logits.shape[1] // 2 :].sum(dim=1)
