"""How fast the trainer is, how far from its arithmetic, and which ideas made it so.

The functions here are the rows of timed tables: see `benchmarks/studies.py`. The book's page
*Speed* shows what they measured. What follows is the table `training_ideas` in words: each idea
was tried at s = kappa = 8 with five seeds, everything else as it is, the number of updates too.

Kept:

- A backward pass of our own, `emt.training.backpropagation`: the chain rule written out, in buffers
  that every update reuses. On torch's tensors alone that gains little.
- NumPy instead of torch: the same lines on NumPy's arrays, whose tanh and whose calls are cheaper
  at this size. Both together save more than half of the time of torch's automatic differentiation.
  A GPU takes the lines by torch.
- Batches of 14: the time of an update grows with its batch, and the decay of the learning rate
  takes out the noise of small ones. But with few sequences in all a mode is lost here and there:
  of 200 seeds, 1 with this recipe, 3 with batches of 12.
- Rates that fall faster than horizons grow. With a slower fall (1, 0.6, 0.4) long-lived modes are
  missing at the end; batches of 64 stand it better.
- Adam written out, on one array that holds all weights. The first use of `torch.optim.Adam` alone
  imports a compiler, which takes longer than this network takes to learn.
- The factors between the weights and those that Adam sees come in with its step, so that no
  update makes the weights anew; sequences are drawn for 32 updates at once.
- The transpose of W_hh as an array of its own, buffers that begin where a register is wide, and
  the factors 1 - h^2 of all steps in one call.
- No product with the zero inputs of the output phase: they make training a few percent longer.

Dropped: batches of 32 or 64 (two to four times as long, finer); one horizon of 100 (longer, and
hard to begin with) or of 16 (less, with coarse angles); no decay within a stage (noisy angles); a
stop when the quality holds (it holds only at the end, and checking costs time); write scale 1
(coarser angles); PyTorch's default start (it learns too slowly).
"""

import statistics
import time
from dataclasses import replace

import numpy as np
import torch

import emt
from emt import spectrum
from emt.training import descent, recipes
from emt.training.backpropagation import Gradients, backpropagate
from emt.training.recipes import Stage, TrainingConfig

# The published quality: accuracy over 200 output steps, mean angle error in degrees.
ACCURACY, ANGLE = 0.9998, 0.0273
NETWORKS = {
    "s = 8, kappa = 8": ((8, 8), recipes.QUICK[8]),
    "s = 16, kappa = 5": ((16, 5), recipes.QUICK[16]),
    "the book's network": ((16, 5), TrainingConfig()),
}


def learned(task: emt.Task, config: TrainingConfig, **how) -> tuple[float, descent.Training]:
    """Return the seconds that learning took, and what was learned."""
    began = time.perf_counter()
    result = emt.train(task, config, progress=False, **how)
    return time.perf_counter() - began, result


def angle_error(weights: emt.Network, task: emt.Task) -> float:
    """Return the mean angle error in degrees."""
    return float(spectrum.compare(weights, task).angle_error.mean())


def good(weights: emt.Network, task: emt.Task, sequences: int = 256) -> bool:
    """Return whether the published quality is reached, on few sequences."""
    enough = angle_error(weights, task) <= ANGLE
    return enough and emt.accuracy(weights, task, sequences=sequences).value >= ACCURACY


def quality(network: str, seed: int) -> dict:
    """Train one network; return its seconds and how good it is."""
    (s, kappa), config = NETWORKS[network]
    task = emt.repeat_copy(s, kappa)
    seconds, result = learned(task, replace(config, seed=seed))
    return {
        "seconds": seconds,
        "angle_error": angle_error(result.network, task),
        "accuracy_200": emt.accuracy(result.network, task).value,
        "accuracy_1000": emt.accuracy_around(result.network, task, 1000).value,
    }


def published(seed: int) -> dict:
    """Train by the published recipe and by ours, one after the other, at s = kappa = 8."""
    task = emt.repeat_copy(8, 8)
    ours, _ = learned(task, replace(recipes.QUICK[8], seed=seed))
    theirs, result = learned(task, emt.published(seed))
    return {
        "seconds_ours": ours,
        "seconds_published": theirs,
        "ratio": theirs / ours,
        "updates": len(result.loss),
        "angle_error": angle_error(result.network, task),
        "accuracy_200": emt.accuracy(result.network, task).value,
    }


def arithmetic(network: str, runs: int = 7) -> dict:
    """Count the operations of all products with W_hh; time them bare, and the whole training.

    A step has one such product forward, one backward and one for the gradient, which is taken over
    all steps of a pass at once. Bare products and trainings alternate.
    """
    (s, kappa), config = NETWORKS[network]
    task, rng = emt.repeat_copy(s, kappa), np.random
    H, B, T = config.hidden, config.batch, s + max(stage.horizon for stage in config.stages)
    steps = sum(n * (s + horizon) for horizon, n, _ in config.stages)
    W, h, long, out = (
        rng.default_rng(0).normal(size=shape).astype(np.float32)
        for shape in ((H, H), (B, H), (B * T, H), (B, H))
    )
    bare, whole = [], []
    for seed in range(runs):
        began = time.perf_counter()
        for _ in range(20):
            for _ in range(2 * T):
                np.matmul(h, W, out=out)
            np.matmul(long.T, long)
        bare.append((time.perf_counter() - began) / (20 * T))
        whole.append(learned(task, replace(config, seed=seed))[0])
    step, seconds = statistics.median(bare), statistics.median(whole)
    return {
        "updates": sum(n for _, n, _ in config.stages),
        "gigaflop": 6 * B * H**2 * steps / 1e9,
        "product_rate": 6 * B * H**2 / step / 1e9,
        "seconds_at_that_rate": step * steps,
        "seconds": seconds,
        "fraction": step * steps / seconds,
    }


def autograd(W_hh, W_uh, W_r, u, targets, room, **_) -> Gradients:
    """Return what `backpropagate` returns, by torch's automatic differentiation."""
    W = [torch.tensor(x, requires_grad=True) for x in (W_hh, W_uh, W_r)]
    written, W_hh_T = torch.tensor(u) @ W[1].T, W[0].T.contiguous()
    h, spoken = torch.zeros(u.shape[1], len(W_hh)), []
    for t in range(len(u) + len(targets)):
        h = h @ W_hh_T
        h = torch.tanh(h + written[t] if t < len(u) else h)
        spoken += [h] if t >= len(u) else []
    y = torch.stack(spoken) @ W[2].T
    loss = torch.nn.functional.mse_loss(y, torch.tensor(targets))
    loss.backward()
    return Gradients(loss.item(), y.detach().numpy(), *(x.grad.numpy() for x in W))


def silent_products(W_hh, W_uh, W_r, u, targets, room, **_) -> Gradients:
    """Return what `backpropagate` returns, and multiply the zero inputs of the output phase too."""
    silence = np.zeros((len(targets), *u.shape[1:]), np.float32)
    scratch = room.step
    for written in np.matmul(silence, W_uh.T):
        scratch += written
    result = backpropagate(W_hh, W_uh, W_r, u, targets, room)
    delta = room.delta[: len(targets)].reshape(-1, len(W_hh))
    return result._replace(W_uh=result.W_uh + delta.T @ silence.reshape(-1, u.shape[2]))


FALLING = tuple(
    stage._replace(learning_rate=8.3e-3 * part)
    for stage, part in zip(recipes.QUICK[8].stages, (1.0, 0.6, 0.4), strict=True)
)
UPDATES = sum(stage.steps for stage in recipes.QUICK[8].stages)
# Each idea turned off, or on where it was dropped: changes of the configuration, of the call, and
# of the function that computes the gradient.
IDEAS = {
    "as it is": ({}, {}, backpropagate),
    "torch's automatic differentiation": ({}, {}, autograd),
    "torch's kernels instead of NumPy's": ({}, {"device": "cpu"}, backpropagate),
    "products with the zero input": ({}, {}, silent_products),
    "batches of 8": ({"batch": 8}, {}, backpropagate),
    "batches of 32": ({"batch": 32}, {}, backpropagate),
    "batches of 64": ({"batch": 64}, {}, backpropagate),
    "one horizon of 100": ({"stages": (Stage(100, UPDATES, 8.3e-3),)}, {}, backpropagate),
    "one horizon of 16": ({"stages": (Stage(16, UPDATES, 8.3e-3),)}, {}, backpropagate),
    "rates 1, 0.6, 0.4": ({"stages": FALLING}, {}, backpropagate),
    "the same, batches of 64": ({"stages": FALLING, "batch": 64}, {}, backpropagate),
    "no decay within a stage": ({"decay": "none"}, {}, backpropagate),
    "stop when the quality holds": ({}, {"every": 25, "stop": good}, backpropagate),
    "write scale 1": ({"write_scale": 1.0}, {}, backpropagate),
    "PyTorch's default start": ({"initialisation": "torch", "write_scale": 1.0}, {}, backpropagate),
}


def idea(name: str, seed: int) -> dict:
    """Train at s = kappa = 8 with one idea changed."""
    changes, how, gradient = IDEAS[name]
    task = emt.repeat_copy(8, 8)
    if "stop" in how:
        how = {**how, "stop": lambda weights: good(weights, task, 32)}
    config = replace(recipes.QUICK[8], seed=seed)
    descent.backpropagate = gradient
    try:
        seconds, result = learned(task, replace(config, **changes), **how)
    finally:
        descent.backpropagate = backpropagate
    reached = good(result.network, task)
    return {
        "seconds": seconds,
        "updates": len(result.loss),
        "angle_error": angle_error(result.network, task),
        "live": spectrum.compare(result.network, emt.repeat_copy(8, 8)).live,
        "reached": int(reached),
    }
