"""Studies that start from other files: what is merged, replaced and removed, and what is refused."""

import re
from pathlib import Path

import pytest
import yaml

from fada_lib import files
from fada_lib.parameters import UserError
from fada_lib.study.expand import expand
from fada_lib.study.inherit import read_parameters

PAPER = files.PROJECT_ROOT / "params" / "paper"


def write(folder: Path, **contents: dict) -> Path:
    """Write one YAML file per name; the path of the last."""
    for name, content in contents.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return folder / f"{list(contents)[-1]}.yaml"


def test_mappings_merge_at_every_depth_and_everything_else_is_replaced(tmp_path):
    below = {"study": "below", "seeds": [0, 1], "methods": {"a": {"method": "fada", "options": {"clip": 0.9}}}}
    over = {"base": "below.yaml", "study": "over", "seeds": [2], "methods": {"a": {"options": {"temperature": 2.0}}}}
    assert read_parameters(write(tmp_path, below=below, over=over)) == {
        "study": "over",
        "seeds": [2],
        "methods": {"a": {"method": "fada", "options": {"clip": 0.9, "temperature": 2.0}}},
    }


def test_bases_are_laid_from_left_to_right_and_may_have_bases_of_their_own(tmp_path):
    path = write(
        tmp_path,
        ground={"data": {"height": 1, "width": 1, "seed": 1}},
        left={"base": "ground.yaml", "data": {"height": 2, "width": 2}},
        right={"data": {"height": 3}},
        top={"base": ["left.yaml", "right.yaml"], "study": "top"},
    )
    assert read_parameters(path)["data"] == {"height": 3, "width": 2, "seed": 1}


def test_null_removes_what_a_base_gives_and_otherwise_stays(tmp_path):
    below = {"oracle": {"iterations": 3}, "distill": {"teachers": ["a"], "iterations": 4}}
    over = {"base": "below.yaml", "study": "x", "oracle": None, "distill": {"teachers": None}, "analysis": None}
    assert read_parameters(write(tmp_path, below=below, over=over)) == {
        "study": "x",
        "distill": {"iterations": 4},
        "analysis": None,
    }


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"base": "nowhere.yaml", "study": "x"}, "'base' names"),
        ({"base": "top.yaml", "study": "x"}, "leads back to the file itself"),
        ({"base": "loop.yaml", "study": "x"}, "leads back to the file itself"),
        ({"base": 3, "study": "x"}, "must be a file or a list of files"),
        ({"base": [["a"]], "study": "x"}, "must be a file or a list of files"),
        ({"base": "fine.yaml"}, "must name its own 'study'"),
    ],
)
def test_wrong_bases_are_refused_in_one_line(tmp_path, content, expected):
    path = write(tmp_path, fine={"study": "fine"}, loop={"base": "top.yaml"}, top=content)
    with pytest.raises(UserError, match=expected) as caught:
        read_parameters(path)
    assert "\n" not in str(caught.value) and ".yaml" in str(caught.value)


def test_variants_of_self_distillation_are_students_of_the_same_teacher(tmp_path):
    study = {
        "study": "x",
        "data": {},
        "pretrain": {},
        "methods": {"fada_soft": {"method": "fada"}},
        "distill": {"iterations": 5, "variants": {"short": {"iterations": 2}}},
    }
    plan = expand(write(tmp_path, x=study), tmp_path / "out")
    students = [run for run in plan.runs if run.stage == "distill"]
    assert [run.label for run in students] == ["04_fada_soft-s0", "04_fada_soft-short-s0"]
    assert [run.parameters["iterations"] for run in students] == [5, 2]
    assert students[0].needs == students[1].needs
    with pytest.raises(UserError, match="'variants' must map names"):
        expand(write(tmp_path, x={**study, "distill": {"variants": ["short"]}}), tmp_path / "out")


EXPERIMENTS = sorted(PAPER.glob("*.yaml"))


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda p: p.stem)
def test_every_experiment_of_the_paper_expands_to_a_study_of_its_name(path, tmp_path):
    plan = expand(path, tmp_path)
    assert plan.study == path.stem
    assert {"02_source-s0", "03_binary-s0", "03_fada_soft-s0", "04_fada_soft-s0"} <= {run.label for run in plan.runs}


def test_there_is_a_file_for_every_experiment_in_both_flavours():
    pairs = [f"{data}_{backbone}" for data in ("gta5", "synthia") for backbone in ("resnet101", "vgg16")]
    cities = [f"crosscity_{city}" for city in ("rome", "rio", "tokyo", "taipei")]
    ablated = {
        f"{data}_resnet101_{flavour}_ablations" for data in ("gta5", "synthia") for flavour in ("paper", "release")
    }
    expected = {f"{name}_{flavour}" for name in pairs + cities for flavour in ("paper", "release")} | ablated
    assert {path.stem for path in EXPERIMENTS} == expected


@pytest.mark.parametrize("flavour", ["paper", "release"])
def test_every_number_of_a_flavour_says_where_it_comes_from(flavour):
    lines = (PAPER / "parts" / f"{flavour}.yaml").read_text().splitlines()
    bare = [line.strip() for line in lines if re.fullmatch(r"\s+\w+: (\d\S*|\[\d[^]]*\])", line)]
    assert bare == ["workers: 8", "log_every: 100", "checkpoint_every: 1000"]


def parameters(name: str, label: str, tmp_path: Path) -> dict:
    """Parameters of one run of an experiment."""
    return next(run.parameters for run in expand(PAPER / f"{name}.yaml", tmp_path).runs if run.label == label)


def test_the_flavours_differ_where_paper_and_release_do(tmp_path):
    told = {
        flavour: {
            label: parameters(f"gta5_resnet101_{flavour}", label, tmp_path)
            for label in ("02_source-s0", "03_fada_soft-s0", "04_fada_soft-s0")
        }
        for flavour in ("paper", "release")
    }
    for label, name, paper, release in (
        ("02_source-s0", "learning_rate", 2.5e-4, 5e-4),
        ("02_source-s0", "weight_decay", 1e-4, 5e-4),
        ("02_source-s0", "sampling", "random", "class_balanced"),
        ("02_source-s0", "flip_probability", 0.5, 0.0),
        ("02_source-s0", "poly_horizon", 0, 31250),
        ("03_fada_soft-s0", "segmentation_temperature", 1.0, 1.8),
        ("03_fada_soft-s0", "poly_horizon", 0, 62500),
        ("03_fada_soft-s0", "learning_rate", 2.5e-4, 2.5e-4),
        ("03_fada_soft-s0", "iterations", 40000, 40000),
        ("04_fada_soft-s0", "test_size", [1024, 512], [2048, 1024]),
        ("04_fada_soft-s0", "student_norm", "teacher", "batch"),
    ):
        assert (told["paper"][label][name], told["release"][label][name]) == (paper, release), name
    assert told["paper"]["03_fada_soft-s0"]["options"]["discriminator_weight"] == 1.0
    assert told["release"]["03_fada_soft-s0"]["options"]["discriminator_weight"] == 0.5


def test_the_confound_of_the_releases_self_distillation_is_taken_back_piece_by_piece(tmp_path):
    name = "gta5_resnet101_release_ablations"
    shipped = parameters(name, "04_fada_soft-s0", tmp_path)
    frozen, plain_images, plain = (
        parameters(name, f"04_fada_soft-{variant}-s0", tmp_path)
        for variant in ("frozen_bn", "no_augmentation", "plain")
    )
    changed = {key for key in shipped if shipped[key] != frozen[key]} - {"run"}
    assert changed == {"student_norm", "variant"}
    assert plain_images["student_norm"] == shipped["student_norm"] == "batch"
    assert (plain_images["crop_scales"], plain_images["jitter"], plain_images["flip_probability"]) == (
        [1, 1],
        [0] * 4,
        0,
    )
    assert (plain["student_norm"], plain["test_size"]) == ("frozen", [1024, 512])
    assert shipped["second_test_size"] == [1024, 512]
