"""Writes Tests/ECARAutoencoderTests/Fixtures: tiny autoencoders as diffusers saves them, and what they make.

    python Scripts/autoencoder_fixtures.py [--full FOLDER]

Needs torch 2.11.0, diffusers and safetensors. All weights are seeded random numbers that the smallest type in which they
are stored holds exactly. With --full it writes to FOLDER, 350 MB, a random AutoencoderKL of SDXL's size instead, which

    ECAR_FULL_AUTOENCODER=FOLDER make test FILTER=AutoencoderKLTests

then compares at 256 pixels.

| folder or file | meaning |
|---|---|
| kl/ | AutoencoderKL in float32, with its config.json |
| kl-old/ | the same, in float16, the attention's parts as convolutions under their old names |
| tiny/ | AutoencoderTiny in float32 |
| halves/ | the same as its author keeps it: two files of a plain sequential module, in bfloat16 |
| kl.safetensors, tiny.safetensors | what these make of the inputs, as below |

| name | shape | meaning |
|---|---|---|
| pictures.{k} | (B,3,8h,8w) | -1...1; the sizes h and w of the cases k are even and odd |
| mean.{k}, logVariance.{k} | (B,4,h,w) | of the pictures, in the network's own scale; the latter for kl alone |
| latents.{k}, decoded.{k} | (B,4,h,w) (B,3,8h,8w) | random latents and their pictures |
"""

import argparse
import re
from pathlib import Path

import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from safetensors.torch import save_file
from torch import Tensor, nn

FOLDER = Path(__file__).resolve().parent.parent / "Tests/ECARAutoencoderTests/Fixtures"
SIZES = [(2, 4, 6), (1, 5, 3)]  # B, h, w
FULL_SIZES = [(1, 32, 32)]
KINDS = ("DownEncoderBlock2D",) * 4, ("UpDecoderBlock2D",) * 4


@torch.no_grad()
def randomize(model: nn.Module, dtype: torch.dtype):
    """Normal numbers, scaled so that signals keep their size; of normalisations and biases around their usual values."""
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            value = torch.randn(parameter.shape) * (1.5 / parameter[0].numel()) ** 0.5
        else:
            value = 0.1 * torch.randn(parameter.shape) + float("norm" in name and name.endswith("weight"))
        parameter.copy_(value.to(dtype))


@torch.no_grad()
def make_cases(model: nn.Module, sizes) -> dict[str, Tensor]:
    # In float64 where that is affordable: the fixtures then carry no rounding of the computation.
    dtype = torch.float64 if sizes is SIZES else torch.float32
    model = model.to(dtype)
    made = {}
    for k, (batch, height, width) in enumerate(sizes):
        pictures = torch.rand(batch, 3, 8 * height, 8 * width) * 2 - 1
        latents = torch.randn(batch, 4, height, width)
        encoded = model.encode(pictures.to(dtype))
        case = {"pictures": pictures, "latents": latents, "decoded": model.decode(latents.to(dtype)).sample}
        if isinstance(model, AutoencoderKL):
            case |= {"mean": encoded.latent_dist.mean, "logVariance": encoded.latent_dist.logvar}
        else:
            case["mean"] = encoded.latents
        made |= {f"{name}.{k}": value.float().contiguous() for name, value in case.items()}
    model.float()
    return made


def autoencoder_kl(widths=(4, 4, 8, 8), layers=1, groups=2) -> AutoencoderKL:
    model = AutoencoderKL(
        block_out_channels=widths, layers_per_block=layers, norm_num_groups=groups, down_block_types=KINDS[0],
        up_block_types=KINDS[1], scaling_factor=0.13025,
    )  # fmt: skip
    return model.eval()


def fixture_kl():
    torch.manual_seed(0)
    model = autoencoder_kl()
    randomize(model, torch.float16)
    # Two variances that leave the range which is kept.
    with torch.no_grad():
        model.quant_conv.bias[4], model.quant_conv.bias[5] = 40, -50
    model.save_pretrained(FOLDER / "kl")
    save_file(make_cases(model, SIZES), FOLDER / "kl.safetensors")

    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    tensors = {}
    for name, tensor in model.state_dict().items():
        for now, then in old.items():
            if f"attentions.0.{now}." in name:
                name = name.replace(now, then)
                tensor = tensor[:, :, None, None] if tensor.ndim == 2 else tensor
        tensors[name] = tensor.half().contiguous()
    save_file(tensors, FOLDER / "kl-old/diffusion_pytorch_model.fp16.safetensors")
    (FOLDER / "kl-old/config.json").write_bytes((FOLDER / "kl/config.json").read_bytes())


class Block(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        convolutions = [nn.Conv2d(width, width, 3, padding=1) for _ in range(3)]
        self.conv = nn.Sequential(convolutions[0], nn.ReLU(), convolutions[1], nn.ReLU(), convolutions[2])

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv(x) + x)


class Clamp(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x / 3) * 3


def author_encoder(width: int) -> nn.Sequential:
    modules = [nn.Conv2d(3, width, 3, padding=1), Block(width)]
    for _ in range(3):
        modules.append(nn.Conv2d(width, width, 3, padding=1, stride=2, bias=False))
        modules += [Block(width) for _ in range(3)]
    return nn.Sequential(*modules, nn.Conv2d(width, 4, 3, padding=1))


def author_decoder(width: int) -> nn.Sequential:
    modules = [Clamp(), nn.Conv2d(4, width, 3, padding=1), nn.ReLU()]
    for _ in range(3):
        modules += [Block(width) for _ in range(3)]
        modules += [nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, padding=1, bias=False)]
    return nn.Sequential(*modules, Block(width), nn.Conv2d(width, 3, 3, padding=1))


@torch.no_grad()
def fixture_tiny(width=6):
    torch.manual_seed(1)
    model = AutoencoderTiny(encoder_block_out_channels=(width,) * 4, decoder_block_out_channels=(width,) * 4).eval()
    randomize(model, torch.bfloat16)
    model.save_pretrained(FOLDER / "tiny")
    cases = make_cases(model, SIZES)
    save_file(cases, FOLDER / "tiny.safetensors")

    state = model.state_dict()
    encoder = {name[15:]: value for name, value in state.items() if name.startswith("encoder.layers.")}
    decoder = {
        re.sub(r"^\d+", lambda number: str(int(number[0]) + 1), name[15:]): value
        for name, value in state.items() if name.startswith("decoder.layers.")
    }  # fmt: skip
    for name, half in [("encoder", encoder), ("decoder", decoder)]:
        save_file({n: v.bfloat16() for n, v in half.items()}, FOLDER / f"halves/small_{name}.safetensors")

    # The author's own network makes the same of them.
    plain_encoder, plain_decoder = author_encoder(width), author_decoder(width)
    plain_encoder.load_state_dict(encoder)
    plain_decoder.load_state_dict(decoder)
    for k in range(len(SIZES)):
        torch.testing.assert_close(plain_encoder((cases[f"pictures.{k}"] + 1) / 2), cases[f"mean.{k}"])
        torch.testing.assert_close(plain_decoder(cases[f"latents.{k}"]) * 2 - 1, cases[f"decoded.{k}"])


def full_kl(folder: Path):
    torch.manual_seed(2)
    model = autoencoder_kl((128, 256, 512, 512), 2, 32)
    randomize(model, torch.float16)
    model.save_pretrained(folder / "kl")
    save_file(make_cases(model, FULL_SIZES), folder / "kl.safetensors")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    if options.full:
        full_kl(options.full)
    else:
        for name in ["kl", "kl-old", "tiny", "halves"]:
            (FOLDER / name).mkdir(parents=True, exist_ok=True)
        fixture_kl()
        fixture_tiny()
