"""What the tests share: one thread, no window, networks whose answers are known."""

import signal
from dataclasses import replace
from typing import NamedTuple

import jaxtyping
import matplotlib
import numpy as np
import pytest
from hypothesis import settings

# Checks of shapes, by the annotations: of all rooms but those that have none, and `checks` itself,
# whose every call they would slow down.
HOOKED = "tasks basis network scoring gsemm linear_network linearization algorithm1 evidence "
HOOKED += "spectrum impulse gated training beyond figures loading"
jaxtyping.install_import_hook(
    [f"emt.{room}" for room in HOOKED.split()],
    "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))",
)

from emt import (
    IDENTITY,
    Activation,
    Network,
    Stage,
    Task,
    TrainingConfig,
    constructed,
    repeat_copy,
    train,
)
from emt.training.descent import Training
from emt.workshop.parallel import one_thread

matplotlib.use("Agg")
# A shell's background job ignores Ctrl-C, and so would every command that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile("emt", deadline=None, derandomize=True, database=None, max_examples=25)
settings.load_profile("emt")

BASES = ("orthonormal", "non-orthonormal", "oblique")


class Known(NamedTuple):
    """A network built from memories that are known: ``W_hh = Psi Phi Psi* + R A R*``."""

    task: Task
    network: Network
    Psi: np.ndarray
    Psi_dual: np.ndarray


def arrays(network: Network) -> dict[str, np.ndarray]:
    """Return the weights that a network has, by name."""
    return {k: v for k, v in vars(network).items() if isinstance(v, np.ndarray)}


def straight(network: Network) -> Network:
    """Return the network without its activation function."""
    return replace(network, activation=IDENTITY)


def bent(network: Network, function) -> Network:
    """Return the network with another activation function, never to be linearised."""
    return replace(network, activation=Activation(function, np.full_like))


def known_network(s=3, kappa=2, spare=4, basis="oblique", seed=0, task=None, radius=0.7) -> Known:
    """Build a network with `spare` decaying modes beside its memories.

    The decaying modes are orthogonal to the memories unless the basis is oblique.
    """
    rng = np.random.default_rng(seed)
    task = task or repeat_copy(s, kappa)
    n = task.s * task.kappa
    H = n + spare
    B, _ = np.linalg.qr(rng.normal(size=(H, H)))
    if basis != "orthonormal":
        end = H if basis == "oblique" else n
        B[:, :end] = B[:, :end] @ (np.eye(end) + 0.5 * rng.normal(size=(end, end)) / np.sqrt(end))
    dual = np.linalg.inv(B)
    A = rng.normal(size=(spare, spare))
    if spare:
        A *= radius / abs(np.linalg.eigvals(A)).max()
    Psi, Psi_dual = B[:, :n], dual[:n]
    w = constructed(task, Psi, Psi_dual)
    weights = Network(w.W_hh + B[:, n:] @ A @ dual[n:], w.W_uh, w.W_r)
    return Known(task, weights, Psi, Psi_dual)


# The files that take longest come first, so that no worker is left alone with one.
LONG = "other_sizes live make tables pipeline command parallel"


def pytest_collection_modifyitems(items):
    """Put the long files first; `--no-loadscope-reorder` keeps them there."""
    order = {f"test_{name}": n for n, name in enumerate(LONG.split())}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@pytest.fixture(scope="session")
def known():
    """Return the builder of networks with known memories."""
    return known_network


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    one_thread()


@pytest.fixture
def _no_shape_hook():
    """Silence the hook that checks shapes, whose own errors would come first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


class Trained(NamedTuple):
    """A learned network and what it was learned with."""

    task: Task
    config: TrainingConfig
    training: Training
    network: Network


@pytest.fixture(scope="session")
def trained() -> Trained:
    """Train one small network on repeat copy; about three seconds."""
    task = repeat_copy(4, 2)
    stages = Stage(8, 150, 1e-2), Stage(24, 150, 4e-3)
    config = TrainingConfig(hidden=16, write_scale=0.1, stages=stages, batch=32)
    result = train(task, config, progress=False)
    return Trained(task, config, result, result.network)


@pytest.fixture(scope="session")
def noise() -> Network:
    """Return a network of random weights with a bias: no symmetry hides a mistake."""
    rng = np.random.default_rng(7)
    H, kappa = 7, 3
    shapes = (H, H), (H, kappa), (kappa, H), (H,)
    return Network(*(0.6 * rng.normal(size=shape) for shape in shapes))
