"""Writes the expected values of the baselines' tests: Tests/ECARBaselinesTests/Fixtures/{dit,mar}.safetensors.

    python Scripts/baseline_fixtures.py --dit PATH --mar PATH

Needs torch 2.11.0, diffusers, timm, safetensors, and checkouts of the public code: facebookresearch/DiT and LTH14/mar. Weights
are seeded random numbers that bfloat16 holds exactly, under the names of the Swift models; the models are tiny.

dit.safetensors: 4×8×8 latents, patch 2, 5 classes, width 32, 4 heads, 2 blocks

| name | shape | meaning |
|---|---|---|
| weight.NAME | | the weights |
| latents | (2,4,8,8) | input |
| predict.{0,37,999} | (2,8,8,8) | DiTTransformer2DModel's output at these steps, labels 1 and 5 (null) |
| noise.{0…5} | (2,4,8,8) | noise of a sampling of six steps, labels 1 and 3 |
| sample, sample.guided | (6,2,4,8,8) | the latents after each step by the public code; guidance 2.5 |

mar.safetensors: 3×4×4 latents, 5 classes, width 32, 4 heads, 2 + 2 blocks, 4 buffer tokens, head of width 24 with 2 blocks

| name | shape | meaning |
|---|---|---|
| weight.NAME | | the weights |
| tokens, conditions | (3,3) (3,32) | input of the diffusion head |
| predict.{0,37,999} | (3,6) | its output at these steps, the noise (the first 3 columns) multiplied by 1024 |
| orders | (2,16) int64 | positions in the order in which they become known |
| noise.{0…4} | (2,16,3) | noise of five diffusion steps, by position; labels 1 and 3 |
| sample, sample.guided | (6,2,3,4,4) | the latents after each of six iterations by the public code, zero where unknown; guidance 3 |

A random network does not predict noise, and MAR's sampler magnifies what is left of it 20,000 times. Hence the sampling
starts from noise divided by 1024 and predicts as little, so that the noise added on the way still shows.

Two things are changed in the public code before it runs. MAR's GELU, exact there, becomes the tanh approximation that all
transformers of this package use. diffusers' sinusoids of the time, whose frequencies end a little above 1/10,000, become
those of DiT's public code.
"""

import argparse
import importlib
import math
import sys
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

FIXTURES = Path(__file__).resolve().parent.parent / "Tests/ECARBaselinesTests/Fixtures"
LABELS, STEPS = torch.tensor([1, 3]), (0, 37, 999)


def fill(module: nn.Module):
    """Random numbers for all weights: of a linear layer so that its output is about as large as its input."""
    for parameter in module.parameters():
        if parameter.requires_grad:
            scale = 1 / math.sqrt(parameter[0].numel()) if parameter.dim() > 1 else 0.2
            offset = 1.0 if parameter.dim() == 1 and parameter.mean() == 1 else 0.0
            parameter.data = (offset + scale * torch.randn(parameter.shape)).bfloat16().float()


def enter(checkout: Path):
    """Makes the checkout's modules the ones that an import finds: both have `diffusion` and `models`."""
    for name in [n for n in sys.modules if n.split(".")[0] in ("diffusion", "models")]:
        del sys.modules[name]
    sys.path[0] = str(checkout)  # which was this script's folder


def linear(ours: str, theirs: str) -> dict[str, str]:
    return {f"{ours}.{part}": f"{theirs}.{part}" for part in ("weight", "bias")}


def renamed(state: dict[str, Tensor], names: dict[str, str]) -> dict[str, Tensor]:
    unused = set(state) - set(names.values())
    assert not unused, f"no name for {sorted(unused)}"
    return {ours: state[theirs] for ours, theirs in names.items()}


def save(name: str, weights: dict[str, Tensor], values: dict[str, Tensor]):
    weights = {f"weight.{key}": value.bfloat16() for key, value in weights.items()}
    FIXTURES.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in (weights | values).items()}, FIXTURES / f"{name}.safetensors")


# MARK: DiT


def dit_weights(model: nn.Module) -> dict[str, Tensor]:
    names = linear("embed", "x_embedder.proj") | {"classes.weight": "y_embedder.embedding_table.weight"}
    names |= linear("time.in", "t_embedder.mlp.0") | linear("time.out", "t_embedder.mlp.2")
    for i in range(len(model.blocks)):
        for ours, theirs in [
            ("modulation", "adaLN_modulation.1"), ("attention.qkv", "attn.qkv"), ("attention.out", "attn.proj"),
            ("mlp.in", "mlp.fc1"), ("mlp.out", "mlp.fc2"),
        ]:
            names |= linear(f"blocks.{i}.{ours}", f"blocks.{i}.{theirs}")
    names |= linear("final.modulation", "final_layer.adaLN_modulation.1") | linear("final.linear", "final_layer.linear")
    state = {k: v for k, v in model.state_dict().items() if k != "pos_embed"}
    weights = renamed(state, names)
    weights["embed.weight"] = weights["embed.weight"].flatten(1)
    for part in ("weight", "bias"):  # rows in the order (y, x, channel) → (channel, y, x)
        rows = weights[f"final.linear.{part}"]
        weights[f"final.linear.{part}"] = rows.unflatten(0, (4, -1)).transpose(0, 1).flatten(0, 1)
    return weights


def diffusers_twin(model: nn.Module) -> nn.Module:
    from diffusers import DiTTransformer2DModel

    twin = DiTTransformer2DModel(
        num_attention_heads=4, attention_head_dim=8, in_channels=4, out_channels=8, num_layers=2, sample_size=8,
        patch_size=2, num_embeds_ada_norm=5,
    ).eval()  # fmt: skip
    names = linear("pos_embed.proj", "x_embedder.proj")
    for i in range(len(model.blocks)):
        own, norm = f"transformer_blocks.{i}", f"transformer_blocks.{i}.norm1"
        names |= linear(f"{norm}.emb.timestep_embedder.linear_1", "t_embedder.mlp.0")
        names |= linear(f"{norm}.emb.timestep_embedder.linear_2", "t_embedder.mlp.2")
        names |= {f"{norm}.emb.class_embedder.embedding_table.weight": "y_embedder.embedding_table.weight"}
        names |= linear(f"{norm}.linear", f"blocks.{i}.adaLN_modulation.1")
        names |= linear(f"{own}.attn1.to_out.0", f"blocks.{i}.attn.proj")
        names |= linear(f"{own}.ff.net.0.proj", f"blocks.{i}.mlp.fc1") | linear(f"{own}.ff.net.2", f"blocks.{i}.mlp.fc2")
        twin.transformer_blocks[i].norm1.emb.time_proj.downscale_freq_shift = 0
    names |= linear("proj_out_1", "final_layer.adaLN_modulation.1") | linear("proj_out_2", "final_layer.linear")
    source = model.state_dict()
    state = {ours: source[theirs] for ours, theirs in names.items()}
    for i in range(len(model.blocks)):
        for part in ("weight", "bias"):
            for name, rows in zip("qkv", source[f"blocks.{i}.attn.qkv.{part}"].chunk(3)):
                state[f"transformer_blocks.{i}.attn1.to_{name}.{part}"] = rows
    twin.load_state_dict(state, strict=False)
    missing = set(dict(twin.named_parameters())) - set(state)
    assert not missing, f"{missing} stay random"
    return twin


def make_dit(checkout: Path):
    enter(checkout)
    model = importlib.import_module("models").DiT(
        input_size=8, patch_size=2, in_channels=4, hidden_size=32, depth=2, num_heads=4, num_classes=5
    ).eval()
    fill(model)
    twin = diffusers_twin(model)
    latents = torch.randn(2, 4, 8, 8)
    values = {"latents": latents}
    for step in STEPS:
        times, labels = torch.full((2,), step), torch.tensor([1, 5])
        values[f"predict.{step}"] = twin(latents, times, labels).sample
        error = (values[f"predict.{step}"] - model(latents, times, labels)).abs().max()
        assert error < 1e-4, f"diffusers and the public code differ by {error}"

    diffusion = importlib.import_module("diffusion").create_diffusion("6")
    noises = [torch.randn(2, 4, 8, 8) for _ in range(6)]
    values |= {f"noise.{i}": noise for i, noise in enumerate(noises)}
    for name, guidance in [("sample", None), ("sample.guided", 2.5)]:
        rows = 1 if guidance is None else 2
        given = iter([noise.repeat(rows, 1, 1, 1) for noise in noises] + [torch.zeros(2 * rows, 4, 8, 8)])
        labels = LABELS if guidance is None else torch.cat([LABELS, torch.tensor([5, 5])])
        arguments = dict(y=labels) if guidance is None else dict(y=labels, cfg_scale=guidance)
        network = model.forward if guidance is None else model.forward_with_cfg
        start, randn_like, torch.randn_like = next(given), torch.randn_like, lambda _: next(given)
        steps = diffusion.p_sample_loop_progressive(
            network, start.shape, start, clip_denoised=False, model_kwargs=arguments, device="cpu"
        )
        values[name] = torch.stack([step["sample"][:2] for step in steps])
        torch.randn_like = randn_like
    save("dit", dit_weights(model), values)


# MARK: MAR


def mar_weights(model: nn.Module) -> dict[str, Tensor]:
    names = {"classes.weight": "class_emb.weight", "null": "fake_latent", "decoder.mask": "mask_token"}
    names |= {"encoder.position": "encoder_pos_embed_learned", "decoder.position": "decoder_pos_embed_learned"}
    names |= {"decoder.headPosition": "diffusion_pos_embed_learned"}
    names |= linear("encoder.embed", "z_proj") | linear("encoder.embedNorm", "z_proj_ln")
    names |= linear("decoder.embed", "decoder_embed")
    for side in ("encoder", "decoder"):
        names |= linear(f"{side}.norm", f"{side}_norm")
        for i in range(2):
            for ours, theirs in [
                ("norm1", "norm1"), ("attention.qkv", "attn.qkv"), ("attention.out", "attn.proj"), ("norm2", "norm2"),
                ("mlp.in", "mlp.fc1"), ("mlp.out", "mlp.fc2"),
            ]:
                names |= linear(f"{side}.blocks.{i}.{ours}", f"{side}_blocks.{i}.{theirs}")
    head = "diffloss.net"
    names |= linear("head.time.in", f"{head}.time_embed.mlp.0") | linear("head.time.out", f"{head}.time_embed.mlp.2")
    names |= linear("head.condition", f"{head}.cond_embed") | linear("head.embed", f"{head}.input_proj")
    for i in range(2):
        for ours, theirs in [
            ("norm", "in_ln"), ("in", "mlp.0"), ("out", "mlp.2"), ("modulation", "adaLN_modulation.1")
        ]:
            names |= linear(f"head.blocks.{i}.{ours}", f"{head}.res_blocks.{i}.{theirs}")
    names |= linear("head.final.modulation", f"{head}.final_layer.adaLN_modulation.1")
    names |= linear("head.final.linear", f"{head}.final_layer.linear")
    weights = renamed(model.state_dict(), names)
    for name in ("encoder.position", "decoder.position", "decoder.headPosition"):
        weights[name] = weights[name][0]
    weights["decoder.mask"] = weights["decoder.mask"][0, 0]
    return weights


def make_mar(checkout: Path):
    enter(checkout)
    torch.Tensor.cuda = lambda self, *_, **__: self  # the public code runs on CUDA alone
    model = importlib.import_module("models.mar").MAR(
        img_size=64, vae_stride=16, vae_embed_dim=3, encoder_embed_dim=32, encoder_depth=2, encoder_num_heads=4,
        decoder_embed_dim=32, decoder_depth=2, decoder_num_heads=4, buffer_size=4, diffloss_d=2, diffloss_w=24,
        num_sampling_steps="5", norm_layer=partial(nn.LayerNorm, eps=1e-6),
    ).eval()  # fmt: skip
    model.class_emb = nn.Embedding(5, 32)
    for block in [*model.encoder_blocks, *model.decoder_blocks]:
        block.mlp.act = nn.GELU("tanh")
    fill(model)

    net = model.diffloss.net
    values = {"tokens": torch.randn(3, 3), "conditions": torch.randn(3, 32)}
    net.final_layer.linear.weight.data[:3] /= 1024
    net.final_layer.linear.bias.data[:3] /= 1024
    for step in STEPS:
        values[f"predict.{step}"] = net(values["tokens"], torch.full((3,), step), values["conditions"])
        values[f"predict.{step}"][:, :3] *= 1024
    orders = torch.stack([torch.randperm(16) for _ in range(2)])
    noises = [torch.randn(2, 16, 3) for _ in range(5)]
    noises[0] /= 1024
    values |= {"orders": orders} | {f"noise.{i}": noise for i, noise in enumerate(noises)}
    model.sample_orders = lambda _: orders.flip(1)  # the public code's orders begin with what stays masked longest
    for name, guidance in [("sample", 1.0), ("sample.guided", 3.0)]:
        values[name] = mar_sample(model, noises, guidance)
    save("mar", mar_weights(model), values)


def mar_sample(model: nn.Module, noises: list[Tensor], guidance: float) -> Tensor:
    """The latents after each iteration. An iteration's tokens are those where the mask goes away."""
    step, tokens, iterations = 0, None, []
    draw, encode = model.diffloss.sample, model.forward_mae_encoder
    randn, randn_like = torch.randn, torch.randn_like
    known = [torch.zeros(2, 16, dtype=torch.bool)]

    def noise() -> Tensor:
        nonlocal step
        step += 1
        return noises[step - 1][tokens] if step <= len(noises) else torch.zeros_like(noises[0][tokens])

    def sample(z: Tensor, *arguments) -> Tensor:
        nonlocal step, tokens
        step, count = 0, z.shape[0] // (2 if guidance == 1 else 4)
        first = known[-1].sum(1)[0]
        tokens = torch.zeros(2, 16, dtype=torch.bool).scatter(
            1, model.sample_orders(2).flip(1)[:, first : first + count], True
        )
        known.append(known[-1] | tokens)
        return draw(z, *arguments)

    def encoder(x: Tensor, *arguments) -> Tensor:
        iterations.append(x[:2].clone())
        return encode(x, *arguments)

    model.diffloss.sample, model.forward_mae_encoder = sample, encoder
    torch.randn = lambda *_: noise()
    torch.randn_like = lambda x: noise().repeat(x.shape[0] // tokens.sum(), 1)
    last = model.sample_tokens(2, num_iter=6, cfg=guidance, labels=LABELS)
    torch.randn, torch.randn_like = randn, randn_like
    model.diffloss.sample, model.forward_mae_encoder = draw, encode
    return torch.stack([model.unpatchify(x) for x in iterations[1:]] + [last])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dit", type=Path, help="a checkout of facebookresearch/DiT")
    parser.add_argument("--mar", type=Path, help="a checkout of LTH14/mar")
    options = parser.parse_args()
    torch.manual_seed(11)
    with torch.no_grad():
        for name, checkout, make in [("dit", options.dit, make_dit), ("mar", options.mar, make_mar)]:
            if checkout is None:
                print(f"{name}.safetensors is left as it is: --{name} names no checkout of the public code")
                continue
            if not (checkout / "diffusion").is_dir():
                raise SystemExit(f"{checkout} is no checkout of the public code: it has no folder `diffusion`")
            make(checkout)


if __name__ == "__main__":
    main()
