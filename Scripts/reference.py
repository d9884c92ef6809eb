"""E-CAR (arXiv 2412.14170) in one file of PyTorch: the slow, plain twin of the Swift package, which it checks.

Nothing here is clever on purpose. The attention mask is a full matrix, nothing is cached between stages, the
modulation is recomputed for every token at every step, GradNorm's gradients come from one extra backward pass a stage.

Letters: B batch, S stages, k = 0…S-1 a stage (the paper's s - 1), C channels, H side, p patch, N tokens of a stage,
D width. Time runs from noise (0) to data (1). Attribute names are the tensor names of the model files.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass
class Configuration:
    channels: int = 1
    sides: tuple = (8, 16, 32)
    patches: tuple = (2, 4, 4)
    overlap: int = 0
    classes: int = 10
    width: int = 128
    heads: int = 4
    arDepth: int = 6
    flowDepths: tuple = (4, 2, 2)
    conditionMLP: bool = False
    signal: tuple = (0.0, 1 / 3, 2 / 3)

    @property
    def stages(self) -> int:
        return len(self.sides)

    def tokens(self, k: int) -> int:
        return (self.sides[k] // self.patches[k]) ** 2

    def patchFeatures(self, k: int) -> int:
        return self.channels * self.patches[k] ** 2

    def seenFeatures(self, k: int) -> int:
        return self.channels * (self.patches[k] + 2 * self.overlap) ** 2


# Pyramid (Eq. 3.10)


def down(x: Tensor) -> Tensor:
    """2×2 mean."""
    return F.avg_pool2d(x, 2)  # (B, C, H/2, H/2)


def up(x: Tensor) -> Tensor:
    """Nearest neighbour ×2."""
    return x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)  # (B, C, 2H, 2H)


def pyramid(x: Tensor, stages: int) -> list[Tensor]:
    """Every stage's clean image, coarse first."""
    images = [x]
    for _ in range(stages - 1):
        images.insert(0, down(images[0]))
    return images


def patchify(x: Tensor, p: int) -> Tensor:
    B, C, H, W = x.shape
    x = x.reshape(B, C, H // p, p, W // p, p).permute(0, 2, 4, 1, 3, 5)  # (B, H/p, W/p, C, p, p)
    return x.reshape(B, (H // p) * (W // p), C * p * p)  # (B, N, C·p²)


def windows(x: Tensor, p: int, overlap: int) -> Tensor:
    """What every token sees: its patch and `overlap` more on each side, zeros outside the image."""
    if overlap == 0:
        return patchify(x, p)
    return F.unfold(x, p + 2 * overlap, padding=overlap, stride=p).transpose(1, 2)  # (B, N, C·(p + 2o)²)


def unpatchify(tokens: Tensor, p: int, channels: int) -> Tensor:
    B, N, _ = tokens.shape
    n = math.isqrt(N)
    x = tokens.reshape(B, n, n, channels, p, p).permute(0, 3, 1, 4, 2, 5)  # (B, C, n, p, n, p)
    return x.reshape(B, channels, n * p, n * p)  # (B, C, H, H)


# Path (Eq. 3.11, 3.12 and 3.14, §A.3)


def path_start(previous: Tensor | None, noise: Tensor, signal: float) -> Tensor:
    """The result of the stage before, upsampled and re-noised; pure noise at the first stage."""
    return noise if previous is None else signal * up(previous) + (1 - signal) * noise


def path_point(start: Tensor, end: Tensor, tau: Tensor) -> tuple[Tensor, Tensor]:
    """z_τ on the straight line from start to end, and its velocity."""
    tau = tau.view(-1, 1, 1, 1)
    return (1 - tau) * start + tau * end, end - start


# Layers


def mlp(width: int) -> nn.Sequential:
    layers = [("in", nn.Linear(width, 4 * width)), ("gelu", nn.GELU("tanh")), ("out", nn.Linear(4 * width, width))]
    return nn.Sequential(OrderedDict(layers))


def layer_norm(width: int, affine: bool) -> nn.LayerNorm:
    return nn.LayerNorm(width, eps=1e-6, elementwise_affine=affine)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        B, N, D = x.shape
        qkv = self.qkv(x).view(B, N, 3, self.heads, D // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, heads, N, D/heads)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out(y.transpose(1, 2).reshape(B, N, D))  # (B, N, D)


# Autoregressive transformer (Table 1)


class ARBlock(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.norm1 = layer_norm(width, affine=True)
        self.attention = Attention(width, heads)
        self.norm2 = layer_norm(width, affine=True)
        self.mlp = mlp(width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x), mask)  # (B, ΣN, D)
        return x + self.mlp(self.norm2(x))  # (B, ΣN, D)


def block_causal_mask(counts: list[int]) -> Tensor:
    """True where a token (row) may look: its own stage and every stage before."""
    stage = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    return stage[:, None] >= stage[None, :]  # (ΣN, ΣN)


class ARTransformer(nn.Module):
    """Class and clean coarse images in, one token map a stage out. It never sees the noise still to be removed."""

    def __init__(self, c: Configuration):
        super().__init__()
        self.c = c
        self.class_embedding = nn.Embedding(c.classes + 1, c.width)  # the last row is the null class
        self.positions = nn.ParameterList([torch.empty(c.tokens(k), c.width) for k in range(c.stages)])
        self.embeds = nn.ModuleDict({str(k): nn.Linear(c.seenFeatures(k), c.width) for k in range(1, c.stages)})
        self.blocks = nn.ModuleList([ARBlock(c.width, c.heads) for _ in range(c.arDepth)])
        self.norm = layer_norm(c.width, affine=True)

    def forward(self, labels: Tensor, upsampled: list[Tensor]) -> list[Tensor]:
        """Token maps of the first stages. `upsampled[k]` is Up(x_k), the input of stage k + 1."""
        B, counts, tokens = labels.shape[0], [], []
        for k in range(len(upsampled) + 1):
            token = self.positions[k] + self.class_embedding(labels)[:, None]  # (B, N, D)
            if k > 0:
                seen = windows(upsampled[k - 1], self.c.patches[k], self.c.overlap)
                token = token + self.embeds[str(k)](seen)  # (B, N, D)
            tokens.append(token)
            counts.append(token.shape[1])
        h = torch.cat(tokens, dim=1)  # (B, ΣN, D)
        mask = block_causal_mask(counts).to(h.device)
        for block in self.blocks:
            h = block(h, mask)  # (B, ΣN, D)
        return list(self.norm(h).split(counts, dim=1))  # S × (B, N, D)


# Flow head (§3.3)


def timestep_features(t: Tensor) -> Tensor:
    """256 sinusoidal features of 1000 t, cosines first."""
    frequencies = torch.exp(-math.log(10000) * torch.arange(128, dtype=t.dtype, device=t.device) / 128)
    angles = 1000 * t[:, None] * frequencies  # (B, 128)
    return torch.cat([angles.cos(), angles.sin()], dim=1)  # (B, 256)


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale) + shift  # (B, N, D)


class FlowBlock(nn.Module):
    """A transformer block with adaLN-Zero modulation of its own for every token."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.modulation = nn.Linear(width, 6 * width)
        self.attention = Attention(width, heads)
        self.mlp = mlp(width)

    def forward(self, h: Tensor, conditioning: Tensor) -> Tensor:
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(conditioning).chunk(6, dim=-1)  # each (B, N, D)
        h = h + gate1 * self.attention(modulate(h, shift1, scale1))  # (B, N, D)
        return h + gate2 * self.mlp(modulate(h, shift2, scale2))  # (B, N, D)


class FinalLayer(nn.Module):
    def __init__(self, width: int, features: int):
        super().__init__()
        self.modulation = nn.Linear(width, 2 * width)
        self.linear = nn.Linear(width, features)

    def forward(self, h: Tensor, conditioning: Tensor) -> Tensor:
        shift, scale = self.modulation(conditioning).chunk(2, dim=-1)  # each (B, N, D)
        return self.linear(modulate(h, shift, scale))  # (B, N, C·p²)


class FlowHead(nn.Module):
    def __init__(self, c: Configuration, k: int):
        super().__init__()
        self.c, self.k = c, k
        if c.conditionMLP:
            self.condition = mlp(c.width)
        self.embed = nn.Linear(c.seenFeatures(k), c.width)
        self.position = nn.Parameter(torch.empty(c.tokens(k), c.width))
        layers = [("in", nn.Linear(256, c.width)), ("silu", nn.SiLU()), ("out", nn.Linear(c.width, c.width))]
        self.time = nn.Sequential(OrderedDict(layers))
        self.blocks = nn.ModuleList([FlowBlock(c.width, c.heads) for _ in range(c.flowDepths[k])])
        self.final = FinalLayer(c.width, c.patchFeatures(k))

    def forward(self, z: Tensor, tau: Tensor, tokenMap: Tensor) -> Tensor:
        """Velocity dz/dτ, shaped like z (B, C, H, H), for the token map (B, N, D) and τ (B)."""
        patch = self.c.patches[self.k]
        condition = self.condition(tokenMap) if self.c.conditionMLP else tokenMap  # (B, N, D)
        e = self.time(timestep_features((self.k + tau) / self.c.stages))  # (B, D)
        conditioning = F.silu(condition) + F.silu(e)[:, None]  # (B, N, D)
        h = self.embed(windows(z, patch, self.c.overlap)) + self.position  # (B, N, D)
        for block in self.blocks:
            h = block(h, conditioning)  # (B, N, D)
        return unpatchify(self.final(h, conditioning), patch, self.c.channels)  # (B, C, H, H)


# Model


class ECAR(nn.Module):
    def __init__(self, c: Configuration):
        super().__init__()
        self.c = c
        self.ar = ARTransformer(c)
        self.heads = nn.ModuleList([FlowHead(c, k) for k in range(c.stages)])
        self.initialize()

    @torch.no_grad()
    def initialize(self):
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear):
                if ".time." in name:
                    nn.init.normal_(module.weight, std=0.02)
                elif name.endswith(("modulation", "final.linear")):
                    nn.init.zeros_(module.weight)
                else:
                    nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.ar.class_embedding.weight, std=0.02)
        for position in [*self.ar.positions, *(head.position for head in self.heads)]:
            nn.init.normal_(position, std=0.02)

    def shared_parameters(self) -> list[nn.Parameter]:
        """GradNorm's W: the last layer that every stage shares."""
        return list((self.ar.blocks[-1] if self.c.arDepth > 0 else self.ar.norm).parameters())

    def forward(self, images, labels, taus, noises, conditionNoise=0.0, arNoises=None) -> dict[str, list[Tensor]]:
        """Everything a training step computes, per stage. `taus[k]` is (B), `noises[k]` shaped like stage k's images.

        `arNoises[k]`, shaped like Up(x_k), is added `conditionNoise` times to what the AR transformer sees of stage k.
        """
        ends = pyramid(images, self.c.stages)
        upsampled = [up(x) for x in ends[:-1]]
        if conditionNoise > 0:
            upsampled = [x + conditionNoise * n for x, n in zip(upsampled, arNoises)]
        maps = self.ar(labels, upsampled)  # S × (B, N, D)
        out = {"end": ends, "tokenMap": maps, "start": [], "z": [], "target": [], "velocity": [], "loss": []}
        for k in range(self.c.stages):
            start = path_start(ends[k - 1] if k > 0 else None, noises[k], self.c.signal[k])
            z, target = path_point(start, ends[k], taus[k])
            velocity = self.heads[k](z, taus[k], maps[k])
            loss = (velocity - target).square().mean()  # Eq. 3.14
            for name, value in zip(["start", "z", "target", "velocity", "loss"], [start, z, target, velocity, loss]):
                out[name].append(value)
        return out


# GradNorm (arXiv 1711.02257)


class GradNorm:
    """Weights of the stages, moved so that every stage pulls at the shared layer as its pace of learning asks."""

    def __init__(self, stages: int, alpha=1.5, learningRate=0.025, smoothing=0.99, dtype=torch.float32):
        self.alpha, self.smoothing, self.count = alpha, smoothing, 0
        self.weights = torch.ones(stages, dtype=dtype)
        self.average = torch.zeros(stages, dtype=dtype)  # running mean of the losses, before bias correction
        self.initial: Tensor | None = None  # smoothed losses at the first update
        self.optimizer = torch.optim.Adam([self.weights], lr=learningRate)

    def update(self, losses: Tensor, norms: Tensor):
        """`losses` l_s and `norms` ‖∇_W l_s‖₂ of one step, both (S), unweighted."""
        self.count += 1
        self.average = self.smoothing * self.average + (1 - self.smoothing) * losses
        smoothed = self.average / (1 - self.smoothing**self.count)
        pulls = self.weights * norms  # G_s
        if not (pulls > 0).all():  # zero initialisation: the first steps
            return
        if self.initial is None:
            self.initial = smoothed
        pace = smoothed / self.initial
        target = pulls.mean() * (pace / pace.mean()) ** self.alpha
        self.weights.grad = torch.sign(pulls - target) * norms
        self.optimizer.step()
        self.weights.clamp_(min=1e-3)
        self.weights.mul_(len(self.weights) / self.weights.sum())


def shared_gradient_norms(model: ECAR, losses: list[Tensor]) -> Tensor:
    """‖∇_W l_s‖₂ of every stage's unweighted loss. Parameters a stage does not reach count as zero."""
    norms = []
    for loss in losses:
        gradients = torch.autograd.grad(loss, model.shared_parameters(), retain_graph=True, allow_unused=True)
        norms.append(torch.stack([g.norm() for g in gradients if g is not None]).norm())
    return torch.stack(norms)  # (S)


# Sampler (§5)


@torch.no_grad()
def sample(model: ECAR, labels: Tensor, noises, steps, guidance, solver="euler") -> list[Tensor]:
    """Every stage's images, coarse first. `noises[k]` (B, C, H, H), `steps[k]`, `guidance[k]` (1: no guidance)."""
    B, c = labels.shape[0], model.c
    both = torch.cat([labels, torch.full_like(labels, c.classes)])  # (2B), null class last
    images = []
    for k in range(c.stages):
        tokenMap = model.ar(both, [up(x).repeat(2, 1, 1, 1) for x in images])[k]  # (2B, N, D)

        def velocity(z: Tensor, tau: float) -> Tensor:
            taus = torch.full((2 * B,), tau, dtype=z.dtype, device=z.device)
            conditional, unconditional = model.heads[k](z.repeat(2, 1, 1, 1), taus, tokenMap).chunk(2)
            return unconditional + guidance[k] * (conditional - unconditional)  # (B, C, H, H)

        z, n = path_start(images[-1] if k > 0 else None, noises[k], c.signal[k]), steps[k]
        for j in range(n):
            v = velocity(z, j / n)
            if solver == "heun" and j + 1 < n:  # at τ = 1 no noise is left that a velocity could be told from
                v = (v + velocity(z + v / n, (j + 1) / n)) / 2
            z = z + v / n
        images.append(z)
    return images
