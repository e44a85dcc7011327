"""The linear network that the paper constructs, its states, when it is exact (section 5, App. B).

The constructed network computes the driven recursion, `emt.tasks.driven`. That is Eq. (5) started
from the plain inputs if, and only if, ``F_i F_j = 0`` for all i and all j >= 2; otherwise no linear
time-invariant network of any size computes Eq. (5).
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from emt import checks
from emt.basis import components, dual, operator
from emt.network import IDENTITY, Activation, Network, run, states
from emt.tasks import Task, continuation, with_silence


def constructed(
    task: Task,
    Psi: Float[np.ndarray, "H n"],
    Psi_dual: Float[np.ndarray, "n H"] | None = None,
    activation: Activation = IDENTITY,
) -> Network:
    """Return ``W_hh = Psi Phi Psi*``, ``W_uh = Psi_s``, ``W_r = Psi*_s``.

    Eqs. (9), (10), (11); for repeat copy Eq. (25). It is linear, and computes `emt.tasks.driven`
    exactly.

    Parameters
    ----------
    task
        n = s * kappa.
    Psi
        Variable memories, one column a component, memory 1 first.
    Psi_dual
        Their covectors; by default those in the span of `Psi`, Eq. (3).
    activation
        Of the network: none, as in the theory, or `TANH` for example.

    Raises
    ------
    ValueError
        If the columns are dependent or the covectors are not dual.
    """
    n, kappa = task.s * task.kappa, task.kappa
    Psi = checks.array("Psi", Psi, None, n)
    Psi_dual = dual(Psi) if Psi_dual is None else checks.array("Psi_dual", Psi_dual, n, len(Psi))
    if not np.allclose(Psi_dual @ Psi, np.eye(n), atol=1e-8):
        error = abs(Psi_dual @ Psi - np.eye(n)).max()
        raise ValueError(f"Psi_dual must satisfy Psi_dual @ Psi = I, which is off by {error:.1e}")
    W_hh = operator(task.Phi, Psi, Psi_dual)
    return Network(W_hh, Psi[:, n - kappa :], Psi_dual[n - kappa :], activation=activation)


def repeat_copy_state(
    Psi: Float[np.ndarray, "H n"], u: Float[np.ndarray, "T kappa"], s: int, t: int
) -> Float[np.ndarray, " H"]:
    """Return the hidden state at time t in closed form: each input in the memory it has got to.

    ``h(t) = sum_mu u^i(mu) psi_[(mu-t-1) mod s]kappa+i`` over the inputs mu = 1 ... t. With its
    index corrected, this is Eq. (34), and Eq. (13); Eqs. (26), (27), (28), (29) at t = 1,
    Eqs. (30), (31), (32) at t = 2 and Eq. (33) at t = s. It holds for any number of inputs.

    Parameters
    ----------
    Psi
        Variable memories, one column a component, memory 1 first; n = s * kappa.
    u
        Inputs u(1) ... u(T); later ones are zero.
    s
        Number of memories; at least 1.
    t
        Time step; at least 1.
    """
    u = checks.array("u", u, None, None)[: checks.integer("t", t)]
    Psi = checks.array("Psi", Psi, None, checks.integer("s", s) * u.shape[1])
    mu = np.arange(1, len(u) + 1)
    blocks = Psi.reshape(len(Psi), s, u.shape[1])[:, (mu - t - 1) % s]
    return np.einsum("hmi,mi->h", blocks, u)


class Trace(NamedTuple):
    """What the memories hold after each line of a program, at each time step (Figs. 1, 2).

    Attributes
    ----------
    composed
        After every memory is copied to the one before, and f enters memory s.
    written
        After the input is added to memory s.
    read
        What is read from memory s.
    """

    composed: Float[np.ndarray, "T n"]
    written: Float[np.ndarray, "T n"]
    read: Float[np.ndarray, "T kappa"]


def program(task: Task, u: Float[np.ndarray, "T kappa"]) -> Trace:
    """Run the pseudocode of Fig. 1, line by line, on a list of s variables.

    Parameters
    ----------
    task
        The rule f.
    u
        Inputs u(1) ... u(T), zeros in the output phase.

    Raises
    ------
    ValueError
        If the task takes signs.
    """
    if task.threshold:
        raise ValueError("task must be linear (threshold=False): the lines of Fig. 1 take no sign")
    u = _inputs(u, task)
    M = [np.zeros(task.kappa)] * task.s
    lines = []
    for u_t in u:
        M = [*M[1:], sum(F_k @ M_k for F_k, M_k in zip(task.F, M, strict=True))]
        composed = np.concatenate(M)
        M[-1] = M[-1] + u_t
        lines.append((composed, np.concatenate(M), M[-1]))
    return Trace(*map(np.array, zip(*lines, strict=True)))


def run_by_line(
    network: Network, Psi_dual: Float[np.ndarray, "n H"], u: Float[np.ndarray, "T kappa"]
) -> Trace:
    """Run a linear network line by line and read its memories (Fig. 1).

    The lines are ``h <- W_hh h``, ``h <- h + W_uh u(t)``, ``y <- W_r h``.

    Parameters
    ----------
    network
        The network: linear, without bias or leak.
    Psi_dual
        Covectors of its memories.
    u
        Inputs u(1) ... u(T), zeros in the output phase.

    Raises
    ------
    ValueError
        If the network is not linear.
    """
    if network.activation != IDENTITY or network.b is not None or np.any(network.leak != 1.0):
        raise ValueError("network must be linear, with no bias and no leak, as the program is")
    Psi_dual = checks.array("Psi_dual", Psi_dual, None, network.hidden)
    u = _inputs(u, network)
    h = np.stack(list(states(network, u)))
    before = np.vstack([np.zeros(network.hidden), h[:-1]])
    composed = components(before @ network.W_hh.T, Psi_dual)
    return Trace(composed, components(h, Psi_dual), h @ network.W_r.T)


def _inputs(u: np.ndarray, sized: Task | Network) -> np.ndarray:
    u = checks.array("u", u, None, sized.kappa)
    checks.integer("the number of steps of u", len(u))
    return u


def coefficients(task: Task, steps: int) -> Float[np.ndarray, "steps s kappa kappa"]:
    """Return C with ``x(s+m) = sum_k C[m-1, k-1] u(k)``: Eq. (5), solved from plain inputs.

    Parameters
    ----------
    task
        The rule f, taken without its threshold.
    steps
        Of the output phase; at least 1.
    """
    s, kappa = task.s, task.kappa
    impulses = np.eye(s * kappa).reshape(s, kappa, s, kappa)
    response = continuation(replace(task, threshold=False), impulses, steps)
    return np.einsum("kjmi->mkij", response)


def toeplitz_defect(task: Task) -> float:
    """Return how far the coefficients of Eq. (5) are from depending on s+m-k only.

    A linear time-invariant network answers an input by its age alone, so this must be 0 for one
    to exist. It is the largest difference between neighbours on a diagonal of `coefficients`; s + 1
    steps decide.

    Parameters
    ----------
    task
        The rule f, taken without its threshold.
    """
    C = coefficients(task, task.s + 1)
    return float(abs(C[1:, 1:] - C[:-1, :-1]).max(initial=0.0))


def criterion(task: Task) -> float:
    """Return the largest entry of any ``F_i F_j`` with j >= 2: 0 where linear networks suffice.

    Parameters
    ----------
    task
        The rule f of Eq. (5), taken without its threshold.
    """
    products = np.einsum("iab,jbc->ijac", task.F, task.F[1:])
    return float(abs(products).max(initial=0.0))


def simulation_defect(task: Task) -> float:
    """Return how far the constructed network's outputs are from Eq. (5), over all unit inputs.

    Parameters
    ----------
    task
        The rule f, taken without its threshold. 2s output steps are run.
    """
    n, steps = task.s * task.kappa, 2 * task.s
    impulses = np.eye(n).reshape(n, task.s, task.kappa)
    plain = continuation(replace(task, threshold=False), impulses, steps)
    network = constructed(task, np.eye(n))
    _, y = run(network, with_silence(impulses, steps))
    return float(abs(y[:, task.s :] - plain).max())


def innovations(
    task: Task, x: Float[np.ndarray, "*batch s kappa"]
) -> Float[np.ndarray, "*batch s kappa"]:
    """Return the inputs that make the linear network hold x: what f does not already predict.

    ``w(t) = x(t) - sum_(i<t) F_(s+1-i) x(t-i)``, t = 1 ... s.

    Parameters
    ----------
    task
        The rule f of Eq. (5), taken without its threshold.
    x
        The s vectors to be held.
    """
    x = checks.array("x", x, ..., task.s, task.kappa)
    w = x.copy()
    for i in range(1, task.s):
        w[..., i:, :] -= x[..., :-i, :] @ task.F[task.s - i].T
    return w


checks.guard(globals())
