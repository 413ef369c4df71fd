"""On a GPU no iteration waits: it copies nothing from the processor but its pinned batch, and reads nothing back.

The GPU is PyTorch's fake one, which runs no kernel but knows on which device every tensor lies. It has no backward
pass; what that does is PyTorch's own.
"""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from fada_lib.methods.registry import build_method
from fada_lib.models.segmenter import build_segmenter
from fada_lib.training.adapt import adapt_step
from fada_lib.training.device import Compute
from fada_lib.training.supervised import supervised_step

GPU = torch.device("cuda", 0)
READS = ("_local_scalar_dense", "nonzero", "masked_select", "equal")
METHODS = {
    "source_continued": {},
    "binary": {"discriminator_resolution": "input"},
    "fada": {"discriminator_resolution": "input"},
    "fada, hard labels": {"encoding": "hard", "hard_mean": "kept"},
    "oracle_encodings": {},
    "adaptsegnet": {"output_discriminator_channels": [4, 4]},
    "advent": {"output_discriminator_channels": [4, 4]},
    "minent": {},
    "adaptsegnet, two levels": {"levels": 2, "output_discriminator_channels": [4, 4]},
    "clan": {"output_discriminator_channels": [4, 4]},
    "joint_global_local": {"global_options": {"output_discriminator_channels": [4, 4]}},
    "adabn": {},
}


class Waits(TorchDispatchMode):
    """Collects what would make the processor wait for the GPU."""

    def __init__(self) -> None:
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        name = function.overloadpacket.__name__
        devices = {t.device.type for t in (*args, result) if isinstance(t, torch.Tensor)}
        if name in READS or (len(devices) > 1 and "copy" in name and not kwargs.get("non_blocking")):
            self.found.append(name)
        return result


@pytest.fixture
def batch():
    """Two images on the processor and their labels, to be used inside the fake mode."""

    def make() -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(2, 3, 33, 49, dtype=torch.uint8), torch.zeros(2, 33, 49, dtype=torch.uint8)

    return make


@pytest.fixture
def no_backward(monkeypatch):
    monkeypatch.setattr(torch.Tensor, "backward", lambda self: None)


@pytest.mark.parametrize("backbone", ["resnet_small", "vgg16"])
def test_a_supervised_step_waits_for_nothing(batch, no_backward, backbone):
    with FakeTensorMode():
        with GPU:
            segmenter = build_segmenter(backbone, 12, "batch")
        optimiser = torch.optim.SGD(segmenter.parameter_groups(10.0), lr=0.1, momentum=0.9)
        with Waits() as waits:
            supervised_step(segmenter, optimiser, *batch(), Compute(GPU, None), gradient_clip=5.0)
    assert waits.found == []


@pytest.mark.parametrize("name", METHODS)
def test_a_step_of_adaptation_waits_for_nothing(batch, no_backward, name):
    kind, _, _ = name.partition(",")
    with FakeTensorMode():
        with GPU:
            segmenter = build_segmenter("resnet_small", 12, "batch")
            method = build_method(kind, METHODS[name], segmenter.feature_extractor.channels, 12)
            segmenter.add_heads(method.heads)
        optimisers = {"segmenter": torch.optim.SGD(segmenter.parameter_groups(10.0), lr=0.1)}
        if list(method.parameters()):
            optimisers["discriminator"] = torch.optim.SGD(method.parameters(), lr=0.1)
        target = batch()[0] if method.uses_target else None
        with Waits() as waits:
            labels = batch()[1] if method.reads_target_labels else None
            adapt_step(segmenter, method, optimisers, batch(), target, Compute(GPU, None), target_labels=labels)
    assert waits.found == []


def test_what_would_wait_is_noticed():
    with FakeTensorMode(), Waits() as waits:
        torch.tensor([1.0, 2.0], device=GPU)
    assert waits.found == ["_to_copy"]
