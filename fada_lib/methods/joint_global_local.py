"""Joint global-local alignment (Yarram et al., "Joint Global-Local Alignment ...", ICASSP 2022), on top of any method.

What is published is a poster: a global method, and beside it a local discriminator on windows of the output map, fed by
a "mixture module" with the output maps of both domains. Neither the module nor the discriminator is described, and
there is no code. **The rest is our interpretation**, and its parameters are ours:

- The output maps (softmax of the logits, at the resolution of the features) are cut into windows of `local_window`
  cells, small beside the picture, because it is local outputs and not the layout that are to be aligned.
- The mixture module exchanges windows between a source and a target map, each with probability `local_mixture`: two
  mosaics of both domains, in which every window of either domain stands once. Where a window lies in its picture then
  tells the discriminator little, since its neighbours come from another picture; how it differs from the other domain
  beside it tells much. With a mixture of 0 the same discriminator sees unmixed maps.
- G is to make its target windows pass for the source's. The source's map takes part in this loss, as the poster has it,
  as the neighbours that the target is compared with; windows of the source are not asked to pass for themselves: they
  would do so the better the more the target beside them differed.
- Global and local alignment run at once, as the title says.

The grid's place and the mixture are drawn anew in every iteration, as a pure function of the run's seed and the
progress: no state has to be saved, a resumed run draws the same, and G and D of one iteration see the same mosaics.
"""

from collections.abc import Iterable

import numpy as np
import torch

from fada_lib.losses.adversarial import SOURCE, TARGET
from fada_lib.losses.output_space import domain_cross_entropy
from fada_lib.methods.interface import Method, Outputs
from fada_lib.methods.options import JointGlobalLocalOptions
from fada_lib.models.local_discriminator import LocalDiscriminator
from fada_lib.models.segmenter import Segmenter
from fada_lib.parameters import UserError


def exchange(first: torch.Tensor, second: torch.Tensor, where: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both tensors with their values exchanged where `where` is true; doing it twice undoes it."""
    return torch.where(where, second, first), torch.where(where, first, second)


class JointGlobalLocal(Method):
    """A global method of the registry, with its own options and terms, and a local discriminator's terms beside them.

    Raises
    ------
    UserError
        If the maps are smaller than a window.
    """

    def __init__(self, options: JointGlobalLocalOptions, channels: int, num_classes: int) -> None:
        from fada_lib.methods.registry import build_method  # the registry imports this module

        super().__init__()
        self.options = options
        self.seed = torch.initial_seed()
        self.global_method = build_method(options.global_method, options.global_options, channels, num_classes)
        self.heads = self.global_method.heads
        self.local_discriminator = LocalDiscriminator(
            num_classes, options.local_window, options.local_discriminator_channels
        )

    def check(self, segmenter: Segmenter) -> None:
        """As the global method's."""
        self.global_method.check(segmenter)

    def finish(self, segmenter: Segmenter, target: Iterable[torch.Tensor]) -> None:
        """As the global method's."""
        self.global_method.finish(segmenter, target)

    def supervised(self, source: Outputs) -> dict[str, tuple[float, torch.Tensor]]:
        """The global method's."""
        return self.global_method.supervised(source)

    def weight_terms(self, segmenter: Segmenter, progress: float) -> dict[str, torch.Tensor]:
        """The global method's."""
        return self.global_method.weight_terms(segmenter, progress)

    def judges(self) -> bool:
        """Whether the global method does: the local discriminator sees mosaics."""
        return self.global_method.judges()

    def domain_logits(self, outputs: Outputs) -> torch.Tensor | None:
        """The global discriminator's."""
        return self.global_method.domain_logits(outputs)

    def knowledge(self, logits: torch.Tensor) -> torch.Tensor | None:
        """What the global discriminator is told."""
        return self.global_method.knowledge(logits)

    def generator_terms(self, source: Outputs, target: Outputs, progress: float) -> dict[str, torch.Tensor]:
        """The global method's terms, and lambda_adv x the mean over target windows of -log P(d = source)."""
        _, of_target = self._judge(source.detach(), target, progress)
        local = self.options.lambda_adv * domain_cross_entropy(of_target, SOURCE).mean()
        return {**self.global_method.generator_terms(source, target, progress), "local_adversarial": local}

    def discriminator_terms(self, source: Outputs, target: Outputs, progress: float) -> dict[str, torch.Tensor]:
        """The global method's terms, and -log P(d) of either domain's windows, times `discriminator_weight`."""
        of_source, of_target = self._judge(source, target, progress)
        weight = self.options.discriminator_weight
        return {
            **self.global_method.discriminator_terms(source, target, progress),
            "local_discriminator_source": weight * domain_cross_entropy(of_source, SOURCE).mean(),
            "local_discriminator_target": weight * domain_cross_entropy(of_target, TARGET).mean(),
        }

    def _judge(self, source: Outputs, target: Outputs, progress: float) -> tuple[torch.Tensor, torch.Tensor]:
        """D's logits of the source's and of the target's windows, (N, 1, rows, columns), seen in the mosaics."""
        window, maps = self.options.local_window, (source.logits, target.logits)
        height, width = (min(sides) for sides in zip(*(m.shape[-2:] for m in maps), strict=True))
        rows, columns = height // window, width // window
        if not rows or not columns:
            raise UserError(f"local_window is {window}: the output maps have only {width}x{height} cells")
        rng = np.random.default_rng((self.seed, int(np.float64(progress).view(np.uint64))))
        cut = [torch.softmax(_crop(m, rows * window, columns * window, rng), dim=1) for m in maps]
        windows = rng.random((len(cut[0]), 1, rows, columns)) < self.options.local_mixture
        cells = windows.repeat(window, axis=2).repeat(window, axis=3)
        windows, cells = (torch.from_numpy(w).to(cut[0].device, non_blocking=True) for w in (windows, cells))
        logits = self.local_discriminator(torch.cat(exchange(*cut, cells)))
        return exchange(*logits.chunk(2), windows)


def _crop(maps: torch.Tensor, height: int, width: int, rng: np.random.Generator) -> torch.Tensor:
    """`height` x `width` cells of the maps from a random place."""
    top, left = rng.integers(maps.shape[-2] - height + 1), rng.integers(maps.shape[-1] - width + 1)
    return maps[..., top : top + height, left : left + width]
