"""What activation checkpointing saves: peak memory and throughput of `ecar train` with and without, in alternating runs.

    python Benchmarks/activation_checkpointing.py --config Configs/imagenet-256-s.json --batches 4 16 --steps 3 --skip 1 --rounds 3

The options are those of train_throughput.py. Memory is the whole process's, weights, optimizer and running average included.
"""

import statistics

import train_throughput


def main():
    arguments = train_throughput.parser(__doc__)
    arguments.add_argument("--batches", type=int, nargs="+", default=[4, 16])
    options = arguments.parse_args()
    changes = train_throughput.overrides(options)
    common = list(options.set)
    print("| batch | memory, MB | with checkpointing | saved | steps/s | with checkpointing | ratio |")
    print("|---|---|---|---|---|---|---|")
    for batch in options.batches:
        options.set = common + [f"batchSize={batch}"]
        runs = {False: [], True: []}
        for _ in range(options.rounds):
            for checkpointing in runs:
                setting = f"activationCheckpointing={str(checkpointing).lower()}"
                runs[checkpointing].append(train_throughput.run_ecar(options, [*changes, setting]))
        (rate, memory), (slower, smaller) = [
            [statistics.median(column) for column in zip(*runs[key])] for key in (False, True)
        ]
        print(
            f"| {batch} | {memory:.0f} | {smaller:.0f} | {1 - smaller / memory:.0%} | {rate:.3f} | {slower:.3f}"
            f" | {slower / rate:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
