"""The networks: strides, dilations and the names that the authors' checkpoints have."""

from functools import partial

import pytest
import torch
import torchvision
from torch import nn
from torchvision.models.resnet import Bottleneck
from torchvision.ops import FrozenBatchNorm2d

from fada_lib.models.backbones import NORMS, FrozenBottleneck
from fada_lib.models.discriminator import FineGrainedDiscriminator
from fada_lib.models.segmenter import build_segmenter, upsample
from fada_lib.parameters import UserError


def on_paper(backbone, norm="frozen", num_classes=19):
    """A network without memory: shapes and names, no numbers."""
    with torch.device("meta"):
        return build_segmenter(backbone, num_classes, norm)


@pytest.fixture(scope="module")
def resnet101():
    return on_paper("resnet101")


@pytest.fixture(scope="module")
def vgg16():
    return on_paper("vgg16")


def convolution(segmenter, name):
    return segmenter.get_submodule(f"feature_extractor.backbone.{name}")


# Shapes


@pytest.mark.parametrize(
    ("backbone", "channels", "stride"),
    [("resnet_small", 96, 4), ("resnet50", 2048, 8), ("resnet101", 2048, 8), ("vgg16", 1024, 8)],
)
def test_features_and_logits_have_the_output_stride(backbone, channels, stride):
    segmenter = on_paper(backbone)
    images = torch.empty(2, 3, 64, 128, device="meta")
    expected = (64 // stride, 128 // stride)
    assert segmenter.feature_extractor(images).shape == (2, channels, *expected)
    assert segmenter(images).shape == (2, 19, *expected)
    assert (segmenter.feature_extractor.channels, segmenter.feature_extractor.stride) == (channels, stride)


def test_a_side_that_the_stride_does_not_divide_is_rounded_up(resnet101):
    assert resnet101(torch.empty(1, 3, 65, 100, device="meta")).shape[-2:] == (9, 13)


@pytest.mark.parametrize("norm", NORMS)
def test_the_small_network_runs_with_every_norm(norm):
    segmenter = build_segmenter("resnet_small", 5, norm)
    logits = segmenter(torch.zeros(2, 3, 16, 24))
    assert logits.shape == (2, 5, 4, 6)
    assert logits.isfinite().all()


def test_upsampling_aligns_the_corners():
    row = upsample(torch.tensor([[[[0.0, 3.0]]]]), (1, 4)).flatten().tolist()
    assert row == pytest.approx([0.0, 1.0, 2.0, 3.0])


@pytest.mark.parametrize(("backbone", "norm"), [("resnet18", "group"), ("resnet_small", "instance")])
def test_unknown_names_are_refused_with_the_known_ones(backbone, norm):
    with pytest.raises(UserError, match=r"unknown .* choose one of"):
        build_segmenter(backbone, 5, norm)


# Frozen norms, part of the convolutions before them


@pytest.fixture
def bottlenecks():
    """torchvision's block with torchvision's frozen norms and the network's with the same numbers, in float64."""
    torch.manual_seed(0)
    norm = partial(FrozenBatchNorm2d, eps=0.0)
    blocks = []
    for block in (Bottleneck, FrozenBottleneck):
        shortcut = nn.Sequential(nn.Conv2d(8, 16, 1, 2, bias=False), norm(16))
        blocks.append(block(8, 4, stride=2, downsample=shortcut, dilation=2, norm_layer=norm).double())
    for name, buffer in blocks[0].named_buffers():
        buffer.copy_(torch.rand_like(buffer) + (0.5 if name.endswith("running_var") else 0.0))
    blocks[1].load_state_dict(blocks[0].state_dict())
    return blocks


def test_a_frozen_bottleneck_is_torchvisions_in_value_and_in_gradient(bottlenecks):
    images = torch.randn(2, 8, 9, 11, dtype=torch.float64)
    found = []
    for block in bottlenecks:
        x = images.clone().requires_grad_()
        out = block(x)
        out.square().sum().backward()
        found.append([out, x.grad, *(p.grad for p in block.parameters())])
        block.zero_grad()
    assert len(found[0]) == 2 + 4
    for theirs, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)
        assert theirs.abs().max() > 0


@pytest.mark.gpu
@pytest.mark.parametrize(("autocast", "rounding"), [(None, 1e-5), (torch.bfloat16, 3e-2)], ids=["float32", "bfloat16"])
def test_on_a_real_gpu_a_frozen_bottleneck_is_torchvisions_on_the_processor(
    bottlenecks, autocast, rounding, monkeypatch
):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    images = torch.randn(2, 8, 9, 11, dtype=torch.float64)
    expected, ours = bottlenecks[0](images), bottlenecks[1].float().to("cuda")
    expected.square().sum().backward()
    with torch.autocast("cuda", autocast, enabled=autocast is not None):
        found = ours(images.float().to("cuda"))
    assert found.dtype == (autocast or torch.float32)
    found.float().square().sum().backward()
    grads = zip(ours.parameters(), bottlenecks[0].parameters(), strict=True)
    for on_gpu, exact in [(found, expected), *((a.grad, b.grad) for a, b in grads)]:
        apart = (on_gpu.double().cpu() - exact).norm() / exact.norm()
        assert apart < rounding


@pytest.mark.parametrize(("norm", "kind"), [("frozen", FrozenBottleneck), ("batch", Bottleneck)])
def test_frozen_norms_alone_are_part_of_their_convolutions(norm, kind):
    blocks = [m for m in on_paper("resnet50", norm).modules() if isinstance(m, Bottleneck)]
    assert len(blocks) == 16 and {type(block) for block in blocks} == {kind}


def test_under_autocast_frozen_norms_leave_activations_in_half_precision():
    seen = {}
    segmenter = build_segmenter("resnet50", 5, "frozen")
    for name in ("bn1", "layer1", "layer4"):
        layer = segmenter.get_submodule(f"feature_extractor.backbone.{name}")
        layer.register_forward_hook(lambda _, __, out, name=name: seen.update({name: out.dtype}))
    with torch.autocast("cpu", torch.bfloat16):
        segmenter(torch.zeros(1, 3, 16, 24))
    assert seen == dict.fromkeys(("bn1", "layer1", "layer4"), torch.bfloat16)


# Names, as in the release


def test_resnet_101_has_torchvisions_names_behind_backbone(resnet101):
    with torch.device("meta"):
        reference = torchvision.models.resnet101(weights=None).state_dict()
    wanted = {f"backbone.{k}" for k in reference if not k.startswith("fc.") and not k.endswith("num_batches_tracked")}
    found = resnet101.feature_extractor.state_dict()
    assert found.keys() == wanted
    assert {"backbone.conv1.weight", "backbone.bn1.running_mean", "backbone.layer1.0.conv1.weight"} < found.keys()


def test_vgg_16_is_one_sequence_with_fc6_at_29_and_fc7_at_31(vgg16):
    found = {name: tuple(tensor.shape) for name, tensor in vgg16.feature_extractor.state_dict().items()}
    layers = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31]
    assert list(found) == [f"backbone.{i}.{leaf}" for i in layers for leaf in ("weight", "bias")]
    assert found["backbone.27.weight"] == (512, 512, 3, 3)
    assert found["backbone.29.weight"] == (1024, 512, 3, 3)
    assert found["backbone.31.weight"] == (1024, 1024, 3, 3)


def test_the_classifier_is_a_list_of_four_convolutions_with_bias(resnet101):
    found = {name: tuple(tensor.shape) for name, tensor in resnet101.classifier.state_dict().items()}
    assert found == {f"conv2d_list.{i}.weight": (19, 2048, 3, 3) for i in range(4)} | {
        f"conv2d_list.{i}.bias": (19,) for i in range(4)
    }


def test_the_discriminator_has_the_releases_names_and_the_papers_channels():
    found = {n: tuple(t.shape) for n, t in FineGrainedDiscriminator(2048, 19).state_dict().items() if "weight" in n}
    assert found == {
        "D.0.weight": (256, 2048, 3, 3),
        "D.2.weight": (128, 256, 3, 3),
        "cls1.weight": (19, 128, 3, 3),
        "cls2.weight": (19, 128, 3, 3),
    }


# Dilations


def test_resnet_layers_3_and_4_are_dilated_instead_of_strided(resnet101):
    for layer, blocks, dilations in (("layer3", 23, [1] + [2] * 22), ("layer4", 3, [2, 4, 4])):
        convolutions = [convolution(resnet101, f"{layer}.{i}.conv2") for i in range(blocks)]
        assert [c.dilation[0] for c in convolutions] == [c.padding[0] for c in convolutions] == dilations
        assert {c.stride[0] for c in convolutions} == {1}


def test_resnet_strides_lie_in_the_3x3_convolution(resnet101):
    assert convolution(resnet101, "layer2.0.conv1").stride == (1, 1)
    assert convolution(resnet101, "layer2.0.conv2").stride == (2, 2)


def test_vgg_16_dilates_conv5_by_2_and_fc6_and_fc7_by_4_and_has_no_dropout(vgg16):
    backbone = vgg16.feature_extractor.backbone
    assert [backbone[i].dilation[0] for i in (21, 23, 25, 27, 29, 31)] == [1, 2, 2, 2, 4, 4]
    assert sum(isinstance(layer, nn.MaxPool2d) for layer in backbone) == 3
    assert not any(isinstance(layer, nn.Dropout) for layer in backbone)


@pytest.mark.parametrize(("backbone", "rates"), [("resnet101", [6, 12, 18, 24]), ("resnet_small", [1, 2, 3, 5])])
def test_the_classifiers_rates_suit_the_output_stride(backbone, rates):
    convolutions = on_paper(backbone).classifier.conv2d_list
    assert [c.dilation[0] for c in convolutions] == [c.padding[0] for c in convolutions] == rates


# Numbers


def test_frozen_batch_norm_is_the_plain_formula_without_eps():
    layer = NORMS["frozen"](2)
    layer.running_mean[:] = torch.tensor([1.0, 2.0])
    layer.running_var[:] = torch.tensor([1e-4, 4.0])
    layer.weight[:] = torch.tensor([3.0, 5.0])
    layer.bias[:] = torch.tensor([0.5, -0.5])
    found = layer(torch.full((1, 2, 1, 1), 2.0)).flatten().tolist()
    assert found == pytest.approx([(2 - 1) / 1e-2 * 3 + 0.5, -0.5], rel=1e-6)


def test_frozen_batch_norm_has_nothing_to_train_and_no_state_that_training_moves():
    layer = NORMS["frozen"](2).train()
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    layer(torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(0)))
    assert list(layer.parameters()) == []
    assert all(torch.equal(before[name], tensor) for name, tensor in layer.state_dict().items())


def test_group_norm_predicts_an_image_alone_as_among_others(make_segmenter):
    segmenter = make_segmenter().train()
    images = torch.randn(3, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(segmenter(images)[:1], segmenter(images[:1]), atol=1e-5)


def test_the_classifier_sums_its_four_branches_and_starts_small(make_segmenter):
    classifier = make_segmenter().classifier
    features = torch.randn(1, 96, 6, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(classifier(features), sum(conv(features) for conv in classifier.conv2d_list), atol=1e-5)
    for conv in classifier.conv2d_list:
        assert conv.weight.std().item() == pytest.approx(0.01, rel=0.05)


def test_the_discriminators_first_half_of_channels_is_the_sources():
    torch.manual_seed(0)
    discriminator = FineGrainedDiscriminator(6, 3, (5, 4))
    features = torch.randn(1, 6, 4, 4)
    found, hidden = discriminator(features), discriminator.D(features)
    assert torch.equal(found, torch.cat([discriminator.cls1(hidden), discriminator.cls2(hidden)], dim=1))


def test_the_discriminator_is_three_convolutions_of_stride_1_with_leaky_relus_between():
    layers = list(FineGrainedDiscriminator(6, 3).D)
    assert [type(layer) for layer in layers] == [nn.Conv2d, nn.LeakyReLU, nn.Conv2d, nn.LeakyReLU]
    assert {layer.negative_slope for layer in layers[1::2]} == {0.2}
    assert FineGrainedDiscriminator(6, 3)(torch.zeros(1, 6, 5, 7)).shape == (1, 6, 5, 7)


def test_with_one_class_the_discriminator_has_one_channel_a_domain():
    assert FineGrainedDiscriminator(6, 1)(torch.zeros(1, 6, 5, 7)).shape == (1, 2, 5, 7)


def test_the_optimisers_groups_are_f_and_c_and_hold_every_trained_parameter_once(make_segmenter):
    segmenter = make_segmenter()
    extractor, classifier = segmenter.parameter_groups(10.0)
    assert (extractor["factor"], classifier["factor"]) == (1.0, 10.0)
    assert [id(p) for p in classifier["params"]] == [id(p) for p in segmenter.classifier.parameters()]
    assert [id(p) for p in extractor["params"] + classifier["params"]] == [id(p) for p in segmenter.parameters()]
