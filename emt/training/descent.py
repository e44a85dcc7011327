"""Learning the weights from examples by gradient descent (section 7)."""

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from threadpoolctl import threadpool_limits
from torch.optim.adam import adam
from tqdm import tqdm

from emt import checks
from emt.network import ACTIVATIONS, Network
from emt.tasks import Task, continuation, random_bits
from emt.training.backpropagation import allocate, backpropagate
from emt.training.recipes import TrainingConfig


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
        return _effective(_initial(task, config), config)


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
        ``None``: NumPy, the fastest way on a processor. Otherwise torch's name of the device,
        ``"cuda"`` for example.
    stop, every
        If given, learning ends when ``stop(weights)`` is true; it is asked after every so many
        updates, but not after the last.

    Raises
    ------
    ValueError
        If kappa > hidden with orthonormal inputs, `most_inputs` is below s, or learning diverges.
    RuntimeError
        If torch does not know the device.

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
    # Training that diverges is reported once, as an error.
    with _one_thread(), np.errstate(over="ignore", invalid="ignore"):
        return _train(task, config, progress, device, stop, every)


def _train(task, config, progress, device, stop, every) -> Training:
    rng = np.random.default_rng([config.seed, 1])
    parameters = [p.to(device or "cpu") for p in _initial(task, config)]
    moments = _moments(parameters)
    longest = max(stage.horizon for stage in config.stages)
    written = config.most_inputs or task.s
    room = allocate(written + longest, config.batch, config.hidden, device)
    most = min(sum(stage.steps for stage in config.stages), config.updates or math.inf)
    loss_curve, left = [], 0
    with tqdm(total=most, disable=None if progress else True, desc="training") as bar:
        for number, horizon, rate in _schedule(config):
            if number < left:
                continue
            u, targets = (_array(x, device) for x in _examples(task, config, horizon, rng))
            noise = _noise(config, len(u) + len(targets), rng, device)
            loss, right = _update(parameters, moments, config, rate, u, targets, room, noise)
            loss_curve.append(loss)
            bar.update()
            if config.advance is not None and right >= config.advance:
                left = min(number + 1, len(config.stages) - 1)
            asked = stop is not None and len(loss_curve) % every == 0
            if len(loss_curve) == most or (asked and stop(_effective(parameters, config))):
                break
    return Training(_effective(parameters, config), np.array(loss_curve))


def _examples(task, config, horizon, rng) -> tuple[np.ndarray, np.ndarray]:
    """Draw inputs and the targets that follow the last s of them."""
    u = random_bits(task, config.batch, rng)
    targets = continuation(task, u, horizon)
    if config.most_inputs is not None:
        earlier = int(rng.integers(config.most_inputs - task.s + 1))
        u = np.concatenate([rng.choice([-1.0, 1.0], (len(u), earlier, task.kappa)), u], axis=1)
    return u, targets


def _noise(config, steps: int, rng, device: str | None):
    """Draw what is added to every unit at every step, ``None`` without noise."""
    if not config.noise:
        return None
    drawn = rng.standard_normal((steps, config.batch, config.hidden), dtype=np.float32)
    drawn *= np.float32(config.noise)
    return drawn if device is None else torch.from_numpy(drawn).to(device)


def _update(parameters, moments, config, rate, u, targets, room, noise) -> tuple[float, float]:
    """One step of Adam down the clipped gradient; the batch's loss and part of right bits."""
    scales = _scales(config)
    views = (p.numpy() if isinstance(u, np.ndarray) else p for p in parameters)
    effective = (c * p for c, p in zip(scales, views, strict=True))
    W_hh, W_uh, W_r, *b = effective
    how = {"b": b[0] if b else None, "activation": config.activation, "noise": noise}
    loss, y, *gradient = backpropagate(W_hh, W_uh, W_r, u, targets, room, **how)
    gradient = gradient[: len(parameters)]
    gradient = [torch.as_tensor(c * g) for c, g in zip(scales, gradient, strict=True)]
    norm = float(torch.cat([g.flatten() for g in gradient]).norm())
    if not math.isfinite(norm):
        raise ValueError(f"learning diverged: the gradient is not finite at learning rate {rate:g}")
    excess = max(1.0, norm / config.clip)
    gradient = [g / excess for g in gradient]
    adam(parameters, gradient, **moments, **_ADAM, lr=rate)
    return loss, int((y * targets > 0).sum()) / math.prod(targets.shape)


# The function behind torch.optim.Adam: the class imports a compiler first, which takes longer
# than a network takes to learn.
_ADAM = {
    "beta1": 0.9,
    "beta2": 0.999,
    "eps": 1e-8,
    "weight_decay": 0.0,
    "amsgrad": False,
    "maximize": False,
    "fused": True,
}


def _moments(parameters: list[torch.Tensor]) -> dict[str, list[torch.Tensor]]:
    return {
        "exp_avgs": [torch.zeros_like(p) for p in parameters],
        "exp_avg_sqs": [torch.zeros_like(p) for p in parameters],
        "max_exp_avg_sqs": [],
        "state_steps": [torch.zeros((), device=p.device) for p in parameters],
    }


def _schedule(config: TrainingConfig) -> Iterator[tuple[int, int, float]]:
    """Stage, horizon and learning rate of every update: linear warm-up, decay, in each stage."""
    for number, (horizon, steps, peak) in enumerate(config.stages):
        for n in range(steps):
            warm = min(1.0, (n + 1) / max(1, config.warmup))
            cosine = 0.5 * (1 + math.cos(math.pi * n / steps))
            yield number, horizon, peak * warm * (cosine if config.decay == "cosine" else 1.0)


def _initial(task: Task, config: TrainingConfig) -> list[torch.Tensor]:
    """W_hh, W_uh, W_r and perhaps b as the optimiser sees them, before the write scale."""
    H, kappa = config.hidden, task.kappa
    b = [torch.zeros(H, dtype=torch.float32)] if config.bias else []
    generator = torch.Generator().manual_seed(config.seed)
    shapes = (H, H), (H, kappa), (kappa, H)
    if config.initialisation == "torch":
        bound = 1 / math.sqrt(H)
        uniform = [
            torch.empty(n, dtype=torch.float32).uniform_(-bound, bound, generator=generator)
            for n in shapes
        ]
        return uniform + b
    if kappa > H:
        raise ValueError(f"hidden must be at least kappa = {kappa}, not {H}")
    W_hh, W_uh, W_r = (torch.empty(n, dtype=torch.float32) for n in shapes)
    if config.initialisation == "permutation":
        W_hh = torch.eye(H, dtype=torch.float32)[torch.randperm(H, generator=generator)]
    elif config.initialisation == "identity":
        W_hh = torch.eye(H, dtype=torch.float32)
    else:
        torch.nn.init.orthogonal_(W_hh, generator=generator)
    torch.nn.init.orthogonal_(W_uh, generator=generator)
    torch.nn.init.normal_(W_r, std=0.3 / math.sqrt(H), generator=generator)
    return [W_hh, W_uh, W_r, *b]


def _scales(config: TrainingConfig) -> tuple[float, ...]:
    scales = 1.0, float(config.write_scale), 1 / float(config.write_scale)
    return (*scales, 1.0) if config.bias else scales


def _effective(parameters, config: TrainingConfig) -> Network:
    scaled = zip(_scales(config), parameters, strict=True)
    arrays = (c * p.detach().cpu().double().numpy() for c, p in scaled)
    return Network(*arrays, activation=ACTIVATIONS[config.activation])


def _array(x: np.ndarray, device: str | None):
    """Sequences as the gradient wants them: time first, single precision, on the device."""
    x = np.ascontiguousarray(np.moveaxis(x, 0, 1), dtype=np.float32)
    return x if device is None else torch.from_numpy(x).to(device)


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread: the same bits whatever the machine's setting, and no slower at these sizes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)


checks.guard(globals())
