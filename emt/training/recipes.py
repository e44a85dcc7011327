"""Everything besides the task that decides the learned weights: stages, and all recipes."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from emt import checks


class Stage(NamedTuple):
    """One stage of training: loss over `horizon` output steps, `steps` updates of Adam at most."""

    horizon: int
    steps: int
    learning_rate: float


def three_stages(
    s: int = 16, learning_rate: float = 5e-3, updates: tuple[int, int, int] = (350, 200, 300)
) -> tuple[Stage, ...]:
    """Return the book's schedule: longer and longer horizons, ever smaller learning rates.

    Horizons are 2 and 5 cycles of s steps, and then 12 cycles, but at least 192 steps.

    The rate falls faster than the horizon grows: a rate that suits a short horizon destroys, at
    the change to a longer one, modes that were learned.

    Parameters
    ----------
    s
        Steps of a cycle; at least 1.
    learning_rate
        Of the first stage; at least 0.
    updates
        Of each stage; a stage of 0 is left out.
    """
    checks.real("learning_rate", learning_rate, least=0.0)
    horizons = 2 * checks.integer("s", s), 5 * s, max(12 * s, 192)
    rates = (part * learning_rate for part in (1.0, 0.3, 0.1))
    stages = zip(horizons, updates, rates, strict=True)
    return tuple(Stage(*stage) for stage in stages if stage[1])


INITIALISATIONS = ("orthogonal", "permutation", "identity", "torch")
LEARNABLE = ("tanh", "ReLU", "identity")
"""Activation functions of which `backpropagate` has the derivative."""


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
        `write_scale`, `W_r` normal with standard deviation 0.3/sqrt(H), divided by `write_scale`.
        ``"permutation"``: the same, but `W_hh` a random permutation matrix.
        ``"identity"``: the same, but `W_hh` the identity.
        ``"torch"``: PyTorch's default for RNNs, uniform in +-1/sqrt(H).
    write_scale
        Factor between `W_uh` and the matrix that the optimiser sees; above 0.
    stages
        Run one after the other.
    batch
        Sequences an update.
    clip
        Largest norm of the gradient.
    warmup
        Updates of linear warm-up at the start of each stage.
    decay
        Of the learning rate in a stage: ``"cosine"`` to zero, or ``"none"``.
    advance
        A stage but the last ends early once this part of a batch's bits is right, if given.
    updates
        Most updates in all, if given.
    most_inputs
        If given, every batch has a random number of inputs, s at least and this at most; the last
        s count.
    bias
        Whether the hidden units have a bias, which starts at 0.
    activation
        ``"tanh"``, ``"ReLU"``, or ``"identity"``, which is none.
    noise
        Standard deviation of what is added, in training, to the argument of every unit's
        activation at every step.
    """

    hidden: int = 128
    seed: int = 0
    initialisation: str = "orthogonal"
    write_scale: float = 0.03
    stages: tuple[Stage, ...] = three_stages()
    batch: int = 16
    clip: float = 1.0
    warmup: int = 20
    decay: str = "cosine"
    advance: float | None = None
    updates: int | None = None
    most_inputs: int | None = None
    bias: bool = False
    activation: str = "tanh"
    noise: float = 0.0

    def __post_init__(self):
        """Check the record once, here."""
        checks.integer("hidden", self.hidden)
        checks.integer("seed", self.seed, least=0)
        checks.choice("initialisation", self.initialisation, INITIALISATIONS)
        tiny = float(np.finfo(np.float32).tiny)
        checks.real("write_scale", self.write_scale, least=tiny)
        checks.real("clip", self.clip, least=tiny)
        checks.choice("activation", self.activation, LEARNABLE)
        checks.real("noise", self.noise, least=0.0)
        checks.integer("batch", self.batch)
        checks.integer("warmup", self.warmup, least=0)
        checks.choice("decay", self.decay, ("cosine", "none"))
        if self.advance is not None:
            checks.real("advance", self.advance, least=0.0, most=1.0)
        for name in ("updates", "most_inputs"):
            if getattr(self, name) is not None:
                checks.integer(name, getattr(self, name))
        if not self.stages:
            raise ValueError("stages must hold at least one stage, not ()")
        for stage in self.stages:
            checks.integer("horizon", stage.horizon)
            checks.integer("steps", stage.steps)
            checks.real("learning_rate", stage.learning_rate, least=0.0)


# To the published quality and no further: for s = kappa = 8, and for s = 16, kappa = 5.
QUICK = {
    8: TrainingConfig(
        stages=(Stage(16, 290, 8.3e-3), Stage(40, 150, 0.3 * 8.3e-3), Stage(96, 100, 0.1 * 8.3e-3)),
        batch=14,
    ),
    16: TrainingConfig(stages=three_stages(16, 5e-3, (620, 150, 0)), batch=10),
}


def published(seed: int = 0) -> TrainingConfig:
    """Return the recipe of the paper's authors, as their public program has it.

    For s = kappa = 8: uniform start, no bias, Adam at 1e-3 throughout, batches of 64, horizons of
    10, 20, 40, 60, 100 steps, each left when 0.96 of a batch is right, 20,000 updates in all;
    128 hidden units and gradients clipped at 1, which are the defaults here.

    Parameters
    ----------
    seed
        Of the initial weights and of the training sequences.
    """
    return TrainingConfig(
        seed=seed,
        initialisation="torch",
        write_scale=1.0,
        stages=tuple(Stage(horizon, 20_000, 1e-3) for horizon in (10, 20, 40, 60, 100)),
        batch=64,
        warmup=0,
        decay="none",
        advance=0.96,
        updates=20_000,
    )


def before_fitting(s: int, hidden: int = 128, seed: int = 0) -> TrainingConfig:
    """Return a short training, by small writes, that leaves a network near enough to be fitted.

    Parameters
    ----------
    s
        Steps of a cycle; at least 1.
    hidden, seed
        As for `TrainingConfig`.
    """
    stages = three_stages(s, updates=(350, 200, 0))
    return TrainingConfig(hidden=hidden, seed=seed, write_scale=0.01, stages=stages)


def to_overwrite(
    s: int = 8,
    hidden: int = 128,
    seed: int = 0,
    learning_rate: float = 5e-3,
    updates: int = 2400,
    most_inputs: int | None = None,
) -> TrainingConfig:
    """Return a training in which networks learn to overwrite.

    From a permutation, with full writes, batches of 64, horizons of 2 and 6 cycles and of 100
    steps.

    Parameters
    ----------
    s
        Steps of a cycle; at least 1.
    hidden, seed, most_inputs
        As for `TrainingConfig`.
    learning_rate
        Of the first stage; at least 0.
    updates
        Of the last stage, at least 0.
    """
    s = checks.integer("s", s)
    stages = (
        Stage(2 * s, 300, learning_rate),
        Stage(6 * s, 300, 0.6 * learning_rate),
        Stage(100, updates, 0.2 * learning_rate),
    )
    return TrainingConfig(
        hidden=hidden,
        seed=seed,
        initialisation="permutation",
        write_scale=1.0,
        stages=stages,
        batch=64,
        most_inputs=most_inputs,
    )


checks.guard(globals())
