"""The public functions: every example of `docs/api.md` runs, and `import fada_lib` stays light."""

import re
import subprocess
import sys

import pytest
import torch

from fada_lib import api
from fada_lib.files import PROJECT_ROOT
from fada_lib.parameters import UserError

EXAMPLES = re.findall(r"```python\n(.*?)```", (PROJECT_ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.S)


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """What the examples leave behind, run in their order in a folder of their own."""
    found, folder = {}, tmp_path_factory.mktemp("examples")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for example in EXAMPLES:
            exec(compile(example, "docs/api.md", "exec"), found)
    return {**found, "written": sorted(p.name for p in (folder / "labelled").iterdir())}


def test_every_example_runs_and_gives_what_it_says(names):
    assert len(EXAMPLES) == 8
    assert sorted(names["state"]) == ["classifier", "feature_extractor", "iteration", "model_D"]
    assert sorted(names["losses"]) == ["adversarial", "discriminator_source", "discriminator_target", "segmentation"]
    assert (names["image"].shape, names["label"].shape) == ((3, 24, 48), (24, 48))
    assert names["p"].shape == (2, 19, 66, 98)
    assert (len(names["iou"]), len(names["ccd"]), len(names["order"])) == (19, 4, 9_000)
    assert names["written"] == ["street_confidence.png", "street_labels.png", "street_overlay.png"]
    assert names["difference"] < 1e-4


def test_the_class_center_distance_takes_few_samples_as_tensors_arrays_or_lists():
    features, classes = torch.tensor([[0.0, 1.0], [0.0, -1.0], [2.0, 0.0]]), torch.tensor([0, 0, 1])
    for given in ((features, classes), (features.numpy(), classes.numpy()), (features.tolist(), classes.tolist())):
        assert api.class_center_distance(*given, 3) == [1 / 4, 0.0, None]


@pytest.mark.parametrize("prefix", ["", "caffe:"])
def test_weights_are_looked_for_from_the_working_directory(tmp_path, monkeypatch, prefix):
    monkeypatch.chdir(tmp_path)
    segmenter = api.build_segmenter("vgg16", 2, "frozen")
    with pytest.raises(UserError, match=str(tmp_path / "mine.pth")):
        api.initialise(segmenter, "vgg16", f"{prefix}mine.pth")


def test_every_public_name_exists():
    assert all(hasattr(api, name) for name in api.__all__)


def test_the_command_line_loads_nothing_heavy():
    heavy = "{'torch', 'matplotlib', 'pandas'}"
    code = f"import sys, fada_lib.study.cli; sys.exit(not {heavy}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


ROOMS = (("data", "models", "losses", "metrics"), ("methods",), ("training", "inference"), ("analysis",), ("plots",))
RANK = {room: rank for rank, rooms in enumerate((*ROOMS, ("study",))) for room in rooms}


def test_rooms_import_only_to_the_left():
    imports = {
        (path.relative_to(PROJECT_ROOT).as_posix(), own, room)
        for own in RANK
        for path in (PROJECT_ROOT / "fada_lib" / own).rglob("*.py")
        for room in re.findall(r"^\s*(?:from|import) fada_lib\.(\w+)", path.read_text(encoding="utf-8"), re.M)
    }
    assert len(imports) > 100
    assert [found for found in sorted(imports) if RANK.get(found[2], 0) > RANK[found[1]]] == []
