"""The release's arithmetic written out a second time, from its description alone, for `test_faithful.py`.

Networks are functions of a dictionary of tensors under the release's names; optimisers are the formulas of
PyTorch's documentation. Nothing of the library is used.
"""

import math

import torch
from torch.nn import functional

BLOCKS = {"resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}


# Networks


def batch_norm(x, w, name, live):
    """Frozen: (x - mean) / sqrt(var) without eps; live: the batch's own statistics, eps 1e-5."""
    if live:
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        scale = w[f"{name}.weight"] / torch.sqrt(var + 1e-5)
    else:
        mean, var = w[f"{name}.running_mean"], w[f"{name}.running_var"]
        scale = w[f"{name}.weight"] / torch.sqrt(var)
    return (x - mean.view(1, -1, 1, 1)) * scale.view(1, -1, 1, 1) + w[f"{name}.bias"].view(1, -1, 1, 1)


def bottleneck(x, w, name, stride, dilation, live):
    y = functional.relu(batch_norm(functional.conv2d(x, w[f"{name}.conv1.weight"]), w, f"{name}.bn1", live))
    y = functional.conv2d(y, w[f"{name}.conv2.weight"], stride=stride, padding=dilation, dilation=dilation)
    y = functional.relu(batch_norm(y, w, f"{name}.bn2", live))
    y = batch_norm(functional.conv2d(y, w[f"{name}.conv3.weight"]), w, f"{name}.bn3", live)
    if f"{name}.downsample.0.weight" in w:
        x = functional.conv2d(x, w[f"{name}.downsample.0.weight"], stride=stride)
        x = batch_norm(x, w, f"{name}.downsample.1", live)
    return functional.relu(y + x)


def resnet(x, w, blocks, live):
    x = functional.conv2d(x, w["backbone.conv1.weight"], stride=2, padding=3)
    x = functional.relu(batch_norm(x, w, "backbone.bn1", live))
    x = functional.max_pool2d(x, 3, 2, 1)
    for layer, (count, stride, first, others) in enumerate(
        zip(blocks, (1, 2, 1, 1), (1, 1, 1, 2), (1, 1, 2, 4), strict=True), start=1
    ):
        for block in range(count):
            name = f"backbone.layer{layer}.{block}"
            x = bottleneck(x, w, name, stride if block == 0 else 1, first if block == 0 else others, live)
    return x


def vgg16(x, w):
    plan = [0, 2, "M", 5, 7, "M", 10, 12, 14, "M", 17, 19, 21, 23, 25, 27, 29, 31]
    for step in plan:
        if step == "M":
            x = functional.max_pool2d(x, 2, 2)
            continue
        dilation = 4 if step >= 29 else 2 if step >= 23 else 1
        weight, bias = w[f"backbone.{step}.weight"], w[f"backbone.{step}.bias"]
        x = functional.relu(functional.conv2d(x, weight, bias, padding=dilation, dilation=dilation))
    return x


def features_of(images, w, backbone, live):
    return vgg16(images, w) if backbone == "vgg16" else resnet(images, w, BLOCKS[backbone], live)


def classify(features, w):
    rates = enumerate((6, 12, 18, 24))
    return sum(
        functional.conv2d(
            features, w[f"conv2d_list.{i}.weight"], w[f"conv2d_list.{i}.bias"], padding=rate, dilation=rate
        )
        for i, rate in rates
    )


def discriminate(features, w):
    x = functional.leaky_relu(functional.conv2d(features, w["D.0.weight"], w["D.0.bias"], padding=1), 0.2)
    x = functional.leaky_relu(functional.conv2d(x, w["D.2.weight"], w["D.2.bias"], padding=1), 0.2)
    halves = [functional.conv2d(x, w[f"{c}.weight"], w[f"{c}.bias"], padding=1) for c in ("cls1", "cls2")]
    return torch.cat(halves, dim=1)


def enlarge(maps, size):
    return functional.interpolate(maps, size=size, mode="bilinear", align_corners=True)


# Losses


def soft_label_cross_entropy(logits, labels):
    """The mean over all pixels of -sum_c label_c log softmax_c, the labels in single precision."""
    return -(labels.float() * functional.log_softmax(logits, dim=1)).sum(dim=1).mean()


def soft_labels(logits, temperature=1.8, clip=0.9):
    p = torch.softmax(logits.detach() / temperature, dim=1)
    p[p > clip] = clip
    return p


# Optimisers


class Sgd:
    """SGD with momentum and weight decay on everything, one rate for each dictionary of tensors."""

    def __init__(self, groups, momentum=0.9, decay=5e-4):
        self.groups, self.momentum, self.decay = groups, momentum, decay
        self.velocity = {}

    def step(self, rates):
        for group, (weights, rate) in enumerate(zip(self.groups, rates, strict=True)):
            for name, w in weights.items():
                if w.requires_grad:
                    gradient = w.grad + self.decay * w.detach()
                    key = (group, name)
                    old = self.velocity.get(key)
                    self.velocity[key] = gradient if old is None else self.momentum * old + gradient
                    w.data -= rate * self.velocity[key]


class Adam:
    """Adam(0.9, 0.99), eps 1e-8, without weight decay."""

    def __init__(self, weights):
        self.weights, self.steps = weights, 0
        self.m = {name: torch.zeros_like(w) for name, w in weights.items()}
        self.v = {name: torch.zeros_like(w) for name, w in weights.items()}

    def step(self, rate):
        self.steps += 1
        for name, w in self.weights.items():
            self.m[name] = 0.9 * self.m[name] + 0.1 * w.grad
            self.v[name] = 0.99 * self.v[name] + 0.01 * w.grad**2
            m, v = self.m[name] / (1 - 0.9**self.steps), self.v[name] / (1 - 0.99**self.steps)
            w.data -= rate * m / (torch.sqrt(v) + 1e-8)


def poly(base, iteration, horizon):
    return base * math.pow(1 - iteration / horizon, 0.9)


# Iterations


def clear(*groups):
    for weights in groups:
        for w in weights.values():
            w.grad = None


def source_iteration(f, c, optimiser, images, labels, rate, backbone, live):
    """Train F and C on labelled images; also the student's iteration on pseudo labels."""
    clear(f, c)
    logits = enlarge(classify(features_of(images, f, backbone, live), c), labels.shape[-2:])
    loss = functional.cross_entropy(logits, labels, ignore_index=255)
    loss.backward()
    optimiser.step((rate, 10 * rate))
    return {"segmentation": loss.item()}


def adversarial_iteration(f, c, d, optimisers, source, labels, target, rate, rate_d, backbone, live):
    """The release's adversarial iteration: T = 1.8 also in the segmentation loss, halves for D."""
    clear(f, c, d)
    k, size_s, size_t = len(c["conv2d_list.0.bias"]), source.shape[-2:], target.shape[-2:]
    f_s = features_of(source, f, backbone, live)
    z_s = enlarge(classify(f_s, c), size_s) / 1.8
    segmentation = functional.cross_entropy(z_s, labels, ignore_index=255)
    segmentation.backward()
    f_t = features_of(target, f, backbone, live)
    z_t = enlarge(classify(f_t, c), size_t)
    a_s, a_t = soft_labels(z_s, 1.0), soft_labels(z_t)
    none_s, none_t = torch.zeros_like(a_s), torch.zeros_like(a_t)
    d_t = enlarge(discriminate(f_t, d), size_t)
    assert d_t.shape[1] == 2 * k
    adversarial = 0.001 * soft_label_cross_entropy(d_t, torch.cat((a_t, none_t), dim=1))
    adversarial.backward()
    optimisers[0].step((rate, 10 * rate))
    gradients = {name: w.grad.clone() for part in (f, c) for name, w in part.items() if w.grad is not None}
    clear(d)
    on_source = enlarge(discriminate(f_s.detach(), d), size_s)
    on_target = enlarge(discriminate(f_t.detach(), d), size_t)
    d_source = 0.5 * soft_label_cross_entropy(on_source, torch.cat((a_s, none_s), dim=1))
    d_target = 0.5 * soft_label_cross_entropy(on_target, torch.cat((none_t, a_t), dim=1))
    d_source.backward()
    d_target.backward()
    optimisers[1].step(rate_d)
    losses = {
        "clipped": (a_t.amax(dim=1) == 0.9).double().mean().item(),
        "segmentation": segmentation.item(),
        "adversarial": adversarial.item(),
        "discriminator_source": d_source.item(),
        "discriminator_target": d_target.item(),
    }
    return losses, gradients
