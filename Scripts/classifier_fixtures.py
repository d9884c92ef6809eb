"""Writes Tests/ECAREvaluationTests/Fixtures/classifier.safetensors: a small random classifier and what PyTorch makes of it.

    python Scripts/classifier_fixtures.py

Needs torch 2.11.0 and safetensors. The metadata's `config` is the configuration; the tensors are the weights under their
names, and:

| name | shape | meaning |
|---|---|---|
| pictures, labels | (4,3,16,16) uint8, (4) int64 | what goes in |
| features, logits, probabilities | (4,16), (4,5), (4,5) | what comes out |
| loss | () | mean cross-entropy with label smoothing 0.1 |
| gradient.NAME | | of the loss, for each weight |
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

FILE = Path(__file__).resolve().parent.parent / "Tests/ECAREvaluationTests/Fixtures/classifier.safetensors"
GROUP, EPSILON, SMOOTHING = 8, 1e-6, 0.1
CONFIG = {
    "side": 16, "channels": 3, "fit": "crop", "widths": [8, 16], "blocks": 2,
    "classNames": ["a", "b", "c", "d", "e"], "training": {},
}


def norm(channels: int) -> nn.Module:
    return nn.GroupNorm(channels // GROUP, channels, EPSILON)


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.norm1, self.norm2 = norm(inputs), norm(outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        if inputs != outputs or stride != 1:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        start = F.silu(self.norm1(x))
        change = self.conv2(F.silu(self.norm2(self.conv1(start))))
        return (self.shortcut(start) if hasattr(self, "shortcut") else x) + change


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        width = CONFIG["widths"][0]
        self.stem = nn.Conv2d(CONFIG["channels"], width, 3, 1, 1, bias=False)
        self.levels = nn.ModuleList()
        for level, outputs in enumerate(CONFIG["widths"]):
            blocks = nn.ModuleList()
            for index in range(CONFIG["blocks"]):
                blocks.append(Block(width, outputs, 2 if level > 0 and index == 0 else 1))
                width = outputs
            self.levels.append(blocks)
        self.norm = norm(width)
        self.head = nn.Linear(width, len(CONFIG["classNames"]))

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        x = self.stem(pictures.float() / 127.5 - 1)
        for blocks in self.levels:
            for block in blocks:
                x = block(x)
        features = F.silu(self.norm(x)).mean((2, 3))
        return features, self.head(features)


if __name__ == "__main__":
    generator = torch.Generator().manual_seed(4)
    network = Classifier()
    for name, weight in network.named_parameters():
        values = torch.randn(weight.shape, generator=generator)
        scale = 0.3 if weight.ndim < 2 else (2 / weight[0].numel()) ** 0.5
        weight.data = values * scale + (1 if "norm" in name and name.endswith("weight") else 0)
    pictures = torch.randint(0, 256, (4, 3, 16, 16), generator=generator, dtype=torch.uint8)
    labels = torch.tensor([4, 0, 2, 2])
    features, logits = network(pictures)
    loss = F.cross_entropy(logits, labels, label_smoothing=SMOOTHING)
    loss.backward()
    tensors = {
        "pictures": pictures, "labels": labels, "features": features, "logits": logits,
        "probabilities": logits.softmax(1), "loss": loss,
    }
    for name, weight in network.named_parameters():
        tensors[name] = weight
        tensors["gradient." + name] = weight.grad
    save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, FILE, {"config": json.dumps(CONFIG)})
