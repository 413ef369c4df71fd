"""The parts of real data sets as parameter files name them: groups, classes to judge on, labels that are not there."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mini_trees import make_tree
from PIL import Image
from refusals import refused

from fada_lib.data.classes import class_set
from fada_lib.data.domains import classes_of, items, layout_of, made_world, missing_images, open_part, roots
from fada_lib.data.validate import class_statistics, inspect
from fada_lib.data.world.render import render_source
from fada_lib.files import PROJECT_ROOT, read_yaml, write_yaml_if_changed
from fada_lib.inference import evaluate as evaluation
from fada_lib.inference.evaluate import evaluate
from fada_lib.inference.examples import example_pairs
from fada_lib.parameters import DataParameters, UserError, from_mapping, to_mapping
from fada_lib.study.expand import expand
from fada_lib.study.stages import Stage, evaluate_run, prepare_data
from fada_lib.training.checkpoint import Recipe, save_checkpoint

PARTS = (("source", "train"), ("source", "val"), ("target", "train"), ("target", "tune"), ("target", "val"))


@pytest.fixture
def run(tmp_path):
    """A maker of data runs over miniature trees: layouts of source and target, and further parameters."""

    def make(source: str, target: str, **values) -> DataParameters:
        roots = {"source_root": str(tmp_path / source), "target_root": str(tmp_path / target)}
        for name in {source, target}:
            make_tree(name, tmp_path / name, images=4, size=(24, 16))
        values = {
            **roots,
            **{"run": str(tmp_path / "run"), "source_layout": source, "target_layout": target, "tune_groups": []},
            **{"source_val_images": 1, "target_tune_images": 1, "class_set": "cityscapes19"},
            **values,
        }
        p = from_mapping(DataParameters, values, "here")
        write_yaml_if_changed(Path(p.run) / "params.yaml", to_mapping(p))
        return p

    return make


def groups(p, domain, part):
    return {item.group for item in items(p, domain, part)}


# Parts


@pytest.mark.parametrize(
    ("source", "target", "split"),
    [("gta5", "cityscapes", "val"), ("synthia", "cityscapes", "val"), ("cityscapes", "crosscity", "test")],
)
def test_the_papers_pairs_open_and_are_sound(run, source, target, split):
    p = run(source, target, target_val_split=split)
    parts = {pair: open_part(p.run, *pair) for pair in PARTS}
    for dataset in parts.values():
        assert inspect(dataset).problems == []
    names = [item.image for dataset in parts.values() for item in dataset.items]
    assert len(names) == len(set(names))
    assert parts["target", "train"].labelled == (target != "crosscity")
    assert parts["target", "val"].labelled


@pytest.mark.parametrize(
    ("values", "told"),
    [({"target_layout": "gta5"}, "'val'"), ({"target_layout": "cityscapes", "target_val_split": "train"}, "'train'")],
)
def test_training_images_are_not_to_be_judged_on(run, values, told):
    p = run("synthia", values["target_layout"], **values)
    assert items(p, "target", "train")
    assert f"images of {told} in" in (line := refused(items, p, "target", "val")) and "training images too" in line


def test_target_groups_of_cityscapes_train_leave_val_whole(run):
    p = run("gta5", "cityscapes", target_groups=["ulm"])
    assert groups(p, "target", "train") == {"ulm"}
    assert groups(p, "target", "val") == {"bonn"}


def test_target_groups_of_camvid_restrict_train_and_val(run):
    p = run("camvid", "camvid", class_set="camvid11", source_groups=["0006R0"], target_groups=["0001TP"])
    assert groups(p, "source", "train") == {"0006R0"}
    assert groups(p, "target", "train") == groups(p, "target", "tune") == groups(p, "target", "val") == {"0001TP"}


def test_target_groups_choose_the_city_of_crosscity(run):
    p = run("cityscapes", "crosscity", target_val_split="test", target_groups=["Rome"])
    assert groups(p, "target", "train") == groups(p, "target", "val") == {"Rome"}


def test_the_made_worlds_tune_city_is_not_looked_for_without_advice(run):
    p = run("gta5", "cityscapes", tune_groups=["tunewick"])
    assert "write tune_groups: [] to hold out target_tune_images images" in refused(items, p, "target", "train")


def test_half_a_data_set_is_told(run):
    p = run("gta5", "cityscapes")
    lines = missing_images(p)
    assert [line.partition(" images in ")[0] for line in lines] == [
        "gta5: 4 of 24,966",
        "cityscapes: 8 of 2,975",
        "cityscapes: 4 of 500",
    ]
    assert "missing: 00005 to 24966" in lines[0]


def test_a_made_world_lacks_nothing():
    assert missing_images(DataParameters()) == []


# The made game as the source of real photographs


@pytest.fixture
def game_to_camvid(tmp_path):
    """A finished data run whose source is made and whose target is a miniature CamVid."""
    values = {"target_layout": "camvid", "target_root": str(make_tree("camvid", tmp_path / "camvid", images=4))}
    values |= {"height": 24, "width": 48, "source_train_images": 3, "source_val_images": 2}
    values |= {"run": str(tmp_path / "run"), "class_set": "camvid10", "tune_groups": (), "target_tune_images": 1}
    stage = Stage("data", values)
    prepare_data(stage)
    return stage.p


def test_beside_a_real_target_only_the_game_is_made(game_to_camvid):
    world = Path(game_to_camvid.run) / "world"
    assert len(items(game_to_camvid, "source", "train")) == 3
    assert len(list(world.rglob("*.png"))) == 2 * (3 + 2)
    assert items(game_to_camvid, "target", "val")[0].image.is_relative_to(game_to_camvid.target_root)


def test_the_game_is_that_of_the_whole_world(game_to_camvid):
    whole = made_world(dataclasses.replace(game_to_camvid, target_root=""))
    image, _ = render_source(whole, "train", 2)
    assert np.array_equal(np.array(Image.open(items(game_to_camvid, "source", "train")[2].image)), image)


def test_the_game_and_camvid_share_ten_classes(game_to_camvid):
    for domain in ("source", "target"):
        labels = np.array(open_part(game_to_camvid.run, domain, "train").load(0)[1])
        assert 1 < len(np.unique(labels)) and set(np.unique(labels)) <= {*range(10), 255}


def test_only_the_real_targets_missing_images_are_told(game_to_camvid):
    assert [line.partition(":")[0] for line in missing_images(game_to_camvid)] == ["camvid"] * 2


def test_a_source_without_a_target_is_refused():
    assert "target_root is empty: name the target's folder too" in refused(roots, DataParameters(source_root="data"))


def test_a_source_that_has_a_layout_but_no_folder_is_refused():
    told = refused(roots, DataParameters(source_layout="synthia", target_root="data"))
    assert "source_root is empty: name the folder of the layout 'synthia'" in told


# Classes to judge on


def test_classes_that_are_not_predicted_cannot_be_judged_on(run):
    p = run("synthia", "cityscapes", class_set="synthia13", judged_on=["synthia13", "synthia16"])
    assert "'synthia13' cannot be judged on 'synthia16': it lacks ['wall'" in refused(classes_of, p)


def test_an_unknown_set_to_judge_on_is_refused_with_the_parameters():
    with pytest.raises(UserError, match=r"'judged_on' is 'synthia12': choose one of .* \(did you mean 'synthia1"):
        from_mapping(DataParameters, {"judged_on": ["synthia16", "synthia12"]}, "here")


def test_the_first_set_to_judge_on_gives_the_miou(data_run, make_segmenter):
    val = open_part(data_run, "target", "val")
    few = "road, building, vegetation"
    result = evaluate(make_segmenter(), val, subsets=(few, "world12"))
    iou = dict(zip(val.classes.names, result["iou"], strict=True))
    expected = np.mean([iou[name] for name in few.split(", ") if iou[name] is not None])
    assert result["miou"] == result["subset_miou"][few] == pytest.approx(expected)
    assert result["subset_miou"]["world12"] == evaluate(make_segmenter(), val)["miou"] != result["miou"]


def test_crosscity_is_trained_with_19_classes_and_judged_on_13(run, make_segmenter, tmp_path):
    p = run("cityscapes", "crosscity", target_val_split="test", target_groups=["Rome"], judged_on=["crosscity13"])
    folder, segmenter = tmp_path / "02_source", make_segmenter(num_classes=19)
    recipe = Recipe("resnet_small", "group", "cityscapes19", "none", "source_only", 5, {})
    save_checkpoint(folder / "checkpoint.pt", segmenter, recipe)
    metrics = evaluate_run(Stage("pretrain", {"run": str(folder), "data": p.run, "scales": [1.0]}), segmenter)
    judged = metrics["evaluation"]["target_val"]["single"]
    assert len(judged["iou"]) == 19
    assert judged["miou"] == judged["subset_miou"]["crosscity13"]
    assert "target_tune" not in metrics["evaluation"]  # no labels to judge by


def test_a_rider_found_on_camvids_bicyclist_is_no_mistake_for_a_network_of_19_classes(run, make_segmenter, monkeypatch):
    p = run("camvid", "camvid", judged_on=["camvid11"])
    found, truth = torch.tensor([[[12, 18, 0, 12]]]), torch.tensor([[[18, 18, 0, 0]]])
    probabilities = torch.nn.functional.one_hot(found, 19).permute(0, 3, 1, 2).float()
    monkeypatch.setattr(evaluation, "predict_dataset", lambda *_: iter([([0], probabilities, truth)]))
    result = evaluate(make_segmenter(num_classes=19), open_part(p.run, "target", "val"), subsets=p.judged_on)
    assert (result["iou"][0], result["iou"][18]) == (1 / 2, 1 / 2)
    assert result["miou"] == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_images_without_labels_judge_nothing(run, make_segmenter):
    p = run("cityscapes", "crosscity", target_val_split="test")
    tune = open_part(p.run, "target", "tune")
    assert "has no labels to be judged by" in refused(evaluate, make_segmenter(num_classes=19), tune)


# Your own data


@pytest.fixture
def own_data(tmp_path):
    """The data section of the worked example, its folders generated, its paths led there."""
    values = read_yaml(PROJECT_ROOT / "params" / "own_data.yaml")["data"]
    for domain, seed in (("source", 0), ("target", 1)):
        root = tmp_path / Path(values[f"{domain}_root"]).name
        values[f"{domain}_root"] = str(make_tree("folders", root, images=4, size=(24, 16), seed=seed))
    return {**values, "run": str(tmp_path / "run")}


def opened(values):
    p = from_mapping(DataParameters, values, "own_data.yaml")
    write_yaml_if_changed(Path(p.run) / "params.yaml", to_mapping(p))
    return p, {pair: open_part(p.run, *pair) for pair in PARTS}


def test_the_worked_example_is_a_study(tmp_path):
    plan = expand(PROJECT_ROOT / "params" / "own_data.yaml", tmp_path)
    assert {run.stage for run in plan.runs} == {"data", "pretrain", "adapt", "analyse"}


def test_the_worked_example_passes_notebook_01s_checks(own_data):
    p, parts = opened(own_data)
    classes = classes_of(p)
    assert classes.names == ("road", "sidewalk", "building", "sky", "car", "tram")
    assert tuple(classes.palette[5]) == (0xFF, 0x88, 0x00)
    assert missing_images(p) == []
    assert [len(dataset) for dataset in parts.values()] == [3, 1, 3, 1, 4]
    for (domain, part), dataset in parts.items():
        found = inspect(dataset)
        found.require_sound(f"{domain} {part}")
        assert found.images == len(dataset)
        assert {row["class"] for row in class_statistics(found, classes.names)} == set(classes.names)
        assert (Path(p.run) / "labels" / f"{domain}_{part}.jsonl").exists()
    for image, channels in example_pairs(parts["source", "train"], range(2)):
        assert image.shape == (*channels.shape, 3)


def test_own_images_to_adapt_to_need_no_labels(own_data):
    shutil.rmtree(Path(own_data["target_root"]) / "train/labels")
    _, parts = opened(own_data)
    assert not parts["target", "train"].labelled
    assert inspect(parts["target", "train"]).problems == []


def test_a_label_value_that_the_map_lacks_is_named(own_data):
    del own_data["source_label_values"]["ignored"]
    _, parts = opened({**own_data, "source_val_images": 1})
    problems = inspect(parts["source", "train"]).problems + inspect(parts["source", "val"]).problems
    said = "holds label values [0], outside the map of folders: 1..4, 6..8"
    assert any(said in problem for problem in problems)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source_label_values": {}}, "source_label_values is empty: map class names to label values"),
        ({"source_layout": "gta5"}, "source_label_values is for the layout 'folders': 'gta5' brings its own map"),
        ({"target_label_values": {"raod": 1}}, "target_label_values: unknown class 'raod'; did you mean 'road'?"),
        ({"class_set": "road, tram, road"}, r"class_set: ['road'] listed twice"),
        ({"class_set": "road, tram=orange"}, "class_set: 'tram=orange' is no class"),
        ({"class_set": "road, , tram"}, "class_set: '' is no class"),
    ],
)
def test_a_mistake_in_a_parameter_file_is_one_line(own_data, change, message):
    p = from_mapping(DataParameters, {**own_data, **change}, "own_data.yaml")
    assert message in refused(lambda: [layout_of(p, domain) for domain in ("source", "target")])


@pytest.mark.parametrize(
    ("classes", "advice"),
    [
        ("road, sidewlak", "did you mean 'sidewalk'?"),
        ("road, tramm=#ff8800", "did you mean 'tram'?"),
        ("road, zzz", "map it in"),
    ],
)
def test_a_class_that_no_label_can_show_is_refused(run, classes, advice):
    p = run("gta5", "cityscapes", class_set=classes, target_layout="folders", target_label_values={"tram": 3})
    assert f"is in the labels of neither domain; {advice}" in refused(classes_of, p)


def test_a_set_of_own_classes_is_rebuilt_from_its_name():
    classes = class_set("car=#010203, tram, wall, rickshaw")
    again = class_set(classes.name)
    assert (again.names, again.train_ids) == (("car", "tram", "wall", "rickshaw"), (13, 19, 3, 20))
    assert np.array_equal(again.palette, classes.palette)
    assert tuple(classes.palette[0]) == (1, 2, 3)
    assert len({tuple(colour) for colour in classes.palette[:4]}) == 4
    assert classes.channels_of(class_set("rickshaw, car")) == [3, 0]
