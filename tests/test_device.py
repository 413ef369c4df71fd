"""Where a run computes: devices that may be named, and bfloat16 only where a GPU has it. GPUs are made up."""

import contextlib

import pytest
import torch
from refusals import refused

from fada_lib.training.device import prepare


@pytest.fixture
def two_gpus(monkeypatch):
    """A machine with two GPUs, whose answer about bfloat16 is the function's argument."""

    def pretend(bfloat16: bool) -> None:
        answers = {"is_available": lambda: True, "device_count": lambda: 2, "device": contextlib.nullcontext}
        for name, answer in answers.items():
            monkeypatch.setattr(torch.cuda, name, answer)
        # Emulated, every GPU has it.
        monkeypatch.setattr(
            torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or bfloat16
        )
        for switch in ("benchmark", "benchmark_limit"):
            monkeypatch.setattr(torch.backends.cudnn, switch, getattr(torch.backends.cudnn, switch))

    return pretend


@pytest.mark.parametrize("device", ["mps", "xpu", "meta", "gpu", "cpu:0", "cuda:", "cuda:-1", "cuda:x", ""])
def test_only_processors_and_cuda_gpus_may_be_named(device):
    expected = f"unknown device '{device}': choose auto, cpu, cuda or a certain GPU, as cuda:1"
    assert refused(prepare, device, "auto", 1, 0) == expected


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_without_a_gpu_none_may_be_asked_for(device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert refused(prepare, device, "auto", 1, 0) == f"device is '{device}' but no CUDA GPU is visible: set device: cpu"


def test_a_gpu_that_is_not_there_is_named(two_gpus):
    two_gpus(bfloat16=True)
    assert refused(prepare, "cuda:2", "auto", 1, 0) == "device is 'cuda:2' but the last visible GPU is cuda:1"
    assert prepare("cuda:1", "auto", 1, 0).device == torch.device("cuda:1")


@pytest.mark.parametrize(("bfloat16", "chosen"), [(True, torch.bfloat16), (False, None)])
def test_auto_takes_bfloat16_where_a_gpu_has_it(two_gpus, bfloat16, chosen):
    two_gpus(bfloat16)
    assert prepare("auto", "auto", 1, 0).autocast_type == chosen
    assert prepare("auto", "bfloat16", 1, 0).autocast_type == torch.bfloat16
    assert prepare("auto", "float32", 1, 0).autocast_type is None


@pytest.mark.parametrize(("precision", "tried"), [("float32", 2), ("bfloat16", 10)])
def test_a_gpu_does_not_try_slow_convolutions_for_minutes(two_gpus, precision, tried):
    two_gpus(bfloat16=True)
    prepare("cuda", precision, 1, 0)
    assert (torch.backends.cudnn.benchmark, torch.backends.cudnn.benchmark_limit) == (True, tried)


def test_auto_is_float32_on_a_processor():
    assert prepare("cpu", "auto", 1, 0).autocast_type is None


def test_the_processor_computes_with_that_many_threads_from_that_seed_and_repeatably():
    torch.use_deterministic_algorithms(False)
    try:
        prepare("cpu", "auto", 3, 7)
        assert (torch.get_num_threads(), torch.initial_seed()) == (3, 7)
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        prepare("cpu", "auto", 1, 0)
