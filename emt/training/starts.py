"""The weights that training starts from.

They are drawn as PyTorch draws them, so that a seed means here what it means there: its generator
is the Mersenne Twister, which NumPy has too. Importing PyTorch takes longer than
learning a network.
"""

import math
from collections.abc import Callable

import numpy as np

from emt import checks
from emt.tasks import Task
from emt.training.recipes import TrainingConfig


def initial(task: Task, config: TrainingConfig) -> list[np.ndarray]:
    """Return W_hh, W_uh, W_r, and b if there is one, in single precision.

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
    H, kappa = config.hidden, task.kappa
    words = np.random.RandomState(config.seed % 2**32).randint
    shapes = (H, H), (H, kappa), (kappa, H)
    if config.initialisation == "torch":
        W_hh, W_uh, W_r = ((2 * _uniform(words, *n) - 1) / math.sqrt(H) for n in shapes)
    else:
        if kappa > H:
            raise ValueError(f"hidden must be at least kappa = {kappa}, not {H}")
        if config.initialisation == "orthogonal":
            W_hh = _orthonormal(_normal(words, H, H))
        else:
            order = _shuffled(words, H) if config.initialisation == "permutation" else range(H)
            W_hh = np.eye(H)[order]
        W_uh = _orthonormal(_normal(words, H, kappa))
        W_r = _normal(words, kappa, H) * 0.3 / math.sqrt(H)
    b = [np.zeros(H)] if config.bias else []
    weights = W_hh, W_uh * config.write_scale, W_r / config.write_scale, *b
    return [w.astype(np.float32) for w in weights]


def _orthonormal(columns: np.ndarray) -> np.ndarray:
    """Return the Q of the QR factorisation whose R has a positive diagonal."""
    Q, R = np.linalg.qr(columns)
    return Q * np.sign(np.diag(R))


def _words(words: Callable, count: int) -> np.ndarray:
    """Return words of 32 bits, the generator's own."""
    return words(0, 2**32, count, np.uint32)


def _uniform(words: Callable, *shape: int) -> np.ndarray:
    """Return numbers in [0, 1): the last 24 bits of a word each."""
    return (_words(words, math.prod(shape)) % 2**24 / 2**24).reshape(shape)


def _normal(words: Callable, *shape: int) -> np.ndarray:
    """Return normal numbers by Box and Muller, sixteen from eight pairs; the last overlap."""
    n = math.prod(shape)
    most = max(n, 16)
    drawn = _box_muller(_uniform(words, most)[: most // 16 * 16])
    if most % 16:
        drawn = np.append(drawn[: most - 16], _box_muller(_uniform(words, 16)))
    return drawn[:n].reshape(shape)


def _box_muller(uniform: np.ndarray) -> np.ndarray:
    a, b = uniform.reshape(-1, 2, 8).swapaxes(0, 1)
    wave = np.sqrt(-2 * np.log(1 - a)) * np.exp(2j * np.pi * b)
    return np.stack([wave.real, wave.imag], axis=1).ravel()


def _shuffled(words: Callable, n: int) -> np.ndarray:
    order = np.arange(n)
    for i, word in enumerate(_words(words, n - 1)):
        j = i + word % (n - i)
        order[[i, j]] = order[[j, i]]
    return order


checks.guard(globals())
