"""The linear network that the paper constructs, and its states (section 5.2, Appendix B)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from emt import checks
from emt.basis import components, dual, operator
from emt.network import IDENTITY, Activation, Network, states
from emt.tasks import Task


def interactions(task: Task) -> Float[np.ndarray, "n n"]:
    """Return `Phi`: memory k moves to k-1, f of all memories enters memory s.

    Eq. (9); for repeat copy Eq. (12), and the first line of Eq. (25).

    Parameters
    ----------
    task
        Its coefficients ``[F_1 ... F_s]`` are the last block row; n = s * kappa.
    """
    n, kappa = task.s * task.kappa, task.kappa
    Phi = np.eye(n, k=kappa)
    Phi[n - kappa :] = np.concatenate(task.F, axis=1)
    return Phi


def lasting(task: Task) -> Bool[np.ndarray, " n"]:
    """Say which components of the memories matter for ever; the others, soon forgotten, are dead.

    Repeat copy needs all s * kappa, compose copy kappa (kappa + 1) / 2.

    Parameters
    ----------
    task
        The rule f; n = s * kappa.
    """
    reaches = interactions(task) != 0
    alive = np.ones(len(reaches), bool)
    for _ in alive:
        alive = reaches[alive].any(axis=0)
    return alive


def repeats(task: Task) -> bool:
    """Say whether a task is repeat copy: ``F_1 = I``, the rest 0.

    Parameters
    ----------
    task
        The rule f.
    """
    return bool((task.F[0] == np.eye(task.kappa)).all() and not task.F[1:].any())


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
        If the shapes disagree, the columns are dependent or the covectors are not dual.
    """
    n, kappa = task.s * task.kappa, task.kappa
    Psi = checks.array("Psi", Psi, None, n)
    Psi_dual = dual(Psi) if Psi_dual is None else checks.array("Psi_dual", Psi_dual, n, len(Psi))
    if not np.allclose(Psi_dual @ Psi, np.eye(n), atol=1e-8):
        error = abs(Psi_dual @ Psi - np.eye(n)).max()
        raise ValueError(f"Psi_dual must satisfy Psi_dual @ Psi = I, which is off by {error:.1e}")
    W_hh = operator(interactions(task), Psi, Psi_dual)
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

    Raises
    ------
    ValueError
        If the shapes disagree, a number is not finite, or `s` or `t` is below 1.
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
        If `u` is not (T, kappa), is not finite, or has no steps, or the task takes signs.
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


def trace(
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
        If the shapes disagree, a number is not finite, there are no steps, or the network is not
        linear.
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


checks.guard(globals())
