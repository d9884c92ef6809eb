"""Training throughput and peak memory: `ecar train` against the same model in PyTorch eager mode, in alternating runs.

    python Benchmarks/train_throughput.py [--config Configs/fashion-mnist.json] [--set batchSize=16] [--precision bf16] [--rounds 5]
    python Benchmarks/train_throughput.py --config Configs/imagenet-256-s.json --set batchSize=16 --steps 6 --skip 2 --rounds 3

Needs PyTorch (the version of Scripts/setup) and a release build. Without --data FOLDER, a data set that the configuration
fits, random latents are made for those in SDXL's space. Both sides take the same steps: batch, losses, GradNorm (whatever the configuration says of it), clipping, AdamW, running
average of the weights. PyTorch's side is Scripts/reference.py with the backward pass arranged as in Swift: each head once,
the last shared layer one stage at a time, the rest together. Its pictures are random numbers, so it is spared all
decoding. Steps at the start of a run are not counted.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GRAD_NORM = {"alpha": 1.5, "learningRate": 0.025, "smoothing": 0.99}


def run_torch(configuration: dict, steps: int, skip: int, precision: str, threads: int):
    """One PyTorch run: prints steps a second."""
    sys.path.insert(0, str(ROOT / "Scripts"))
    import reference
    import torch

    torch.set_num_threads(threads)
    model_settings = {k: tuple(v) if isinstance(v, list) else v for k, v in configuration["model"].items()}
    model = reference.ECAR(reference.Configuration(**model_settings))
    c, batch = model.c, configuration["batchSize"]
    parameters = list(model.parameters())
    shared = model.shared_parameters()
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0)
    average = [p.detach().clone() for p in parameters]
    weigher = reference.GradNorm(c.stages, **GRAD_NORM)
    last, joint = model.ar.blocks[-1], {}

    def cut(_, inputs):
        """Keeps the sequence before the last layer, and goes on from a leaf of the same values."""
        joint["trunk"], joint["leaf"] = inputs[0], inputs[0].detach().requires_grad_()
        return joint["leaf"], *inputs[1:]

    last.register_forward_pre_hook(cut)
    behind = [*shared, *model.ar.norm.parameters()]
    images = torch.randn(batch, c.channels, c.sides[-1], c.sides[-1])

    def step():
        labels = torch.randint(0, c.classes + 1, (batch,))
        ends = reference.pyramid(images, c.stages)
        weights = weigher.weights.tolist()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            maps = model.ar(labels, [reference.up(x) for x in ends[:-1]])
            losses, seeds, leaves = [], [], [m.detach().requires_grad_() for m in maps]
            for k in range(c.stages):
                tau, noise = torch.rand(batch), torch.randn_like(ends[k])
                start = reference.path_start(ends[k - 1] if k > 0 else None, noise, c.signal[k])
                z, target = reference.path_point(start, ends[k], tau)
                loss = (model.heads[k](z, tau, leaves[k]) - target).square().mean()
                (weights[k] * loss).backward()
                losses.append(loss.detach())
                seeds.append(leaves[k].grad)
        norms, sums = [], None
        for k in range(c.stages):
            found = torch.autograd.grad(maps[k], [*behind, joint["leaf"]], seeds[k], retain_graph=True)
            norms.append(torch.stack([g.norm() for g in found[: len(shared)]]).norm() / weights[k])
            sums = found if sums is None else [a + b for a, b in zip(sums, found)]
        for parameter, gradient in zip(behind, sums):
            parameter.grad = gradient
        torch.autograd.backward(joint["trunk"], sums[-1])
        weigher.update(torch.stack(losses), torch.stack(norms))
        torch.nn.utils.clip_grad_norm_(parameters, configuration["clipNorm"] or float("inf"))
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(average, parameters, 1 - configuration["emaDecay"])

    for index in range(steps):
        if index == skip:
            begin = time.perf_counter()
        step()
    print((steps - skip) / (time.perf_counter() - begin))


def measure(command: list[str]) -> tuple[str, float]:
    """A command's standard output and its peak memory in MB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"failed: {' '.join(command)}")
    return output, usage.ru_maxrss / 1024


def read_configuration(options) -> dict:
    """The configuration as `ecar train` resolves it: bases, presets, changes."""
    path = Path(options.config)
    configuration = json.loads(path.read_text())
    while base := configuration.pop("base", None):
        below = json.loads((path.parent / f"{base}.json").read_text())
        for key, value in configuration.items():
            both = isinstance(value, dict) and isinstance(below.get(key), dict)
            below[key] = below[key] | value if both else value
        configuration = below
    for change in options.set:
        key, value = change.split("=", 1)
        place, *keys = configuration, *key.split(".")
        for part in keys[:-1]:
            place = place[part]
        try:
            place[keys[-1]] = json.loads(value)
        except json.JSONDecodeError:
            place[keys[-1]] = value
    if isinstance(configuration["model"], str):
        command = [options.ecar, "info", "--model", configuration["model"], "--json"]
        configuration["model"] = json.loads(subprocess.check_output(command))["architecture"]
    return configuration


def write_latents(folder: Path, configuration: dict):
    """A latent cache of random numbers: one batch and a bit."""
    import torch
    from safetensors.torch import save_file

    model, count = configuration["model"], configuration["batchSize"] + 1
    side = model["sides"][-1]
    latents = lambda: torch.randn(count, model["channels"], side, side).half()
    labels = torch.arange(count) % model["classes"]
    tensors = {"mean": latents(), "mean_mirrored": latents(), "labels": labels, "indices": torch.arange(count)}
    save_file(tensors, folder / "latents-00000.safetensors")
    manifest = {
        "format": "ecar-latent-cache-1", "latentSpace": configuration["latentSpace"], "latentScale": 0.13025,
        "autoencoder": "random", "precision": "f32", "side": 8 * side, "fit": "crop",
        "shape": [model["channels"], side, side], "hasLogVariance": False, "isMirrored": True,
        "classNames": [str(label) for label in range(model["classes"])],
        "source": {"name": "random", "pictures": count}, "shardSize": count,
        "shards": [{"file": "latents-00000.safetensors", "pictures": count}],
        "skipped": [], "skippedCount": 0, "isComplete": True,
    }
    (folder / "cache.json").write_text(json.dumps(manifest))


def run_ecar(options, overrides: list[str]) -> tuple[float, float]:
    """One run of `ecar train`: steps a second and peak memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        run, data = Path(folder) / "run", options.data
        if data is None:
            data = Path(folder) / "latents"
            data.mkdir()
            write_latents(data, read_configuration(options))
        command = [options.ecar, "train", "--quiet", "--data", str(data), "--config", options.config]
        command += ["--output", str(run), "--threads", str(options.threads), "--device", "cpu"]
        _, memory = measure(command + [word for item in options.set + overrides for word in ("--set", item)])
        lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
        seconds = {line["step"]: line["seconds"] for line in lines}
        rate = (options.steps - options.skip) / (seconds[options.steps] - seconds[options.skip])
        return rate, memory


def parser(description: str) -> argparse.ArgumentParser:
    """The options that the benchmarks of training share."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="default: random latents")
    parser.add_argument("--config", default=str(ROOT / "Configs/fashion-mnist.json"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--ecar", default=str(ROOT / ".build/release/ecar"))
    parser.add_argument("--precision", choices=["f32", "bf16"], default="bf16")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--steps", type=int, default=60, help="steps of a run")
    parser.add_argument("--skip", type=int, default=20, help="of these, not counted")
    parser.add_argument("--rounds", type=int, default=5)
    return parser


def overrides(options) -> list[str]:
    """Changes to the configuration that make a run measurable."""
    changes = [f"steps={options.steps}", f"logEvery={options.skip}", f"precision={options.precision}"]
    return changes + ["sampleEvery=1000000", "checkpointEvery=1000000", "sampling.steps=[1,1,1]"]


def main():
    arguments = parser(__doc__)
    arguments.add_argument("--torch", action="store_true", help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.torch:
        return run_torch(
            read_configuration(options), options.steps, options.skip, options.precision, options.threads
        )

    changes = overrides(options) + [f"gradNorm={json.dumps(GRAD_NORM)}"]
    torch_command = [sys.executable, __file__, *sys.argv[1:], "--torch"]
    ratios, rows = [], []
    for index in range(options.rounds):
        swift_rate, swift_memory = run_ecar(options, changes)
        output, torch_memory = measure(torch_command)
        torch_rate = float(output)
        ratios.append(swift_rate / torch_rate)
        rows.append((swift_rate, torch_rate, swift_memory, torch_memory))
        print(
            f"round {index + 1}: ecar {swift_rate:.2f} steps/s, {swift_memory:.0f} MB;"
            f" PyTorch {torch_rate:.2f} steps/s, {torch_memory:.0f} MB; ratio {ratios[-1]:.2f}"
        )
    medians = [statistics.median(column) for column in zip(*rows)]
    print(f"median: ecar {medians[0]:.2f} steps/s, {medians[2]:.0f} MB; PyTorch {medians[1]:.2f} steps/s, {medians[3]:.0f} MB")
    print(f"median ratio of throughput: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
