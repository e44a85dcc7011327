"""Beyond the paper: how long a network holds contents that are real numbers, not only signs."""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from emt import checks
from emt.network import Recurrent, last_state, silent_states


class Fidelity(NamedTuple):
    """What is left of numbers that were stored.

    Attributes
    ----------
    correlation
        Cosine between what is read and what was stored: 1 if every ratio of contents is kept,
        0 if nothing is.
    gain
        The factor that brings what was stored nearest to what is read.
    signs
        Part of the signs that are right.
    """

    correlation: float
    gain: float
    signs: float


def fidelity(
    stored: Float[np.ndarray, "*batch kappa"], read: Float[np.ndarray, "*batch kappa"]
) -> Fidelity:
    """Compare what is read with what was stored.

    Numbers with the sign of what was stored and all of one size have the correlation
    ``E|x| / sqrt(E x^2)``, which is sqrt(3)/2 for uniform x.

    Parameters
    ----------
    stored
        Numbers, not all 0.
    read
        As many.

    Raises
    ------
    ValueError
        If the shapes differ, a number is not finite or everything stored is 0.
    """
    stored = checks.array("stored", stored, ...)
    read = checks.array("read", read, *stored.shape)
    power = (stored**2).sum()
    if not power:
        raise ValueError("stored must hold a number other than 0: there is nothing to compare")
    together, said = (stored * read).sum(), np.sqrt((read**2).sum())
    correlation = together / np.sqrt(power) / said if said else 0.0
    signs = (np.sign(stored) == np.sign(read)).mean()
    return Fidelity(float(correlation), float(together / power), float(signs))


def recalled(
    network: Recurrent,
    u: Float[np.ndarray, "batch s kappa"],
    cycles: list[int],
) -> list[Float[np.ndarray, "batch s kappa"]]:
    """Return the outputs of some cycles of s steps after the input: of repeat copy, u itself.

    Parameters
    ----------
    network
        The network.
    u
        Inputs u(1) ... u(s).
    cycles
        Which, ascending from 1 or later.

    Raises
    ------
    ValueError
        If `u` does not fit the network or `cycles` do not ascend from 1 or later.
    """
    u = checks.array("u", u, None, None, network.inputs)
    s = checks.integer("the number of steps of u", u.shape[1])
    h = last_state(network, u)
    spoken = silent_states(network, h)
    found, done = [], 0
    checks.fits("cycles", max(cycles, default=1), *h.shape)
    for cycle in cycles:
        skipped = (checks.integer("cycles", cycle, least=done + 1) - 1 - done) * s
        h = list(itertools.islice(spoken, skipped, skipped + s))
        found.append(network.read(np.stack(h, axis=1)))
        done = cycle
    return found


checks.guard(globals())
