"""Converts the public weights of the FID papers' Inception v3 from PyTorch's pickle to safetensors for `ecar evaluate`.

    python3 -m pip install torch safetensors numpy
    python3 Scripts/convert_inception.py pt_inception-2015-12-05-6726825d.pth inception.safetensors

The pickle is pytorch-fid's,
https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth, or
torch-fidelity's weights-inception-2015-12-05-6726825d.pth: 96 MB with the SHA-256 below, of which both names carry the
first 8 digits. Another file is refused, unless --any is given; then `ecar evaluate` says that the weights are not known
to be the public ones. Only tensors are unpickled, no code.
"""

import argparse
import hashlib
from pathlib import Path

import torch
from safetensors.torch import save_file

PUBLIC = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pickle", type=Path)
    parser.add_argument("output", type=Path, nargs="?", default=Path("inception.safetensors"))
    parser.add_argument("--any", action="store_true", help="convert a file other than the public one")
    options = parser.parse_args()

    digest = hashlib.sha256(options.pickle.read_bytes()).hexdigest()
    if digest != PUBLIC and not options.any:
        parser.error(f"{options.pickle} has the SHA-256 {digest}, not {PUBLIC}: download it again, or give --any")
    state = torch.load(options.pickle, map_location="cpu", weights_only=True)
    tensors = {name: tensor.detach().clone().contiguous() for name, tensor in state.items()}
    # One entry alone: the order of several is not fixed, and the output's digest should be.
    save_file(tensors, options.output, {"source-sha256": digest})
    print(f"{options.output} has {len(tensors)} tensors.")
