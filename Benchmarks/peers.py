"""Time of one sampling in PyTorch's eager mode: DiT and MAR by their public code, and E-CAR; beside it `ecar benchmark`'s.

    python Benchmarks/peers.py --dit PATH --mar PATH [--ecar .build/release/ecar] [--models E-CAR-L,DiT-XL/2,MAR-B]
        [--precision f32,bf16] [--rounds 3] [--fraction 0.1] [--device cpu] [--output results.json]

Needs torch and timm, and checkouts of facebookresearch/DiT and LTH14/mar for their models. E-CAR is that of
Scripts/reference.py with a sampler as one would write it in PyTorch: the token map, over cached keys and values, and the
spatial modulations once a stage, the temporal ones of all steps in one product.

256×256 pictures without an autoencoder: 250 steps of DiT and E-CAR, 64 iterations with 100 diffusion steps of MAR, no
guidance unless asked for. Weights are random, with small numbers where training begins at zero. bf16 is torch.autocast
around the whole sampling, as these models are run. Each clock starts after a step that has warmed everything up, the
weights' conversion included.

The rounds go through all cases in turn, with the programs one after the other. With --fraction, PyTorch takes that share of
a sampling's steps (MAR: iterations, evenly spread, as later ones are longer), and its time is scaled up; the output says so.
"""

import argparse
import contextlib
import gc
import importlib
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Scripts"))

import reference  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import Tensor, nn  # noqa: E402

STEPS, ITERATIONS, DIFFUSION_STEPS, GUIDANCE = 250, 64, 100, 1.5
ECAR = {
    "E-CAR-S": dict(width=768, heads=6, arDepth=10, flowDepths=(2, 2, 2)),
    "E-CAR-B": dict(width=1024, heads=16, arDepth=20, flowDepths=(4, 4, 4)),
    "E-CAR-L": dict(width=1152, heads=16, arDepth=24, flowDepths=(6, 6, 6)),
}
MAR = {
    "MAR-B": ("mar_base", dict(diffloss_w=1024, diffloss_d=6)),
    "MAR-L": ("mar_large", dict(diffloss_w=1280, diffloss_d=8)),
    "MAR-H": ("mar_huge", dict(diffloss_w=1536, diffloss_d=12)),
}
DIT = {"DiT-B/2": "DiT_B_2", "DiT-L/2": "DiT_L_2", "DiT-XL/2": "DiT_XL_2"}

# Keys and values of every layer; none before the first stage.
Cache = list[tuple[Tensor, Tensor]]


class Case:
    """A model, and how long a sampling of `batch` pictures takes it."""

    def __init__(self, options: argparse.Namespace):
        self.options, self.device, self.batch = options, torch.device(options.device), options.batch
        self.rows = 2 * self.batch if options.guided else self.batch

    def finish(self, model: nn.Module) -> nn.Module:
        for parameter in model.parameters():
            if parameter.dim() > 1 and not parameter.any():
                nn.init.normal_(parameter, std=0.02)
        return model.eval().to(self.device)

    def labels(self, null: int) -> Tensor:
        labels = torch.arange(self.batch, device=self.device)
        return torch.cat([labels, torch.full_like(labels, null)]) if self.options.guided else labels

    def now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    def share(self, steps: int) -> int:
        return max(1, round(steps * self.options.fraction))


# MARK: E-CAR


class ECARCase(Case):
    def __init__(self, name: str, options: argparse.Namespace):
        super().__init__(options)
        configuration = reference.Configuration(
            channels=4, sides=(8, 16, 32), patches=(2, 2, 2), classes=1000, conditionMLP=True, **ECAR[name]
        )
        self.model = self.finish(reference.ECAR(configuration))

    def token_map(self, k: int, labels: Tensor, images: list[Tensor], cache: Cache) -> tuple[Tensor, Cache]:
        """The token map of stage k, (rows, N, D), and the keys and values of all tokens so far, (rows, heads, M, d)."""
        ar, repeat, grown = self.model.ar, self.rows // self.batch, []
        h = ar.positions[k] + ar.class_embedding(labels)[:, None]  # (rows, N, D)
        if k > 0:
            upsampled = reference.up(images[-1]).repeat(repeat, 1, 1, 1)
            h = h + ar.embeds[str(k)](reference.patchify(upsampled, self.model.c.patches[k]))  # (rows, N, D)
        for layer, block in enumerate(ar.blocks):
            qkv = block.attention.qkv(block.norm1(h)).unflatten(-1, (3, block.attention.heads, -1))
            q, *new = qkv.permute(2, 0, 3, 1, 4)  # each (rows, heads, N, d)
            keys, values = [torch.cat(pair, dim=2) for pair in zip(cache[layer], new)] if cache else new
            grown.append((keys, values))
            h = h + block.attention.out(F.scaled_dot_product_attention(q, keys, values).transpose(1, 2).flatten(2))
            h = h + block.mlp(block.norm2(h))  # (rows, N, D)
        return ar.norm(h), grown

    def begin(
        self, k: int, labels: Tensor, images: list[Tensor], cache: Cache, steps: int
    ) -> tuple[list[Tensor], list[Tensor], Cache]:
        """The spatial modulations of stage k, (rows, N, ·), the temporal ones of its steps, (steps, 1, ·), the cache."""
        head = self.model.heads[k]
        tokenMap, cache = self.token_map(k, labels, images, cache)  # (rows, N, D)
        spatial = F.silu(head.condition(tokenMap))
        taus = torch.arange(steps, device=self.device) / steps
        temporal = F.silu(head.time(reference.timestep_features((k + taus) / self.model.c.stages)))[:, None]
        layers = [*(block.modulation for block in head.blocks), head.final.modulation]
        return [layer(spatial) for layer in layers], [F.linear(temporal, layer.weight) for layer in layers], cache

    def velocity(self, k: int, z: Tensor, spatial: list[Tensor], temporal: list[Tensor], step: int) -> Tensor:
        head, patch = self.model.heads[k], self.model.c.patches[k]
        modulations = [s + t[step] for s, t in zip(spatial, temporal)]
        h = head.embed(reference.patchify(z, patch)) + head.position  # (rows, N, D)
        for block, m in zip(head.blocks, modulations):
            shift1, scale1, gate1, shift2, scale2, gate2 = m.chunk(6, dim=-1)
            h = h + gate1 * block.attention(reference.modulate(h, shift1, scale1))
            h = h + gate2 * block.mlp(reference.modulate(h, shift2, scale2))
        shift, scale = modulations[-1].chunk(2, dim=-1)
        v = reference.unpatchify(head.final.linear(reference.modulate(h, shift, scale)), patch, self.model.c.channels)
        if not self.options.guided:
            return v
        conditional, unconditional = v.chunk(2)
        return unconditional + GUIDANCE * (conditional - unconditional)

    def run(self) -> float:
        c, labels, images, cache, seconds = self.model.c, self.labels(self.model.c.classes), [], [], 0.0
        for k in range(c.stages):
            steps = STEPS // c.stages + (STEPS % c.stages if k == c.stages - 1 else 0)
            noise = torch.randn(self.batch, c.channels, c.sides[k], c.sides[k], device=self.device)
            z = reference.path_start(images[-1] if images else None, noise, c.signal[k])
            repeat = self.rows // self.batch
            spatial, temporal, _ = self.begin(k, labels, images, cache, steps)
            self.velocity(k, z.repeat(repeat, 1, 1, 1), spatial, temporal, 0)
            start = self.now()
            spatial, temporal, cache = self.begin(k, labels, images, cache, steps)
            middle = self.now()
            count = self.share(steps)
            for step in range(count):
                z = z + self.velocity(k, z.repeat(repeat, 1, 1, 1), spatial, temporal, step) / steps
            seconds += middle - start + (self.now() - middle) * steps / count
            images.append(z)
        return seconds


# MARK: DiT and MAR


def enter(checkout: Path | None, option: str, package: str):
    """Makes a checkout's modules the ones that an import finds: both have `diffusion` and `models`."""
    if checkout is None or not (checkout / "diffusion").is_dir():
        raise SystemExit(f"{option} must name a checkout of {package}, one with a folder `diffusion`, not {checkout}")
    for name in [n for n in sys.modules if n.split(".")[0] in ("diffusion", "models")]:
        del sys.modules[name]
    sys.path[0] = str(checkout)  # which was that of reference.py, or the other checkout


class DiTCase(Case):
    def __init__(self, name: str, options: argparse.Namespace):
        super().__init__(options)
        enter(options.dit, "--dit", "facebookresearch/DiT")
        self.model = self.finish(getattr(importlib.import_module("models"), DIT[name])())
        self.diffusion = importlib.import_module("diffusion").create_diffusion(str(STEPS))

    def run(self) -> float:
        z = torch.randn(self.rows, 4, 32, 32, device=self.device)
        arguments = dict(y=self.labels(1000)) | (dict(cfg_scale=GUIDANCE) if self.options.guided else {})
        steps = self.diffusion.p_sample_loop_progressive(
            self.model.forward_with_cfg if self.options.guided else self.model.forward, z.shape, z,
            clip_denoised=False, model_kwargs=arguments, device=self.device,
        )  # fmt: skip
        next(steps)
        count = min(self.share(STEPS), STEPS - 1)  # the first has warmed up
        start = self.now()
        for _ in range(count):
            next(steps)
        return (self.now() - start) * STEPS / count


class MARCase(Case):
    def __init__(self, name: str, options: argparse.Namespace):
        super().__init__(options)
        enter(options.mar, "--mar", "LTH14/mar")
        if self.device.type == "cpu":  # the public code asks for CUDA by this method, everywhere
            torch.Tensor.cuda = lambda self, *_, **__: self
        make, settings = MAR[name]
        self.model = self.finish(
            getattr(importlib.import_module("models.mar"), make)(num_sampling_steps=str(DIFFUSION_STEPS), **settings)
        )

    def run(self) -> float:
        self.iteration(ITERATIONS // 2)
        if self.options.fraction >= 1:
            start = self.now()
            guidance = GUIDANCE if self.options.guided else 1.0
            self.model.sample_tokens(self.batch, num_iter=ITERATIONS, cfg=guidance, labels=self.labels(0)[: self.batch])
            return self.now() - start
        count, start = self.share(ITERATIONS), self.now()
        for i in range(count):
            self.iteration(int((i + 0.5) * ITERATIONS / count))
        return (self.now() - start) * ITERATIONS / count

    def iteration(self, i: int):
        """The work of one iteration of `sample_tokens`, with as many tokens known and drawn as in its place."""
        n = self.model.seq_len
        masked = [n] + [max(1, math.floor(n * math.cos(math.pi / 2 * (j + 1) / ITERATIONS))) for j in range(ITERATIONS)]
        masked[-1] = 0
        mask = (torch.arange(n, device=self.device) < masked[i]).float().repeat(self.rows, 1)
        tokens = torch.randn(self.rows, n, self.model.token_embed_dim, device=self.device)
        labels = self.model.class_emb(torch.zeros(self.rows, dtype=torch.long, device=self.device))
        z = self.model.forward_mae_decoder(self.model.forward_mae_encoder(tokens, mask, labels), mask)
        drawn = z[:, masked[i + 1] : masked[i]].flatten(0, 1)
        self.model.diffloss.sample(drawn, 1.0, GUIDANCE if self.options.guided else 1.0)


# MARK: Both programs


def run_torch(name: str, precisions: list[str], options: argparse.Namespace) -> dict[str, float]:
    case = next(case for names, case in [(ECAR, ECARCase), (DIT, DiTCase), (MAR, MARCase)] if name in names)
    peer, seconds = case(name, options), {}
    for precision in precisions:
        autocast = torch.autocast(options.device, torch.bfloat16)
        with torch.no_grad(), autocast if precision == "bf16" else contextlib.nullcontext():
            seconds[precision] = peer.run()
    del peer
    gc.collect()
    return seconds


def run_ecar(name: str, precision: str, options: argparse.Namespace) -> float:
    steps = DIFFUSION_STEPS if name in MAR else STEPS
    command = [
        options.ecar, "benchmark", "--models", name, "--precision", precision, "--steps", str(steps), "--batch",
        str(options.batch), "--rounds", "1", "--threads", str(options.threads), "--device", options.device, "--json",
        "--quiet", *(["--guided"] if options.guided else []),
    ]  # fmt: skip
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode != 0:
        raise SystemExit(f"failed: {' '.join(command)}\n{process.stderr}")
    found = json.loads(process.stdout)
    result, device = found["results"][0], found["machine"]["device"].split(":")[0]
    done = (result["steps"], result["batch"], result["guided"], device)
    if done != (steps, options.batch, options.guided, options.device):
        raise SystemExit(f"{' '.join(command)}: steps, batch, guidance and device were {done}, not as in PyTorch")
    return result["seconds"]


def processors() -> int:
    """Those that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor() or platform.machine()


def commit() -> str:
    process = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return process.stdout.strip()


def report(times: dict, options: argparse.Namespace) -> dict:
    results = []
    for (name, precision, program), seconds in times.items():
        results.append({
            "model": name, "precision": precision, "program": program, "batch": options.batch,
            "guided": options.guided, "seconds": statistics.median(seconds), "seconds_all": seconds,
            "fraction": options.fraction if program == "PyTorch" else 1.0,
        })  # fmt: skip
    machine = {
        "processor": processor(), "device": options.device, "threads": options.threads, "torch": torch.__version__,
        "os": platform.platform(),
    }  # fmt: skip
    if options.device == "cuda":
        machine["gpu"] = torch.cuda.get_device_name()
    return {"machine": machine, "commit": commit(), "command": " ".join(sys.argv), "results": results}


def print_table(found: dict, options: argparse.Namespace):
    seconds = {(r["model"], r["precision"], r["program"]): r for r in found["results"]}
    print(f"{found['machine']['processor']}, {options.device}, {options.threads} threads, PyTorch {torch.__version__}")
    print(f"seconds for a batch of {options.batch}, median of {options.rounds} rounds (lowest to highest)")
    if options.fraction < 1:
        print(f"PyTorch's are of {options.fraction:.0%} of the steps, scaled up to all")
    cell = lambda r: f"{r['seconds']:.2f} ({min(r['seconds_all']):.2f} to {max(r['seconds_all']):.2f})"  # noqa: E731
    print(f"{'model':10} {'precision':10} {'PyTorch':28} {'ecar':28} ratio")
    for (name, precision, program), row in seconds.items():
        if program != "PyTorch":
            continue
        own = seconds.get((name, precision, "ecar"))
        ratio = f"{row['seconds'] / own['seconds']:.2f}" if own else "-"
        print(f"{name:10} {precision:10} {cell(row):28} {cell(own) if own else '-':28} {ratio}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dit", type=Path, help="a checkout of facebookresearch/DiT")
    parser.add_argument("--mar", type=Path, help="a checkout of LTH14/mar")
    parser.add_argument("--ecar", help="the program, to be timed too")
    parser.add_argument("--models", default="E-CAR-L,DiT-XL/2,MAR-B")
    parser.add_argument("--precision", default="f32,bf16")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fraction", type=float, default=1.0)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--guided", action="store_true", help=f"with guidance of {GUIDANCE}, both halves in one batch")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=processors())
    parser.add_argument("--output", type=Path, help="a file for the results as JSON")
    options = parser.parse_args()
    names, precisions = options.models.split(","), options.precision.split(",")
    known = [*ECAR, *DIT, *MAR]
    if unknown := [n for n in names if n not in known]:
        parser.error(f"no model is called {unknown[0]}; there are {', '.join(known)}")
    if unknown := [p for p in precisions if p not in ("f32", "bf16")]:
        parser.error(f"PyTorch runs in f32 and bf16, not in {unknown[0]}")
    if not 0 < options.fraction <= 1 or options.rounds < 1 or options.batch < 1:
        parser.error("--fraction lies between 0 and 1, --rounds and --batch are at least 1")

    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    times: dict = {}
    for round in range(options.rounds):
        for name in names:
            for precision, seconds in run_torch(name, precisions, options).items():
                found = {"PyTorch": seconds}
                if options.ecar:
                    found["ecar"] = run_ecar(name, precision, options)
                for program, value in found.items():
                    times.setdefault((name, precision, program), []).append(value)
                    print(f"round {round + 1}: {name} {precision} {program} {value:.2f} s", file=sys.stderr, flush=True)
    found = report(times, options)
    print_table(found, options)
    if options.output:
        options.output.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
