"""`ecar evaluate` with Inception: time and peak memory of N against N pictures, and features against pytorch-fid's.

    python Benchmarks/evaluation.py [--count 10000] [--compare 256] [--rounds 3] [--threads N]

Needs torch, torchvision, pytorch-fid, numpy and safetensors, and a release build. The pictures are noise, 64×64, in .npz
files; the network has random weights: neither changes the work. First both programs take turns at the features of
`--compare` pictures, starting up included; their scores must agree, as both resize alike. Then come N against N pictures
with all of Inception's metrics.
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

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PYTORCH_FID = """
import sys, numpy as np, torch
import pytorch_fid.inception as inception
from pytorch_fid.fid_score import calculate_frechet_distance
inception.load_state_dict_from_url = lambda *a, **k: torch.load(sys.argv[1])
torch.set_num_threads(int(sys.argv[4]))
network = inception.InceptionV3([3]).eval()
statistics = []
for path in sys.argv[2:4]:
    pictures = np.load(path)["arr_0"]
    features = []
    for start in range(0, len(pictures), 50):
        batch = torch.from_numpy(pictures[start : start + 50]).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad():
            features.append(network(batch)[0].flatten(1).numpy())
    features = np.concatenate(features)
    statistics += [features.mean(0), np.cov(features, rowvar=False)]
print(calculate_frechet_distance(*statistics))
"""


def make_network(folder: Path):
    import torch
    from pytorch_fid import inception
    from safetensors.torch import save_file

    torch.manual_seed(0)
    inception.load_state_dict_from_url = lambda *_, **__: None
    network = inception._inception_v3(num_classes=1008, aux_logits=False, weights=None)
    network.Mixed_5b = inception.FIDInceptionA(192, pool_features=32)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    state = {name: tensor for name, tensor in network.state_dict().items() if "num_batches" not in name}
    torch.save(state, folder / "inception.pth")
    save_file(state, folder / "inception.safetensors")


def make_pictures(path: Path, count: int, seed: int):
    rng = np.random.default_rng(seed)
    flat = rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    np.savez(path, arr_0=flat.repeat(8, 1).repeat(8, 2))


def run(command: list[str]) -> tuple[str, float, int]:
    """Output, seconds, and peak memory in bytes."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"failed: {' '.join(command)}")
    return output, time.perf_counter() - start, usage.ru_maxrss * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--compare", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--ecar", default=str(ROOT / ".build/release/ecar"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_network(folder)

        def ecar(a: Path, b: Path, *more: str) -> list[str]:
            return [
                options.ecar, "evaluate", "--samples", str(a), "--reference", str(b), "--inception",
                str(folder / "inception.safetensors"), "--threads", str(options.threads), "--quiet", "--json", *more,
            ]

        small = [folder / f"small{i}.npz" for i in range(2)]
        for seed, path in enumerate(small):
            make_pictures(path, options.compare, seed)
        peer = [sys.executable, "-c", PYTORCH_FID, str(folder / "inception.pth"), *map(str, small), str(options.threads)]
        times = {"ecar": [], "pytorch-fid": []}
        for _ in range(options.rounds):
            output, seconds, _ = run(ecar(*small, "--resize", "pytorch-fid", "--metrics", "fid"))
            times["ecar"].append(2 * options.compare / seconds)
            own = json.loads(output)["runs"][0]["scores"][0]["value"]
            output, seconds, _ = run(peer)
            times["pytorch-fid"].append(2 * options.compare / seconds)
            print(f"FID: ecar {own:.6f}, pytorch-fid {float(output):.6f}", flush=True)
        medians = {name: statistics.median(values) for name, values in times.items()}
        for name, values in times.items():
            print(f"{name}: {medians[name]:.2f} pictures/s (median of {', '.join(f'{v:.2f}' for v in values)})")
        print(f"ratio: {medians['ecar'] / medians['pytorch-fid']:.2f}", flush=True)

        if options.count > 0:
            large = [folder / f"large{i}.npz" for i in range(2)]
            for seed, path in enumerate(large):
                make_pictures(path, options.count, seed)
            output, seconds, memory = run(ecar(*large))
            scores = ", ".join(f"{s['metric']} {s['value']:.4g}" for s in json.loads(output)["runs"][0]["scores"])
            print(f"{options.count} against {options.count}: {seconds:.0f} s, {memory / 1e6:.0f} MB ({scores})")


if __name__ == "__main__":
    main()
