"""How well TAESDXL in PyTorch reconstructs pictures: what Swift's reading of the same weights has to equal.

    python Benchmarks/autoencoder_psnr.py --encoder FILE --decoder FILE --pictures TAR [--count N]

Needs torch, numpy, safetensors and pillow. The network is a plain nn.Sequential after https://github.com/madebyollin/taesd;
the pictures are the first N (default all) of an archive, by name. The PSNR of a picture is over its pixels in 0...1, those
of the reconstruction clamped to that range but not rounded to bytes.
"""

import argparse
import io
import statistics
import tarfile

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn


def conv(inputs: int, outputs: int, **options) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, **options)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(conv(64, 64), nn.ReLU(), conv(64, 64), nn.ReLU(), conv(64, 64))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv(x) + x)


class Clamp(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x / 3) * 3


def encoder() -> nn.Sequential:
    modules = [conv(3, 64), Block()]
    for _ in range(3):
        modules += [conv(64, 64, stride=2, bias=False), Block(), Block(), Block()]
    return nn.Sequential(*modules, conv(64, 4))


def decoder() -> nn.Sequential:
    modules = [Clamp(), conv(4, 64), nn.ReLU()]
    for _ in range(3):
        modules += [Block(), Block(), Block(), nn.Upsample(scale_factor=2), conv(64, 64, bias=False)]
    return nn.Sequential(*modules, Block(), conv(64, 3))


@torch.inference_mode()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--decoder", required=True)
    parser.add_argument("--pictures", required=True)
    parser.add_argument("--count", type=int)
    options = parser.parse_args()
    halves = encoder(), decoder()
    for half, file in zip(halves, [options.encoder, options.decoder]):
        half.load_state_dict(load_file(file))

    values = []
    with tarfile.open(options.pictures) as archive:
        members = {member.name: member for member in archive if member.isfile()}
        for name in sorted(members)[: options.count]:
            picture = Image.open(io.BytesIO(archive.extractfile(members[name]).read())).convert("RGB")
            x = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 255  # (1, 3, H, W)
            y = halves[1](halves[0](x)).clamp(0, 1)  # (1, 3, H, W)
            values.append(-10 * (x - y).square().mean().log10().item())
    print(f"{len(values)} pictures: mean PSNR {statistics.mean(values):.4f} dB ({min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    main()
