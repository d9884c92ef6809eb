"""Writes {resize,inception}.safetensors in Tests/ECAREvaluationTests/Fixtures, with pytorch-fid and torch-fidelity.

    python Scripts/evaluation_fixtures.py

Needs torch 2.11.0, torchvision, pytorch-fid 0.3.0, torch-fidelity 0.4.0 and safetensors. An Inception network is 95 MB,
and pictures are large too, so neither is stored: both are hashes of names and indices, which the test computes as well.

    hash(name, i) = mix(i · 0x9e3779b9 + FNV-1a of the name), with the last step of MurmurHash3 as mix, in 32 bits
    byte(name, i) = hash >> 24                           0…255
    unit(name, i) = (hash >> 8) · 2⁻²³ − 1               −1…1

A picture of height H and width W is byte("picture HxW", i), in the order (3,H,W). A tensor of the network is:

| name ends in | value |
|---|---|
| conv.weight | (2 · byte − 255) · √(2 / fan-in) / 148: keeps the size of signals through ReLU |
| fc.weight | (2 · byte − 255) · √(1 / fan-in) / 148 |
| bn.weight | 1 + unit / 4 |
| running_var | 1 + unit / 2 |
| running_mean, bn.bias | unit / 8 |
| fc.bias | unit: a mistake to add it would show |

resize.safetensors, in the range that the networks take (about −1…1):

| name | shape | meaning |
|---|---|---|
| positions | (P) int64 | places in a picture (3,299,299) |
| tensorflow.HxW, pytorch-fid.HxW | (P) | the resized picture there |

inception.safetensors, one row a picture; NAME is the resize as above:

| name | shape | meaning |
|---|---|---|
| sizes | (B,2) int64 | the pictures' heights and widths |
| NAME.features | (B,2048) | |
| NAME.spatial | (B,2023) | the first 7 channels of Mixed_6d.branch1x1, in the order (row, column, channel) |
| NAME.probabilities | (B,1008) | softmax of the logits without their bias |

The metadata's tensors are the network's: a line each of name, name in pytorch-fid's wrapper or "-", and shape.
"""

import math
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pytorch_fid.inception
import torch
import torch.nn.functional as F
import torch_fidelity.feature_extractor_inceptionv3 as torch_fidelity
from safetensors.torch import save_file
from torch import Tensor, nn
from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

FOLDER = Path(__file__).resolve().parent.parent / "Tests/ECAREvaluationTests/Fixtures"
SIDE = 299
RESIZED = [(1, 1), (5, 1), (17, 23), (32, 32), (64, 48), (256, 256), (299, 299), (300, 298), (401, 300), (512, 512)]
SEEN = [(17, 23), (64, 48), (401, 300)]


def hashes(name: str, count: int) -> np.ndarray:
    start = 0x811C9DC5
    for byte in name.encode():
        start = (start ^ byte) * 0x01000193 & 0xFFFFFFFF
    h = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B9) + np.uint32(start)
    h = (h ^ h >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    h = (h ^ h >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    return h ^ h >> np.uint32(16)


def picture(height: int, width: int) -> Tensor:
    values = (hashes(f"picture {height}x{width}", 3 * height * width) >> np.uint32(24)).astype(np.uint8)
    return torch.from_numpy(values).view(1, 3, height, width)


def weight(name: str, shape: torch.Size) -> Tensor:
    h = hashes(name, math.prod(shape))
    if name.endswith(("conv.weight", "fc.weight")):
        gain = (2 if name.endswith("conv.weight") else 1) / math.prod(shape[1:])
        values = (2 * (h >> np.uint32(24)).astype(np.float32) - 255) * np.float32(math.sqrt(gain) / 148)
    else:
        values = (h >> np.uint32(8)).astype(np.float32) * np.float32(2**-23) - 1
        if name.endswith("bn.weight"):
            values = 1 + values / 4
        elif name.endswith("running_var"):
            values = 1 + values / 2
        elif not name.startswith("fc."):
            values = values / 8
    return torch.from_numpy(values).view(shape)


def build() -> tuple[nn.Module, nn.Module]:
    """pytorch-fid's network and torch-fidelity's. Both would download the public weights."""

    def generate(module: nn.Module, *_):
        for name, value in module.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                value.copy_(weight(name, value.shape))

    original, nn.Module.load_state_dict = nn.Module.load_state_dict, generate
    pytorch_fid.inception.load_state_dict_from_url = torch_fidelity.load_state_dict_from_url = lambda *_, **__: None
    first = pytorch_fid.inception.InceptionV3().eval()
    second = torch_fidelity.FeatureExtractorInceptionV3("inception", ["2048", "logits_unbiased"])
    nn.Module.load_state_dict = original
    return first, second


def describe(wrapper: nn.Module, plain: nn.Module) -> str:
    """The plain network's tensors, with their names in the wrapper, whose order is the same."""

    def state(module: nn.Module):
        return [(n, v) for n, v in module.state_dict().items() if not n.endswith("num_batches_tracked")]

    lines = []
    for (name, value), (other, same) in zip_longest(state(plain), state(wrapper), fillvalue=("-", None)):
        assert same is None and name.startswith("fc.") or torch.equal(value, same)
        lines.append(" ".join([name, other, *map(str, value.shape)]))
    return "\n".join(lines)


def spatial(layer: nn.Module, run) -> tuple[Tensor, Tensor]:
    """What `run` returns, and the first 7 channels that `layer` makes meanwhile, as TensorFlow orders them."""
    seen = []
    hook = layer.register_forward_hook(lambda _, __, output: seen.append(output.clone()))
    result = run()
    hook.remove()
    return result, seen[0][:, :7].permute(0, 2, 3, 1).flatten(1)


@torch.no_grad()
def fixture_resize():
    generator = torch.Generator().manual_seed(0)
    positions = torch.randint(3 * SIDE * SIDE, (300,), generator=generator)
    last = SIDE * SIDE - 1
    positions[:4] = torch.tensor([0, SIDE - 1, last - SIDE + 1, last])
    made = {"positions": positions}
    for height, width in RESIZED:
        pixels = picture(height, width).float()
        tensorflow = (interpolate_bilinear_2d_like_tensorflow1x(pixels, (SIDE, SIDE), align_corners=False) - 128) / 128
        plain = 2 * F.interpolate(pixels / 255, (SIDE, SIDE), mode="bilinear", align_corners=False) - 1
        for name, resized in [("tensorflow", tensorflow), ("pytorch-fid", plain)]:
            made[f"{name}.{height}x{width}"] = resized.flatten()[positions]
    save_file(made, FOLDER / "resize.safetensors")


@torch.no_grad()
def fixture_inception():
    pytorch, fidelity = build()
    rows = {"tensorflow": [], "pytorch-fid": []}
    for height, width in SEEN:
        pixels = picture(height, width)
        (features, logits), seven = spatial(fidelity.Mixed_6d.branch1x1, lambda: fidelity(pixels))
        rows["tensorflow"].append((features, seven, logits.softmax(1)))

        # The wrapper's third group of modules ends with Mixed_6d and Mixed_6e.
        layer = pytorch.blocks[2][6].branch1x1
        features, seven = spatial(layer, lambda: pytorch(pixels / 255)[0].flatten(1))
        rows["pytorch-fid"].append((features, seven, (features @ fidelity.fc.weight.T).softmax(1)))
    made = {}
    for name, cases in rows.items():
        for part, values in zip(["features", "spatial", "probabilities"], zip(*cases)):
            made[f"{name}.{part}"] = torch.cat(values).contiguous()
    made["sizes"] = torch.tensor(SEEN)
    save_file(made, FOLDER / "inception.safetensors", {"tensors": describe(pytorch, fidelity)})


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    fixture_resize()
    fixture_inception()
