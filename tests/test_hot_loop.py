"""On a GPU no iteration waits: it copies nothing from the processor but its pinned batch, and reads nothing back.

The GPU is PyTorch's fake one, which runs no kernel but knows on which device every tensor lies. It has no backward
pass; what that does is PyTorch's own. With ``--gpu`` CUDA itself watches whole steps on a real one.
"""

import copy

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from fada_lib.methods.interface import Method
from fada_lib.methods.registry import build_method
from fada_lib.models.segmenter import Segmenter, build_segmenter
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


def network_and_method(name: str, device: torch.device) -> tuple[Segmenter, Method, dict]:
    """What a step of the method of that name in `METHODS` takes, freshly initialised."""
    with device:
        segmenter = build_segmenter("resnet_small", 12, "batch")
        kind = name.partition(",")[0]
        method = build_method(kind, METHODS[name], segmenter.feature_extractor.channels, 12)
        segmenter.add_heads(method.heads)
    return segmenter, method, optimisers_of(segmenter, method)


def optimisers_of(segmenter: Segmenter, method: Method) -> dict[str, torch.optim.Optimizer]:
    optimisers = {"segmenter": torch.optim.SGD(segmenter.parameter_groups(10.0), lr=0.1)}
    if list(method.parameters()):
        optimisers["discriminator"] = torch.optim.SGD(method.parameters(), lr=0.1)
    return optimisers


def real_step(segmenter: Segmenter, method: Method, optimisers: dict, compute: Compute) -> dict[str, torch.Tensor]:
    """One step on images of noise, the same at each call."""
    noise = torch.Generator().manual_seed(0)
    images = [torch.randint(256, (2, 3, 33, 49), dtype=torch.uint8, generator=noise) for _ in range(2)]
    labels = [torch.randint(12, (2, 33, 49), dtype=torch.uint8, generator=noise) for _ in range(2)]
    if compute.device.type == "cuda":
        images, labels = ([tensor.pin_memory() for tensor in tensors] for tensors in (images, labels))
    target = images[1] if method.uses_target else None
    truth = labels[1] if method.reads_target_labels else None
    source = (images[0], labels[0])
    half_way = {"progress": 0.5, "target_labels": truth}  # past CLAN's warm-up
    return adapt_step(segmenter, method, optimisers, source, target, compute, gradient_clip=5.0, **half_way)


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
    with FakeTensorMode():
        segmenter, method, optimisers = network_and_method(name, GPU)
        target = batch()[0] if method.uses_target else None
        with Waits() as waits:
            labels = batch()[1] if method.reads_target_labels else None
            half_way = {"progress": 0.5, "target_labels": labels}  # past CLAN's warm-up
            adapt_step(segmenter, method, optimisers, batch(), target, Compute(GPU, None), **half_way)
    assert waits.found == []


def test_tests_that_do_not_ask_for_a_gpu_see_none():
    assert not torch.cuda.is_available()


def test_what_would_wait_is_noticed():
    with FakeTensorMode(), Waits() as waits:
        torch.tensor([1.0, 2.0], device=GPU)
    assert waits.found == ["_to_copy"]


@pytest.mark.gpu
@pytest.mark.parametrize("autocast", [None, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", METHODS)
def test_on_a_real_gpu_cuda_sees_no_step_wait(name, autocast):
    torch.manual_seed(0)
    networks, compute = network_and_method(name, GPU), Compute(GPU, autocast)
    real_step(*networks, compute)
    torch.cuda.set_sync_debug_mode("error")
    try:
        real_step(*networks, compute)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.gpu
@pytest.mark.parametrize("autocast", [None, torch.bfloat16], ids=str)
@pytest.mark.parametrize("backbone", ["resnet50", "vgg16"])
def test_on_a_real_gpu_cuda_sees_no_supervised_step_of_the_papers_networks_wait(backbone, autocast):
    segmenter = build_segmenter(backbone, 12, "frozen").to(GPU, memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(segmenter.parameter_groups(10.0), lr=0.0, momentum=0.9)
    images = torch.zeros(2, 3, 33, 49, dtype=torch.uint8).pin_memory()
    labels = torch.zeros(2, 33, 49, dtype=torch.uint8).pin_memory()
    supervised_step(segmenter, optimiser, images, labels, Compute(GPU, autocast), gradient_clip=5.0)
    torch.cuda.set_sync_debug_mode("error")
    try:
        supervised_step(segmenter, optimiser, images, labels, Compute(GPU, autocast), gradient_clip=5.0)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.gpu
@pytest.mark.parametrize("name", METHODS)
def test_on_a_real_gpu_a_step_has_the_losses_that_it_has_on_the_processor(name, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    torch.manual_seed(0)
    on_cpu = network_and_method(name, torch.device("cpu"))
    segmenter, method = (copy.deepcopy(module).to(GPU) for module in on_cpu[:2])
    on_gpu = (segmenter, method, optimisers_of(segmenter, method))
    for step in range(2):
        expected = real_step(*on_cpu, Compute(torch.device("cpu"), None))
        found = real_step(*on_gpu, Compute(GPU, None))
        rounding = 1e-4 if step == 0 else 1e-2
        assert {k: float(v) for k, v in found.items()} == pytest.approx(
            {k: float(v) for k, v in expected.items()}, rel=rounding
        )
