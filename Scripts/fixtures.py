"""Writes the numeric fixtures of the tests: python Scripts/fixtures.py [FOLDER] (default Tests/ECARTests/Fixtures).

Needs torch 2.11.0 and safetensors. Inputs are drawn as float32 numbers from a fixed seed, every result is computed in
float64 by reference.py or by PyTorch itself, then stored as float32: the results carry no rounding of the computation.

layers.safetensors, one group of tensors an operation (x, y: input and output; gradients are those of Σ y·g):

| name | shape | meaning |
|---|---|---|
| linear.x, .weight, .bias, .y, .g | (2,5,16) (8,16) (8) (2,5,8) (2,5,8) | y = x·weightᵀ + bias |
| linear.grad.x, .weight, .bias | | gradients |
| norm.x, .weight, .bias, .y, .g, .grad.x, .weight, .bias | x (2,5,16) | LayerNorm, eps 1e-6 |
| norm.plain | (2,5,16) | the same without weight and bias |
| sdpa.q, .k, .v, .y | (2,2,6,8) (2,2,10,8) (2,2,10,8) (2,2,6,8) | softmax(q·kᵀ/√8)·v |
| sdpa.g, sdpa.grad.q, .k, .v | | gradients |
| attention.x, .qkv.weight|bias, .out.weight|bias, .y | x (2,12,16) | 2 heads, every token sees every token |
| attention.causal | (2,12,16) | block-causal over blocks of 2, 4 and 6 tokens |
| attention.g, .grad.x, .causal.grad.x | | gradients of both |
| mlp.x, .in.weight|bias, .out.weight|bias, .y, .g, .grad.x | x (2,5,16) | 16 → 64, tanh GELU, → 16 |
| time.t, .features | (6) (6,256) | cos, then sin, of 1000·t·f |
| time.in.weight|bias, .out.weight|bias, .y | y (6,16) | Linear(256,16), SiLU, Linear(16,16) of the features |
| patch.x, .tokens | (2,3,8,8) (2,4,48) | patchify, p = 4, features in the order (c, py, px) |
| pyramid.x, .down, .up | (2,3,8,8) (2,3,4,4) (2,3,16,16) | 2×2 mean; nearest neighbour ×2 |
| adamw.a.0, .b.0 | (4,3) (5) | at the start; rate 0.01, betas 0.9 and 0.999, eps 1e-8, weight decay 0.1 |
| adamw.a.grad.{1,2,3}, .b.grad.{1,2,3} | | gradients of three steps |
| adamw.a.{1,2,3}, .b.{1,2,3} | | values after them |
| adamw.a.mean, .a.square, .b.mean, .b.square | | both moments after the three steps |
| clip.a, .b, .norm, .a.clipped, .b.clipped | (4,3) (5) () | gradients, their common norm, and clipped to 1 |
| ema.0, ema.value.{1,2,3}, ema.{1,2,3} | (5) | averages with decay 0.9 after three values |
| muon.NAME.0, .grad.{1,2,3}, .{1,2,3} | wide (4,12), tall (12,4), maps (12,4) | at the start, gradients, after three steps; rate 0.1 as large as AdamW's, momentum 0.95, weight decay 0.1 |
| muon.NAME.momentum | | after the three steps |
| schedule.cosine, schedule.constant, schedule.warmupStableDecay | (12) | peak 2e-3, 4 steps of warm-up, 12 steps |

model.safetensors: the weights of a tiny model under their own names, none of them zero; configuration in the metadata.
forward.safetensors: what that model makes of one batch. k is a stage from 0, B = 3, the third label is the null class.

| name | shape | meaning |
|---|---|---|
| images | (3,2,8,8) | the clean images x_S |
| labels | (3) int64 | 0, 2, 3 (null) |
| tau.{k}, noise.{k} | (3) (3,2,h,h) | τ and n_s |
| arNoise.{k} | k = 0, 1, as Up(x_k) | noise, added 0.5 times to Up(x_k) at the AR input |
| conditioned.tokenMap.{k}, conditioned.loss | (3,N,16), (3) | the effect of it |
| end.{k}, start.{k}, z.{k}, target.{k}, velocity.{k} | (3,2,h,h) | the path and the model's velocity |
| tokenMap.{k} | (3,N,16) | output of the AR transformer |
| loss | (3) | l_s |
| weights | (3) | w_s of the total loss |
| sharedNorms | (3) | ‖∇_W l_s‖₂ |
| gradNorm.losses, .norms | (6,3) | inputs of six updates (α 1.5, rate 0.025, smoothing 0.99), first a norm of 0 |
| gradNorm.weights | (6,3) | w_s after each |
| sample.labels, sample.noise.{k} | (2) int64, (2,2,h,h) | inputs of the sampler; guidance 1.5, 2, 2.5 |
| sample.euler.{k}, sample.heun.{k} | (2,2,h,h) | every stage's images after 3 Euler or 2 Heun steps a stage |

gradients.safetensors: grad.NAME for every parameter of that model: the gradient of Σ w_s·l_s.
ablation.safetensors: weights, images, labels, tau, noise, tokenMap, velocity, loss and sharedNorms as above for a model
without AR blocks and without the condition MLP (Fig. 5); its configuration in the metadata.
overlap.safetensors: the same for a model whose tokens look beyond their patches.
"""

import json
import math
import sys
from dataclasses import asdict, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

import reference
from reference import ECAR, Attention, Configuration, GradNorm

TINY = Configuration(
    channels=2, sides=(2, 4, 8), patches=(1, 2, 2), classes=3, width=16, heads=2, arDepth=2, flowDepths=(2, 1, 1),
    conditionMLP=True, signal=(0.0, 0.25, 0.625),
)  # fmt: skip


def draw(*shape: int, scale: float = 1.0) -> Tensor:
    """Normal numbers that float32 holds exactly, so that the tests start from just what was computed with."""
    return (scale * torch.randn(*shape)).float().double()


def draw_uniform(*shape: int) -> Tensor:
    return torch.rand(*shape).float().double()


def scramble(module: torch.nn.Module):
    """Random weights everywhere, the zero-initialised ones too."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            offset = 1.0 if "norm" in name and name.endswith("weight") else 0.0
            parameter.copy_((offset + draw(*parameter.shape, scale=0.2)).float().double())


def gradients(y: Tensor, g: Tensor, **inputs: Tensor) -> dict[str, Tensor]:
    return dict(zip(inputs, torch.autograd.grad((y * g).sum(), list(inputs.values()), retain_graph=True)))


def write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None):
    stored = {n: t if t.dtype == torch.int64 else t.float() for n, t in tensors.items()}
    save_file({n: t.detach().clone().contiguous() for n, t in stored.items()}, path, metadata)
    print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size / 1000:.0f} kB")


# Layers


def layers() -> dict[str, Tensor]:
    out: dict[str, Tensor] = {}

    def group(prefix: str, **tensors: Tensor):
        for name, tensor in tensors.items():
            out[f"{prefix}.{name}"] = tensor

    def weights(prefix: str, module: torch.nn.Module):
        for name, tensor in module.state_dict().items():
            out[f"{prefix}.{name}"] = tensor

    x, weight, bias, g = draw(2, 5, 16), draw(8, 16), draw(8), draw(2, 5, 8)
    leaves = {"x": x.requires_grad_(), "weight": weight.requires_grad_(), "bias": bias.requires_grad_()}
    y = F.linear(x, weight, bias)
    group("linear", **leaves, y=y, g=g)
    group("linear.grad", **gradients(y, g, **leaves))

    x, weight, bias, g = draw(2, 5, 16), draw(16), draw(16), draw(2, 5, 16)
    leaves = {"x": x.requires_grad_(), "weight": weight.requires_grad_(), "bias": bias.requires_grad_()}
    y = F.layer_norm(x, (16,), weight, bias, eps=1e-6)
    group("norm", **leaves, y=y, g=g, plain=F.layer_norm(x, (16,), eps=1e-6))
    group("norm.grad", **gradients(y, g, **leaves))

    leaves = {name: draw(2, 2, n, 8).requires_grad_() for name, n in [("q", 6), ("k", 10), ("v", 10)]}
    y = (leaves["q"] @ leaves["k"].mT / math.sqrt(8)).softmax(dim=-1) @ leaves["v"]
    g = draw(2, 2, 6, 8)
    group("sdpa", **leaves, y=y, g=g)
    group("sdpa.grad", **gradients(y, g, **leaves))

    attention, x, g = Attention(16, 2), draw(2, 12, 16).requires_grad_(), draw(2, 12, 16)
    scramble(attention)
    y, causal = attention(x), attention(x, reference.block_causal_mask([2, 4, 6]))
    weights("attention", attention)
    group("attention", x=x, g=g, y=y, causal=causal)
    group("attention.grad", **gradients(y, g, x=x))
    group("attention.causal.grad", **gradients(causal, g, x=x))

    mlp, x, g = reference.mlp(16), draw(2, 5, 16).requires_grad_(), draw(2, 5, 16)
    scramble(mlp)
    y = mlp(x)
    weights("mlp", mlp)
    group("mlp", x=x, y=y, g=g)
    group("mlp.grad", **gradients(y, g, x=x))

    time = reference.FlowHead(TINY, 0).time
    scramble(time)
    t = torch.tensor([0.0, 0.015625, 0.25, 0.40625, 0.75, 1.0]).double()  # 1000·t is exact in float32
    features = reference.timestep_features(t)
    weights("time", time)
    group("time", t=t, features=features, y=time(features))

    x = draw(2, 3, 8, 8)
    tokens = reference.patchify(x, 4)
    assert torch.equal(reference.unpatchify(tokens, 4, 3), x)
    group("patch", x=x, tokens=tokens)
    group("pyramid", x=x, down=reference.down(x), up=reference.up(x))

    a, b = draw(4, 3), draw(5)
    group("adamw", **{"a.0": a.clone(), "b.0": b.clone()})
    optimizer = torch.optim.AdamW([a, b], lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1)
    for i in range(1, 4):
        a.grad, b.grad = draw(4, 3), draw(5)
        group("adamw", **{f"a.grad.{i}": a.grad, f"b.grad.{i}": b.grad})
        optimizer.step()
        group("adamw", **{f"a.{i}": a.clone(), f"b.{i}": b.clone()})
    for name, parameter in [("a", a), ("b", b)]:
        state = optimizer.state[parameter]
        group(f"adamw.{name}", mean=state["exp_avg"], square=state["exp_avg_sq"])

    a, b = torch.zeros(4, 3).double(), torch.zeros(5).double()
    a.grad, b.grad = draw(4, 3), draw(5)
    group("clip", a=a.grad.clone(), b=b.grad.clone(), norm=torch.nn.utils.clip_grad_norm_([a, b], 1.0))
    group("clip", **{"a.clipped": a.grad, "b.clipped": b.grad})

    average = draw(5)
    group("ema", **{"0": average})
    for i in range(1, 4):
        value = draw(5)
        average = 0.9 * average + 0.1 * value
        group("ema", **{f"value.{i}": value, str(i): average})

    warmup, steps, peak = 4, 12, 2e-3
    ramp = torch.tensor([min(1.0, (i + 1) / warmup) for i in range(steps)]).double()
    progress = torch.tensor([max(0, i - warmup) / (steps - warmup) for i in range(steps)]).double()
    last_fifth = torch.tensor([max(0.0, (i - 0.8 * steps) / (0.2 * steps)) for i in range(steps)]).double()
    group(
        "schedule",
        constant=peak * ramp,
        cosine=peak * ramp * 0.5 * (1 + torch.cos(math.pi * progress)),
        warmupStableDecay=peak * ramp * (1 - last_fifth.sqrt()),
    )

    # Three maps in one matrix are three matrices to PyTorch.
    shapes = {"wide": (4, 12), "tall": (12, 4), "maps.0": (4, 4), "maps.1": (4, 4), "maps.2": (4, 4)}
    matrices = {name: draw(*shape) for name, shape in shapes.items()}
    def muon(key, values):
        maps = torch.cat([values[f"maps.{i}"] for i in range(3)])
        group("muon", **{f"{name}.{key}": value.clone() for name, value in (values | {"maps": maps}).items()})
    muon("0", matrices)
    optimizer = torch.optim.Muon(
        matrices.values(), lr=0.1, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    for i in range(1, 4):
        for matrix in matrices.values():
            # Far from singular, for bfloat16.
            matrix.grad = draw(*matrix.shape) + 2 * torch.eye(*matrix.shape)
        muon(f"grad.{i}", {name: matrix.grad for name, matrix in matrices.items()})
        optimizer.step()
        muon(str(i), matrices)
    muon("momentum", {name: optimizer.state[matrix]["momentum_buffer"] for name, matrix in matrices.items()})
    return out


# Models


def batch(c: Configuration) -> dict:
    labels = torch.tensor([0, c.classes - 1, c.classes])
    shapes = [(3, c.channels, side, side) for side in c.sides]
    return {"images": draw(*shapes[-1]), "labels": labels, "taus": [draw_uniform(3) for _ in shapes],
            "noises": [draw(*shape) for shape in shapes]}  # fmt: skip


def numbered(name: str, tensors: list[Tensor]) -> dict[str, Tensor]:
    return {f"{name}.{k}": tensor for k, tensor in enumerate(tensors)}


def inputs(batch: dict) -> dict[str, Tensor]:
    tensors = {"images": batch["images"], "labels": batch["labels"]}
    return tensors | numbered("tau", batch["taus"]) | numbered("noise", batch["noises"])


def tiny_model(c: Configuration) -> ECAR:
    model = ECAR(c)
    scramble(model)
    return model


def forward(model: ECAR) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    data = batch(model.c)
    tensors, results = inputs(data), model(**data)
    for name in ["end", "start", "z", "target", "velocity", "tokenMap"]:
        tensors |= numbered(name, results[name])
    losses = torch.stack(results["loss"])
    w = torch.tensor([0.5, 1.75, 0.75]).double()
    tensors |= {"loss": losses, "weights": w}
    tensors["sharedNorms"] = reference.shared_gradient_norms(model, results["loss"])
    (w * losses).sum().backward()
    grads = {f"grad.{name}": parameter.grad for name, parameter in model.named_parameters()}

    arNoises = [draw(*noise.shape) for noise in data["noises"][1:]]
    conditioned = model(**data, conditionNoise=0.5, arNoises=arNoises)
    tensors |= numbered("arNoise", arNoises) | numbered("conditioned.tokenMap", conditioned["tokenMap"])
    tensors["conditioned.loss"] = torch.stack(conditioned["loss"])
    return tensors, grads


def grad_norm() -> dict[str, Tensor]:
    gradNorm, history = GradNorm(3, dtype=torch.float64), []
    losses = torch.tensor([[1.0, 0.7, 0.9], [0.98, 0.6, 0.7], [0.9, 0.5, 0.4], [0.85, 0.4, 0.3], [0.8, 0.42, 0.2],
                           [0.82, 0.35, 0.15]]).float()  # fmt: skip
    norms = (draw_uniform(6, 3) + 0.1).float()
    norms[0, 1] = 0
    for l, n in zip(losses, norms):
        gradNorm.update(l.double(), n.double())
        history.append(gradNorm.weights.clone())
    return {"gradNorm.losses": losses, "gradNorm.norms": norms, "gradNorm.weights": torch.stack(history)}


def samples(model: ECAR) -> dict[str, Tensor]:
    labels, guidance = torch.tensor([1, 2]), [1.5, 2.0, 2.5]
    noises = [draw(2, model.c.channels, side, side) for side in model.c.sides]
    tensors = {"sample.labels": labels} | numbered("sample.noise", noises)
    tensors |= numbered("sample.euler", reference.sample(model, labels, noises, [3, 3, 3], guidance, "euler"))
    return tensors | numbered("sample.heun", reference.sample(model, labels, noises, [2, 2, 2], guidance, "heun"))


def variant(model: ECAR) -> dict[str, Tensor]:
    data = batch(model.c)
    tensors, results = inputs(data), model(**data)
    tensors |= numbered("tokenMap", results["tokenMap"]) | numbered("velocity", results["velocity"])
    tensors["loss"] = torch.stack(results["loss"])
    tensors["sharedNorms"] = reference.shared_gradient_norms(model, results["loss"])
    return tensors | model.state_dict()


def metadata(c: Configuration) -> dict[str, str]:
    return {"config": json.dumps(asdict(c))}


def main():
    folder = Path(__file__).parent.parent / "Tests/ECARTests/Fixtures"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else folder
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # the order of sums is part of the result
    torch.set_default_dtype(torch.float64)

    torch.manual_seed(0)
    write(folder / "layers.safetensors", layers())

    torch.manual_seed(1)
    model = tiny_model(TINY)
    write(folder / "model.safetensors", model.state_dict(), metadata(TINY))
    tensors, grads = forward(model)
    tensors |= grad_norm() | samples(model)
    write(folder / "forward.safetensors", tensors)
    write(folder / "gradients.safetensors", grads)

    torch.manual_seed(2)
    plain = replace(TINY, arDepth=0, flowDepths=(2, 1, 2), conditionMLP=False)
    write(folder / "ablation.safetensors", variant(tiny_model(plain)), metadata(plain))

    torch.manual_seed(3)
    overlapping = replace(TINY, overlap=1, flowDepths=(1, 1, 1))
    write(folder / "overlap.safetensors", variant(tiny_model(overlapping)), metadata(overlapping))


if __name__ == "__main__":
    main()
