"""Time the training of the book's network: ``python benchmarks/training.py --runs 3``.

Prints the median over runs, one thread, beside the floating-point operations that the updates
need and the rate of a bare matrix product of the same shape.
"""

import argparse
import statistics
import time

import torch

import emt
from emt.sweep import one_thread
from emt.training import TrainingConfig


def operations(task: emt.Task, config: TrainingConfig) -> float:
    """Return the operations of all products with W_hh: one forward and two backward a step."""
    steps = sum(n * (task.s + horizon) for horizon, n, _ in config.stages)
    return 3 * 2.0 * config.batch * config.hidden**2 * steps


def product_rate(config: TrainingConfig, repeats: int = 5000) -> float:
    """Return the operations a second of ``h @ W_hh.T``."""
    h, W = torch.randn(config.batch, config.hidden), torch.randn(config.hidden, config.hidden)
    began = time.perf_counter()
    for _ in range(repeats):
        h @ W.T
    return 2.0 * config.batch * config.hidden**2 * repeats / (time.perf_counter() - began)


def main() -> None:
    """Train, time, print one line a run and a summary."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--s", type=int, default=16)
    parser.add_argument("--kappa", type=int, default=5)
    parser.add_argument("--hidden", type=int, default=128)
    args = parser.parse_args()
    one_thread()
    task = emt.repeat_copy(args.s, args.kappa)
    times = []
    for seed in range(args.runs):
        config = TrainingConfig(hidden=args.hidden, seed=seed)
        began = time.perf_counter()
        weights = emt.train(task, config).weights
        times.append(time.perf_counter() - began)
        score = emt.accuracy(weights, task, sequences=512).value
        print(f"seed {seed}: {times[-1]:.1f} s, accuracy {score:.5f} over 200 steps", flush=True)
    needed, rate, median = operations(task, config), product_rate(config), statistics.median(times)
    print(f"median {median:.1f} s; {needed / 1e9:.0f} Gflop of products, bare {rate / 1e9:.0f}")
    print(f"Gflop/s, so {needed / rate:.1f} s at best: {needed / rate / median:.0%} reached")


if __name__ == "__main__":
    main()
