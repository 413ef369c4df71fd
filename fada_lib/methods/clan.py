"""CLAN: category-level adversaries (Luo et al., CVPR 2019): alignment weighted by how much two classifiers disagree.

Two classifiers learn from the source's labels and are kept apart by their weights. Where they disagree on the target,
the features do not fit the classes yet, so the adversarial loss weighs more there: class-wise without a model of
classes. Their logits together are the prediction, in training and afterwards.

What differs from the authors' release, and what does not:

- All methods start from one source model with one classifier; the release starts from ImageNet weights with two new
  ones. So the second starts fresh here, from the run's seed. As a copy of the first it would stay one: equal
  classifiers get equal gradients, and that of the cosine of equal weights is 0.
- The first `warm_up` of the iterations do without M, as in the release. Its learning rates rise linearly meanwhile;
  ours do not: their schedule is the loop's, the same for every method, and a source model is not as fragile as two new
  classifiers.
- The segmentation loss is the paper's cross entropy of both classifiers; the release's is focal (gamma 2).
- The gradient of L_adv also flows through M into G, as in the release (which the paper leaves open): agreeing where D
  tells the domains apart is another way to lower it. For D the map is a constant.
- Two terms are damped by 1 - progress: L_adv and the weight discrepancy loss, not D's, as in the release.
"""

import torch

from fada_lib.losses.disagreement import disagreement, weight_similarity
from fada_lib.losses.output_space import domain_cross_entropy
from fada_lib.losses.strips import sum_over_strips
from fada_lib.losses.terms import Term
from fada_lib.methods.adaptsegnet import AdaptSegNet
from fada_lib.methods.interface import Outputs
from fada_lib.models.segmenter import Segmenter


class Clan(AdaptSegNet):
    """AdaptSegNet's D on the joint prediction of two classifiers, its loss on the target weighted pixel by pixel.

    D's map is upsampled to the input before the loss, where every pixel has a weight of its own.
    """

    heads = ("second",)

    def supervised(self, source: Outputs) -> dict[str, tuple[float, torch.Tensor]]:
        """Each classifier by itself."""
        classifiers = source.classifiers
        return {"segmentation": (1.0, classifiers["main"]), "segmentation_second": (1.0, classifiers["second"])}

    def weight_terms(self, segmenter: Segmenter, progress: float) -> dict[str, torch.Tensor]:
        """lambda_weight x (cos(w1, w2) + 1), damped."""
        w1, w2 = segmenter.classifier.parameters(), segmenter.heads["second"].parameters()
        return {"weight_discrepancy": (1 - progress) * self.options.lambda_weight * weight_similarity(w1, w2)}

    def generator_terms(self, source: Outputs, target: Outputs, progress: float) -> dict[str, torch.Tensor]:
        """lambda_adv x the weighted L_adv, damped."""
        terms = super().generator_terms(source, target, progress)
        return {name: (1 - progress) * term for name, term in terms.items()}

    def domain_loss(self, outputs: Outputs, domain: int) -> torch.Tensor:
        """The mean over the input's pixels of D's loss."""

        def sums(domain_logits: torch.Tensor) -> Term:
            return domain_cross_entropy(domain_logits, domain)

        return sum_over_strips(sums, (self.domain_logits(outputs),), outputs.size).mean()

    def target_loss(self, target: Outputs, domain: int, progress: float) -> torch.Tensor:
        """The mean of (epsilon + lambda_local x M) x D's loss; in the warm-up `domain_loss`."""
        if progress <= self.options.warm_up:
            return self.domain_loss(target, domain)

        def sums(domain_logits: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> Term:
            weights = self.options.epsilon + self.options.lambda_local * disagreement(first, second)
            return domain_cross_entropy(domain_logits, domain, weights)

        maps = (self.domain_logits(target), target.classifiers["main"], target.classifiers["second"])
        return sum_over_strips(sums, maps, target.size).mean()
