"""What tests of several modules share: a tiny made world, networks of the laptop's kind, and ways to look at them.

The tests say what the processor computes, to the last bit, so they see no GPU. With ``--gpu`` those that are about one
run instead, and no others.
"""

import os
from pathlib import Path

import pytest

TINY_WORLD = {
    "height": 48,
    "width": 96,
    "source_train_images": 6,
    "source_val_images": 2,
    "target_train_images": 6,
    "target_tune_images": 2,
    "target_val_images": 3,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--gpu", action="store_true", help="run the tests that need a GPU, and no others")


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("gpu"):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    by_gpu = {True: [], False: []}
    for item in items:
        by_gpu[item.get_closest_marker("gpu") is not None].append(item)
    items[:] = by_gpu.pop(config.getoption("gpu"))
    config.hook.pytest_deselected(items=next(iter(by_gpu.values())))


@pytest.fixture(scope="session")
def data_run(tmp_path_factory) -> str:
    """The folder of a finished data run: six images to train on in either domain, 96 x 48 pixels, 12 classes."""
    from fada_lib.data.domains import made_world
    from fada_lib.data.world.write import make_world
    from fada_lib.files import write_yaml_if_changed
    from fada_lib.parameters import DataParameters, to_mapping

    folder = tmp_path_factory.mktemp("study") / "01_data"
    parameters = DataParameters(run=str(folder), **TINY_WORLD)
    make_world(folder / "world", made_world(parameters))
    write_yaml_if_changed(folder / "params.yaml", to_mapping(parameters))
    return str(folder)


@pytest.fixture
def make_segmenter():
    """A builder of untrained `resnet_small` segmenters of 12 classes, equal for equal seeds."""
    import torch

    from fada_lib.models.segmenter import build_segmenter

    def make(seed: int = 0, num_classes: int = 12):
        torch.manual_seed(seed)
        return build_segmenter("resnet_small", num_classes, "group")

    return make


@pytest.fixture
def batch():
    """Two source images with labels of 12 classes, and two target images: uint8, 24 x 16 pixels."""
    import torch

    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (2, 2, 3, 16, 24), generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, 12, (2, 16, 24), generator=generator, dtype=torch.uint8)
    return (images[0], labels), images[1]


@pytest.fixture
def save_run(make_segmenter):
    """A writer of the files that a finished training run leaves: an untrained network and its metrics."""
    from fada_lib.files import write_json
    from fada_lib.training.checkpoint import Recipe, save_checkpoint

    def save(folder: Path, method: str = "source_only", seed: int = 0, self_distilled: bool = False) -> str:
        recipe = Recipe("resnet_small", "group", "world12", "none", method, 5, {})
        save_checkpoint(folder / "checkpoint.pt", make_segmenter(seed), recipe)
        write_json(folder / "metrics.json", {"method": method, "seed": seed, "self_distilled": self_distilled})
        return str(folder)

    return save
