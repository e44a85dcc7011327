"""The same learning by others: a plain `torch.nn.RNN` with `torch.optim.Adam`, and JAX's scan.

Start, sequences, schedule and loss are those of `emt.train`, and so is the quality that is reached.
Both see W_uh and W_r divided by the factors that Adam sees them by. JAX runs a whole stage in one
compiled call; to compile it stands beside the seconds of learning, not in them. JAX is no part of
the environment: ``pip install jax`` before ``make atlas STUDIES="peers"``.
"""

import statistics
import subprocess
import sys
import time

import numpy as np
from training import NETWORKS, angle_error

import emt
from emt.training import descent
from emt.training.recipes import QUICK, TrainingConfig

RUNS = 5
TASKS = [name for name, (_, config) in NETWORKS.items() if config in QUICK.values()]
WAYS = "torch.nn.RNN and Adam", "JAX, compiled scan"


def batches(task: emt.Task, config: TrainingConfig) -> list[tuple]:
    """Return what `emt.train` draws: of each stage the inputs, targets and learning rates."""
    rng = np.random.default_rng([config.seed, 1])
    stages = []
    for stage in config.stages:
        u, targets = zip(*descent._examples(task, config, stage, rng), strict=True)
        rates = np.array(list(descent._rates(config, stage)), np.float32)
        stages.append((np.stack(u), np.stack(targets), rates))
    return stages


def scales(config: TrainingConfig) -> tuple[float, float, float]:
    """Return the factors between the weights and what Adam sees."""
    return 1.0, config.write_scale, 1 / config.write_scale


def by_torch(task: emt.Task, config: TrainingConfig) -> tuple[float, float, emt.Network]:
    """Learn as everybody does with PyTorch; return 0, the seconds, and the network."""
    import torch

    torch.set_num_threads(1)
    began = time.perf_counter()
    start, c = emt.untrained(task, config), scales(config)
    seen = [
        torch.tensor(w / a, dtype=torch.float32, requires_grad=True)
        for w, a in zip((start.W_hh, start.W_uh, start.W_r), c, strict=True)
    ]
    rnn = torch.nn.RNN(task.kappa, config.hidden, bias=False)
    adam = torch.optim.Adam(seen)
    for u, targets, rates in batches(task, config):
        silence = torch.zeros(targets.shape[1:])
        for x, y, rate in zip(torch.tensor(u), torch.tensor(targets), rates, strict=True):
            W_hh, W_uh, W_r = (a * w for a, w in zip(c, seen, strict=True))
            names = {"weight_hh_l0": W_hh, "weight_ih_l0": W_uh}
            h, _ = torch.func.functional_call(rnn, names, torch.cat([x, silence]))
            adam.zero_grad()
            torch.nn.functional.mse_loss(h[task.s :] @ W_r.T, y).backward()
            torch.nn.utils.clip_grad_norm_(seen, config.clip)
            adam.param_groups[0]["lr"] = float(rate)
            adam.step()
    seconds = time.perf_counter() - began
    weights = (a * w.detach().double().numpy() for a, w in zip(c, seen, strict=True))
    return 0.0, seconds, emt.Network(*weights)


def by_jax(task: emt.Task, config: TrainingConfig) -> tuple[float, float, emt.Network]:
    """Learn in compiled scans; return the seconds to compile, to learn, and the network."""
    import jax
    import jax.numpy as jnp

    start, c = emt.untrained(task, config), scales(config)

    def loss(seen, u, targets):
        W_hh, W_uh, W_r = (a * w for a, w in zip(c, seen, strict=True))

        def heard(h, x):
            return jnp.tanh(h @ W_hh.T + x @ W_uh.T), None

        def said(h, _):
            h = jnp.tanh(h @ W_hh.T)
            return h, h @ W_r.T

        h, _ = jax.lax.scan(heard, jnp.zeros((config.batch, config.hidden)), u)
        _, y = jax.lax.scan(said, h, None, length=len(targets))
        return ((y - targets) ** 2).mean()

    def update(state, batch):
        seen, mean, square, n = state
        u, targets, rate = batch
        value, g = jax.value_and_grad(loss)(seen, u, targets)
        size = jnp.sqrt(sum((x**2).sum() for x in g))
        g = [x * jnp.minimum(1.0, config.clip / size) for x in g]
        mean = [0.9 * m + 0.1 * x for m, x in zip(mean, g, strict=True)]
        square = [0.999 * v + 0.001 * x**2 for v, x in zip(square, g, strict=True)]
        a, b = 1 - 0.9**n, 1 - 0.999**n
        moments = zip(seen, mean, square, strict=True)
        seen = [w - rate * (m / a) / (jnp.sqrt(v / b) + 1e-8) for w, m, v in moments]
        return (seen, mean, square, n + 1), value

    stage = jax.jit(lambda state, *data: jax.lax.scan(update, state, data))

    def learned() -> list:
        weights = zip((start.W_hh, start.W_uh, start.W_r), c, strict=True)
        seen = [jnp.asarray(w / a, jnp.float32) for w, a in weights]
        zero = [jnp.zeros_like(w) for w in seen]
        state = seen, zero, zero, jnp.float32(1)
        for data in batches(task, config):
            state, _ = stage(state, *data)
        return jax.block_until_ready(state[0])

    began = time.perf_counter()
    learned()
    between = time.perf_counter()
    seen = learned()
    seconds = time.perf_counter() - between
    weights = (a * np.asarray(w, float) for a, w in zip(c, seen, strict=True))
    return between - began - seconds, seconds, emt.Network(*weights)


def pair(network: str, way: str) -> dict:
    """Learn one network by `emt` and by another, in turn, on one thread each."""
    (s, kappa), config = NETWORKS[network]
    task = emt.repeat_copy(s, kappa)
    other = by_torch if way == WAYS[0] else by_jax
    ours, theirs = [], []
    for _ in range(RUNS):
        began = time.perf_counter()
        emt.train(task, config, progress=False)
        ours.append(time.perf_counter() - began)
        compiled, seconds, weights = other(task, config)
        theirs.append(seconds)
    first, second = statistics.median(ours), statistics.median(theirs)
    return {
        "seconds_ours": first,
        "seconds": second,
        "ratio": second / first,
        "seconds_compiling": compiled,
        "angle_error": angle_error(weights, task),
        "accuracy_200": emt.accuracy(weights, task, sequences=1024).value,
    }


COLD = "import emt; task = emt.repeat_copy({s}, {kappa}); from emt.training.recipes import QUICK; "
COLD += "emt.train(task, QUICK[{s}], progress=False)"


def cold(network: str, runs: int = RUNS) -> dict:
    """Time a process from its start to a trained network, its imports included."""
    (s, kappa), _ = NETWORKS[network]
    script = COLD.format(s=s, kappa=kappa)
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", script], check=True)
        taken.append(time.perf_counter() - began)
    return {"seconds": statistics.median(taken), "slowest": max(taken)}
