"""Learning the weights from examples by gradient descent (section 7)."""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from tqdm import tqdm

from emt import checks
from emt.elman import Weights
from emt.tasks import Task, continuation, random_bits


class Stage(NamedTuple):
    """One stage of training: loss over `horizon` output steps, `steps` updates of Adam."""

    horizon: int
    steps: int
    learning_rate: float


def three_stages(learning_rate: float = 5e-3) -> tuple[Stage, ...]:
    """Return the book's schedule: ever longer horizons at ever smaller learning rates.

    Parameters
    ----------
    learning_rate
        Of the first stage; at least 0.
    """
    return (
        Stage(32, 300, learning_rate),
        Stage(64, 300, 0.4 * learning_rate),
        Stage(200, 160, 0.2 * learning_rate),
    )


@dataclass(frozen=True)
class TrainingConfig:
    """Everything besides the task that decides the learned weights.

    Attributes
    ----------
    hidden
        Hidden units H.
    seed
        Of the initial weights and of the training sequences.
    initialisation
        ``"orthogonal"``: `W_hh` a random orthogonal matrix, `W_uh` orthonormal columns times
        `write_scale`, `W_r` small and random, divided by `write_scale`.
        ``"torch"``: PyTorch's default for RNNs, uniform in +-1/sqrt(H).
    write_scale
        Factor between `W_uh` and the matrix that the optimiser sees; above 0.
    stages
        Run one after the other; the learning rate warms up and decays in each.
    batch
        Sequences an update.
    clip
        Largest norm of the gradient.
    warmup
        Updates of linear warm-up at the start of each stage.

    Raises
    ------
    ValueError
        If a number is out of range or the initialisation unknown.
    """

    hidden: int = 128
    seed: int = 0
    initialisation: str = "orthogonal"
    write_scale: float = 0.03
    stages: tuple[Stage, ...] = three_stages()
    batch: int = 64
    clip: float = 1.0
    warmup: int = 20

    def __post_init__(self):
        """Check the record once, here."""
        checks.integer("hidden", self.hidden)
        checks.integer("seed", self.seed, least=0)
        checks.choice("initialisation", self.initialisation, ("orthogonal", "torch"))
        tiny = float(np.finfo(np.float32).tiny)
        checks.real("write_scale", self.write_scale, least=tiny)
        checks.real("clip", self.clip, least=tiny)
        checks.integer("batch", self.batch)
        checks.integer("warmup", self.warmup, least=0)
        if not self.stages:
            raise ValueError("stages must hold at least one stage, not ()")
        object.__setattr__(self, "stages", tuple(Stage(*stage) for stage in self.stages))
        for stage in self.stages:
            checks.integer("horizon", stage.horizon)
            checks.integer("steps", stage.steps)
            checks.real("learning_rate", stage.learning_rate, least=0.0)


class Training(NamedTuple):
    """A learned network and how it was learned.

    Attributes
    ----------
    weights
        After the last update.
    loss
        Mean squared error of the output phase before each update.
    """

    weights: Weights
    loss: Float[np.ndarray, " updates"]


def untrained(task: Task, config: TrainingConfig) -> Weights:
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
        If orthonormal columns do not fit, that is kappa > hidden.
    """
    return _effective(_initial(task, config), config)


def train(task: Task, config: TrainingConfig, progress: bool = True) -> Training:
    """Learn a network by backpropagation through time, Adam, mean squared error (section 7).

    Parameters
    ----------
    task
        What is to be learned; the loss is that of its plain-input targets, Eq. (5).
    config
        Sizes, seed, schedule.
    progress
        Whether to draw a progress bar, which is drawn on a terminal only.

    Raises
    ------
    ValueError
        If kappa > hidden with the orthogonal initialisation.

    Warns
    -----
    UserWarning
        If the network has fewer than ``s * kappa`` hidden units, which any f may need.
    """
    if config.hidden < task.s * task.kappa:
        warnings.warn(
            f"hidden = {config.hidden} is below s * kappa = {task.s * task.kappa}: "
            "the network may not hold all variables",
            stacklevel=2,
        )
    with _one_thread():
        return _train(task, config, progress)


def _train(task: Task, config: TrainingConfig, progress: bool) -> Training:
    rng = np.random.default_rng([config.seed, 1])
    parameters = [p.requires_grad_() for p in _initial(task, config)]
    scale = _scales(config)
    updates = list(_schedule(config))
    optimiser = torch.optim.Adam(parameters)
    loss_curve = []
    for horizon, rate in tqdm(updates, disable=None if progress else True, desc="training"):
        u = random_bits(task, config.batch, rng)
        targets = continuation(task, u, horizon)
        W_hh, W_uh, W_r = (c * p for c, p in zip(scale, parameters, strict=True))
        y = _outputs(W_hh, W_uh, W_r, _float32(u), horizon)
        loss = torch.nn.functional.mse_loss(y, _float32(targets))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, config.clip)
        optimiser.param_groups[0]["lr"] = rate
        optimiser.step()
        loss_curve.append(loss.item())
    return Training(_effective(parameters, config), np.array(loss_curve))


def _outputs(W_hh, W_uh, W_r, u, horizon):
    """Eq. (6) over the input phase, then y over `horizon` steps of the output phase."""
    h, W_hh = u.new_zeros(len(u), len(W_hh)), W_hh.T.contiguous()
    for t in range(u.shape[1]):
        h = torch.tanh(h @ W_hh + u[:, t] @ W_uh.T)
    output_phase = []
    for _ in range(horizon):
        h = torch.tanh(h @ W_hh)
        output_phase.append(h)
    return torch.stack(output_phase, dim=1) @ W_r.T


def _schedule(config: TrainingConfig) -> Iterator[tuple[int, float]]:
    """Horizon and learning rate of every update: linear warm-up, cosine decay, stage by stage."""
    for horizon, steps, peak in config.stages:
        for n in range(steps):
            warm = min(1.0, (n + 1) / max(1, config.warmup))
            yield horizon, peak * warm * 0.5 * (1 + math.cos(math.pi * n / steps))


def _initial(task: Task, config: TrainingConfig) -> list[torch.Tensor]:
    """W_hh, W_uh, W_r as the optimiser sees them, before the write scale."""
    H, kappa = config.hidden, task.kappa
    generator = torch.Generator().manual_seed(config.seed)
    shapes = (H, H), (H, kappa), (kappa, H)
    if config.initialisation == "torch":
        bound = 1 / math.sqrt(H)
        return [torch.empty(n).uniform_(-bound, bound, generator=generator) for n in shapes]
    if kappa > H:
        raise ValueError(f"hidden must be at least kappa = {kappa}, not {H}")
    W_hh, W_uh, W_r = (torch.empty(n) for n in shapes)
    torch.nn.init.orthogonal_(W_hh, generator=generator)
    torch.nn.init.orthogonal_(W_uh, generator=generator)
    torch.nn.init.normal_(W_r, std=0.1 / math.sqrt(H), generator=generator)
    return [W_hh, W_uh, W_r]


def _scales(config: TrainingConfig) -> tuple[float, float, float]:
    return 1.0, config.write_scale, 1 / config.write_scale


def _effective(parameters, config: TrainingConfig) -> Weights:
    scaled = zip(_scales(config), parameters, strict=True)
    return Weights(*(c * p.detach().double().numpy() for c, p in scaled))


def _float32(x: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(x.astype(np.float32))


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread for torch: the same bits whatever machine setting, and no slower here."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
