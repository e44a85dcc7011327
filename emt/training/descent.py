"""Learning the weights from examples by gradient descent (section 7)."""

import math
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import unwrap
from types import ModuleType
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from emt import checks
from emt.network import ACTIVATIONS, Network
from emt.tasks import Task, continuation, random_bits
from emt.training.backpropagation import AnyArray, allocate, backpropagate, empty, library
from emt.training.recipes import Stage, TrainingConfig
from emt.training.starts import initial


class Training(NamedTuple):
    """A learned network and how it was learned.

    Attributes
    ----------
    network
        After the last update.
    loss
        Mean squared error of the output phase before each update.
    """

    network: Network
    loss: Float[np.ndarray, " updates"]


def untrained(task: Task, config: TrainingConfig) -> Network:
    """Return the network that training starts from.

    Parameters
    ----------
    task
        Gives kappa.
    config
        Hidden units, initialisation, write scale and seed.

    Raises
    ------
    ValueError
        If orthonormal columns do not fit, that is kappa > hidden, with such an initialisation.
    """
    with _one_thread():
        return _network(initial(task, config), config)


def train(
    task: Task,
    config: TrainingConfig,
    progress: bool = True,
    device: str | None = None,
    stop: Callable[[Network], bool] | None = None,
    every: int = 25,
) -> Training:
    """Learn a network by backpropagation through time, Adam, mean squared error (section 7).

    Parameters
    ----------
    task
        What is to be learned; the loss is that of its plain-input targets, Eq. (5).
    config
        Sizes, seed, schedule.
    progress
        Whether to draw a progress bar, which is drawn on a terminal only.
    device
        ``None``: NumPy, the fastest way on a processor. Otherwise PyTorch's name of the device,
        ``"cuda"`` for example.
    stop, every
        If given, learning ends when ``stop(weights)`` is true; it is asked after every so many
        updates, but not after the last.

    Raises
    ------
    ValueError
        If kappa > hidden with orthonormal inputs, `most_inputs` is below s, learning diverges, or
        PyTorch does not know the device or has none such.

    Warns
    -----
    UserWarning
        If the network has fewer than ``s * kappa`` hidden units, which any f may need.
    """
    checks.integer("every", every)
    if config.most_inputs is not None:
        checks.integer("most_inputs", config.most_inputs, least=task.s)
    if config.hidden < task.s * task.kappa:
        warnings.warn(
            f"hidden = {config.hidden} is below s * kappa = {task.s * task.kappa}: "
            "the network may not hold all variables",
            stacklevel=3,
        )
    if device is not None:
        import torch  # noqa: F401  before its threads are counted

    # Training that diverges is reported once, as an error.
    with _one_thread(), np.errstate(over="ignore", invalid="ignore"):
        return _train(task, config, progress, device, stop, every)


def _train(task, config, progress, device, stop, every) -> Training:
    rng = np.random.default_rng([config.seed, 1])
    learner = _learner(initial(task, config), config, device)
    longest = max(stage.horizon for stage in config.stages)
    written = config.most_inputs or task.s
    room = allocate(written + longest, config.batch, config.hidden, learner.weights)
    most = min(sum(stage.steps for stage in config.stages), config.updates or math.inf)
    curve = []
    with tqdm(total=most, disable=None if progress else True, desc="training") as bar:
        for stage in config.stages:
            rates = _rates(config, stage)
            for (u, targets), rate in zip(_examples(task, config, stage, rng), rates, strict=True):
                noise = _noise(config, len(u) + len(targets), rng)
                given = u, targets, room, noise
                if device is not None:
                    given = _on(device, u), _on(device, targets), room, _on(device, noise)
                loss, y = _update(learner, len(curve) + 1, config, rate, *given)
                curve.append(loss)
                bar.update()
                asked = stop is not None and len(curve) % every == 0
                if len(curve) == most or (asked and stop(_network(learner.parts, config))):
                    return Training(_network(learner.parts, config), np.array(curve))
                if config.advance is not None and stage is not config.stages[-1]:
                    right = int((y * given[1] > 0).sum()) / math.prod(targets.shape)
                    if right >= config.advance:
                        break
    return Training(_network(learner.parts, config), np.array(curve))


def _examples(
    task: Task, config: TrainingConfig, stage: Stage, rng
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield inputs and the targets that follow the last s of them, time first, one an update.

    They are drawn many at once, unless something else is drawn between them or some may be left.
    """
    alone = config.most_inputs or config.noise or config.advance is not None
    most = 1 if alone else 32
    for done in range(0, stage.steps, most):
        count = min(most, stage.steps - done)
        u = random_bits(task, count * config.batch, rng)
        targets = continuation(task, u, stage.horizon)
        if config.most_inputs is not None:
            earlier = int(rng.integers(config.most_inputs - task.s + 1))
            u = np.concatenate([rng.choice([-1.0, 1.0], (len(u), earlier, task.kappa)), u], axis=1)
        yield from zip(*(_time_first(x, count) for x in (u, targets)), strict=True)


def _time_first(x: np.ndarray, count: int) -> np.ndarray:
    """Return the sequences of `count` updates in single precision, time before sequence."""
    x = x.reshape(count, -1, *x.shape[1:])
    return np.ascontiguousarray(x.swapaxes(1, 2), dtype=np.float32)


def _noise(config, steps: int, rng) -> np.ndarray | None:
    """Draw what is added to every unit at every step, ``None`` without noise."""
    if not config.noise:
        return None
    drawn = rng.standard_normal((steps, config.batch, config.hidden), dtype=np.float32)
    drawn *= np.float32(config.noise)
    return drawn


class _Learner(NamedTuple):
    """Weights and what Adam knows of them, each in one long array, so that few calls move all.

    ``parts`` are views of the weights, one a matrix. Adam sees them divided by ``scale``.
    """

    xp: ModuleType
    parts: list[AnyArray]
    weights: AnyArray
    scale: AnyArray
    gradient: AnyArray
    mean: AnyArray
    square: AnyArray
    scratch: AnyArray


def _learner(parts: list[np.ndarray], config: TrainingConfig, device: str | None) -> _Learner:
    scales = 1.0, config.write_scale, 1 / config.write_scale, 1.0
    whole = np.concatenate([p.ravel() for p in parts])
    scale = np.concatenate(
        [np.full(p.size, c, p.dtype) for p, c in zip(parts, scales, strict=False)]
    )
    if device is not None:
        whole, scale = (_on(device, x) for x in (whole, scale))
    held = [empty(whole.shape, whole) for _ in range(6)]
    held[0][:], held[1][:] = whole, scale
    for moment in held[3:5]:
        moment[:] = 0.0
    views, start = [], 0
    for p in parts:
        views.append(held[0][start : start + p.size].reshape(p.shape))
        start += p.size
    return _Learner(library(whole), views, *held)


def _update(learner, number, config, rate, u, targets, room, noise) -> tuple[float, AnyArray]:
    """One step of Adam down the clipped gradient; the batch's loss and outputs."""
    W_hh, W_uh, W_r, *b = learner.parts
    how = {"b": b[0] if b else None, "activation": config.activation, "noise": noise}
    gradient = unwrap(backpropagate)  # what it is given is our own, and needs no check
    loss, y, *gradients = gradient(W_hh, W_uh, W_r, u, targets, room, **how)
    g, xp = learner.gradient, learner.xp
    xp.concatenate([x.reshape(-1) for x in gradients[: len(learner.parts)]], out=g)
    g *= learner.scale
    norm = math.sqrt(float(xp.dot(g, g)))
    if not math.isfinite(norm):
        raise ValueError(f"learning diverged: the gradient is not finite at learning rate {rate:g}")
    if norm > config.clip:
        g *= config.clip / norm
    _adam(learner, number, rate)
    return loss, y


def _adam(learner: _Learner, number: int, rate: float, beta=(0.9, 0.999), eps=1e-8) -> None:
    """Move the weights by update `number` of Adam, counted from 1.

    Its running means are kept as sums; their factors ``1 - beta`` come in with ``1 - beta^number``.
    """
    xp, _, weights, scale, g, mean, square, step = learner
    of_mean, of_square = ((1 - b) / (1 - b**number) for b in beta)
    mean *= beta[0]
    mean += g
    square *= beta[1]
    square += xp.multiply(g, g, out=step)
    xp.sqrt(square, out=step)
    step += eps / math.sqrt(of_square)
    xp.divide(mean, step, out=step)
    step *= scale
    step *= -rate * of_mean / math.sqrt(of_square)
    weights += step


def _rates(config: TrainingConfig, stage: Stage) -> Iterator[float]:
    """Yield the learning rate of every update: linear warm-up, decay, in each stage."""
    for n in range(stage.steps):
        warm = min(1.0, (n + 1) / max(1, config.warmup))
        cosine = 0.5 * (1 + math.cos(math.pi * n / stage.steps))
        yield stage.learning_rate * warm * (cosine if config.decay == "cosine" else 1.0)


def _network(parts: list[AnyArray], config: TrainingConfig) -> Network:
    arrays = (np.array(p if library(p) is np else p.cpu().numpy(), dtype=float) for p in parts)
    return Network(*arrays, activation=ACTIVATIONS[config.activation])


def _on(device: str, x: np.ndarray | None) -> AnyArray | None:
    """Return an array as a tensor on a device."""
    import torch

    try:
        return None if x is None else torch.from_numpy(x).to(device)
    except (AssertionError, RuntimeError) as error:
        raise ValueError(
            f"device must be one that PyTorch has here, not {device!r}: {error}"
        ) from None


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread: the same bits whatever the machine's setting, and no slower at these sizes."""
    torch = sys.modules.get("torch")
    threads = torch and torch.get_num_threads()
    if torch:
        torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        if torch:
            torch.set_num_threads(threads)


checks.guard(globals())
