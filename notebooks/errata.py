"""What the paper prints and what is right, both executed (the book's errata page).

A row returns two errors: of the formula or sentence as printed, and of the one put in its place.
The first must be large and the second rounding. Rows are in the paper's order. `LOOSE` holds
sentences that are not wrong; the first error is then that of what one might take them for.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy import linalg

from emt.algorithm1 import (
    as_printed,
    backward_blocks,
    corrected,
    forward_blocks,
    read_covectors,
    read_dual,
)
from emt.basis import LIVE, dual, invariant_subspaces, operator, spectral_projector
from emt.evidence import non_memory_space
from emt.gsemm import (
    GSEMM,
    effective_interactions,
    euler_step,
    memory_step,
    recurrent_weights,
    simulate_reduced,
)
from emt.linear_network import constructed, repeat_copy_state
from emt.linearization import jacobian, step
from emt.network import IDENTITY, Network, run
from emt.tasks import Task, compose_copy, continuation, driven, repeat_copy, with_silence

TOLERANCE, MARGIN = 1e-8, 0.01
"""The right form's error must not exceed the first, the printed form's must exceed the second."""


S, KAPPA = 4, 3


class Margins(NamedTuple):
    """Errors of the two forms.

    Attributes
    ----------
    printed
        Of the formula or sentence as printed.
    right
        Of the one that replaces it.
    """

    printed: float
    right: float


def holds(margins: Margins) -> bool:
    """Return whether the printed form fails by a clear margin and the right one holds.

    Parameters
    ----------
    margins
        Of one row.
    """
    return margins.right <= TOLERANCE < MARGIN <= margins.printed


def transposed_interactions(rng: np.random.Generator) -> Margins:
    """Section 3 has ``I + Phi'^T`` for all alphas; one Euler step of Eq. (1) decides, Eq. (20)."""
    model = _model(rng)
    V = rng.normal(size=12)
    step = euler_step(model, V, model.T_f)
    printed = operator(np.eye(4) + model.Phi_prime.T, model.Xi, model.Xi_dagger)
    return Margins(
        _apart(memory_step(printed, V), step),
        _apart(memory_step(recurrent_weights(model), V), step),
    )


def transposed_memories(rng: np.random.Generator) -> Margins:
    """Appendix A has ``Xi^T`` where Eq. (1) has ``Xi^dagger``."""
    model = _model(rng)
    V = rng.normal(size=12)
    step = euler_step(model, V, model.T_f)
    Phi = effective_interactions(model)
    network = (operator(Phi, model.Xi, d) for d in (model.Xi.T, model.Xi_dagger))
    return Margins(*(_apart(memory_step(W, V), step) for W in network))


def lost_transpose(rng: np.random.Generator) -> Margins:
    """The text below Eq. (23) has ``I + Phi`` for the interaction of the memories."""
    model = replace(_model(rng), alpha_s=1.0, alpha_c=1.0)
    V = rng.normal(size=12)
    step = euler_step(model, V, model.T_f)
    forms = model.Phi_prime, model.Phi_prime.T
    network = (operator(np.eye(4) + Phi, model.Xi, model.Xi_dagger) for Phi in forms)
    return Margins(*(_apart(memory_step(W, V), step) for W in network))


def silent_sigma_h(rng: np.random.Generator) -> Margins:
    """From Eq. (17) to Eq. (18) sigma_h disappears, as if it were the identity."""
    model = _model(rng)
    V = rng.normal(size=12)
    map_step = memory_step(recurrent_weights(model), V)
    sigmas = np.tanh, IDENTITY.function
    steps = (euler_step(replace(model, sigma_h=sigma), V, model.T_f) for sigma in sigmas)
    return Margins(*(_apart(step, map_step) for step in steps))


def euler_as_approximation(rng: np.random.Generator) -> Margins:
    """Eq. (20) is an Euler step, as section 3 says; so long a one does not follow the flow."""
    one, sigma = np.eye(5), IDENTITY.function
    ring = GSEMM(one, one, np.roll(one, 1, 0) - one, sigma_f=sigma)
    V = rng.normal(size=5)
    step = memory_step(recurrent_weights(ring), V, sigma)
    flowed = simulate_reduced(ring, V, np.array([0.0, 1.0]), 1e-10)[:, -1]
    return Margins(_apart(step, flowed), _apart(step, euler_step(ring, V, 1.0)))


def eigenbasis_always(rng: np.random.Generator) -> Margins:
    """Eigenvectors are said to be one of the bases (below Eq. (2)); compose copy has too few."""
    size = int(rng.integers(3, 6))
    Phi = compose_copy(size).Phi
    missing = len(Phi) - np.linalg.matrix_rank(np.linalg.eig(Phi).eigenvectors, tol=1e-6)
    geometric = len(Phi) - np.linalg.matrix_rank(Phi)
    return Margins(float(missing), float(abs(geometric - (size - 1))))


def shifted_time(rng: np.random.Generator) -> Margins:
    """Eq. (6) has ``h(t+1)`` of u(t), hence ``h(1) = 0``; Eq. (26) has ``h(1) = W_uh u(1)``."""
    _, network, _ = _copier(rng)
    u = rng.normal(size=(S, KAPPA))
    late = run(network, np.vstack([np.zeros(KAPPA), u]))[0]
    return Margins(*(_apart(h[0], network.W_uh @ u[0]) for h in (late, run(network, u)[0])))


def any_linear_f(rng: np.random.Generator) -> Margins:
    """Any linear f of Eq. (5) can be represented, it says; what is computed is the driven rule."""
    task = Task(S, KAPPA, rng.normal(size=(S, KAPPA, KAPPA)) / (S * KAPPA))
    u = with_silence(rng.normal(size=(S, KAPPA)), S)
    _, y = run(constructed(task, rng.normal(size=(S * KAPPA + 3, S * KAPPA))), u)
    return Margins(_apart(y[S:], continuation(task, u[:S], S)), _apart(y, driven(task, u)))


def second_sum(rng: np.random.Generator) -> Margins:
    """The second sum of Eq. (9) starts at (N-1)kappa, a row that the first sum has filled."""
    task = Task(S, KAPPA, rng.normal(size=(S, KAPPA, KAPPA)))
    n, Phi = S * KAPPA, task.Phi

    def sums(start):
        return np.eye(n, k=KAPPA) + np.where(np.arange(1, n + 1)[:, None] >= start, Phi, 0)

    return Margins(_apart(sums(n - KAPPA), Phi), _apart(sums(n - KAPPA + 1), Phi))


def memory_ranges(rng: np.random.Generator) -> Margins:
    """Memory i is said to span (i-1)kappa ... i kappa (section 5.2): one component too many."""
    memory = int(rng.integers(2, S + 1))
    first = (memory - 1) * KAPPA
    sizes = (len(range(start, memory * KAPPA + 1)) for start in (first, first + 1))
    return Margins(*(float(abs(size - KAPPA)) for size in sizes))


def reading_out_of_place(rng: np.random.Generator) -> Margins:
    """``Psi*_i`` of section 5.2 outputs at ``eps_mu``, not in the first kappa places, Eq. (10)."""
    _, network, _ = _copier(rng)
    u = rng.normal(size=(S, KAPPA))
    h = run(network, u)[0][-1]
    in_place = np.zeros((S * KAPPA, network.hidden))
    in_place[-KAPPA:] = network.W_r
    return Margins(_apart((in_place @ h)[:KAPPA], u[-1]), _apart(network.W_r @ h, u[-1]))


def moved_index(rng: np.random.Generator) -> Margins:
    """Eqs. (13), (34) print ``[((mu-t-1) mod s)+1]kappa+i``, one memory too far."""
    _, network, Psi = _copier(rng)
    u = rng.normal(size=(S, KAPPA))
    t = int(rng.integers(1, 3 * S))
    h = run(network, with_silence(u, t))[0][-1]
    beyond = np.hstack([Psi, Psi[:, :KAPPA]])
    mu = np.arange(1, S + 1)
    blocks = beyond.reshape(len(Psi), S + 1, KAPPA)[:, (mu - t - 1) % S + 1]
    printed = np.einsum("hmi,mi->h", blocks, u)
    return Margins(_apart(printed, h), _apart(repeat_copy_state(Psi, u, S, S + t), h))


def forward_half(rng: np.random.Generator) -> Margins:
    """Eq. (15) has ``Psi_k = W_hh^(s-k) W_uh``; for general f, ``Psi_s F_k`` is to be taken off."""
    task = Task(S, KAPPA, rng.normal(size=(S, KAPPA, KAPPA)) / 2)
    Psi = rng.normal(size=(S * KAPPA + 3, S * KAPPA))
    network = constructed(task, Psi)
    blocks = [network.W_uh]
    for F_k in task.F[:0:-1]:
        blocks.insert(0, network.W_hh @ blocks[0] - network.W_uh @ F_k)
    return Margins(_apart(forward_blocks(network, S), Psi), _apart(np.hstack(blocks), Psi))


def backward_half(rng: np.random.Generator) -> Margins:
    """Eq. (15), ``(W_hh^T)^k W_r^*``, propagates covectors and calls them vectors."""
    _, network, Psi = _copier(rng)
    printed = backward_blocks(network, S, network.W_r.T)
    return Margins(_apart(printed, Psi), _apart(read_covectors(network, S), dual(Psi)))


def dual_of_reading(rng: np.random.Generator) -> Margins:
    """``W_r^*`` of Eq. (14) must be Psi_s; the pseudoinverse is not, among oblique memories."""
    _, network, Psi = _leaky(rng)
    kinds = "pseudoinverse", "dual"
    return Margins(*(_apart(read_dual(network, S, kind), Psi[:, -KAPPA:]) for kind in kinds))


def omitted_removal(rng: np.random.Generator) -> Margins:
    """Algorithm 1's box leaves out the step of section 6 that removes what fades."""
    task, network, _ = _leaky(rng)
    Phi = task.Phi
    forms = (as_printed(network, S, removal=removal) for removal in ("none", "orthogonal"))
    return Margins(*(_apart(m.Psi_dual @ network.W_hh @ m.Psi, Phi) for m in forms))


def vectors_outside(rng: np.random.Generator) -> Margins:
    """The removal of section 6 is orthogonal, so its vectors leave the long-lived subspace."""
    _, network, _ = _leaky(rng)
    P = spectral_projector(network.W_hh)
    forms = as_printed(network, S), corrected(network, S)
    return Margins(*(_apart(P @ m.Psi, m.Psi) for m in forms))


def threshold_one(rng: np.random.Generator) -> Margins:
    """Section 6 keeps ``|lambda| >= 1``; rounding then drops modes of an exact network."""
    task, size = repeat_copy(16, 5), 80
    network = constructed(task, rng.normal(size=(size, size)))
    modulus = abs(np.linalg.eigvals(network.W_hh))
    return Margins(*(float(abs((modulus >= bound).sum() - size)) for bound in (1.0, LIVE)))


def components_of_noise(rng: np.random.Generator) -> Margins:
    """The last line of Algorithm 1 finds no direction in an exact network."""
    _, network, Psi = _copier(rng)
    memories = as_printed(network, S)
    h = run(network, with_silence(rng.normal(size=(50, S, KAPPA)), S))[0]
    space = non_memory_space(memories, h.reshape(-1, network.hidden))
    found = space.Psi_perp.shape[1] - space.completion
    basis = np.hstack([Psi, space.Psi_perp])
    missing = network.hidden - np.linalg.matrix_rank(basis)
    return Margins(float(network.hidden - Psi.shape[1] - found), float(missing))


def orthogonal_by_construction(rng: np.random.Generator) -> Margins:
    """Section 7 has Psi_perp orthogonal to long-lived eigenvectors; it is to their covectors."""
    _, network, _ = _leaky(rng)
    memories = corrected(network, S)
    space = non_memory_space(memories, rng.normal(size=(100, network.hidden)))
    right, left = invariant_subspaces(network.W_hh)
    seen = (abs(rows @ space.Psi_perp).max() for rows in (right.T, left))
    return Margins(*map(float, seen))


def inverse_as_transpose(rng: np.random.Generator) -> Margins:
    """Section 6 steps back by ``W_hh^T``, which undoes W_hh for orthonormal memories only."""
    task, network, Psi = _copier(rng)
    back = network.W_hh.T, operator(task.Phi.T, Psi, dual(Psi))
    return Margins(*(_apart(B @ network.W_hh @ Psi, Psi) for B in back))


def step_on_the_right(rng: np.random.Generator) -> Margins:
    """Eq. (35) has ``h(t+1) - h*`` on both sides; the right one must be ``h(t) - h*``."""
    network, h, away, after = _nudged(rng)
    J = jacobian(network, h)
    return Margins(*(_apart(J @ change, after) for change in (after, away)))


def slope_at_the_state(rng: np.random.Generator) -> Margins:
    """Eqs. (35) to (37) take g' at h*; it must be taken at ``W_hh h* + b``."""
    network, h, away, after = _nudged(rng)
    at_h = (1 - np.tanh(h) ** 2)[:, None] * network.W_hh
    return Margins(*(_apart(J @ away, after) for J in (at_h, jacobian(network, h))))


def unity_only(rng: np.random.Generator) -> Margins:
    """Components other than unity might converge or diverge (App. C); ``F_1 = -I`` does neither."""
    x = rng.normal(size=(S, KAPPA))
    rule = Task(S, KAPPA, -repeat_copy(S, KAPPA).F)
    later = continuation(rule, x, 101 * S)[-S:]
    sizes = np.linalg.norm(later), np.linalg.norm(x)
    return Margins(_apart(rule.F[0], np.eye(KAPPA)), float(abs(sizes[0] / sizes[1] - 1)))


def modulus_decides(rng: np.random.Generator) -> Margins:
    """Section 6 keeps what has eigenvalues of 1; of ``2 x(t-1) - x(t-2)`` the contents grow."""
    eye = np.eye(KAPPA)
    x = rng.normal(size=(2, KAPPA))
    later = continuation(Task(2, KAPPA, np.stack([-eye, 2 * eye])), x, 100)[-1]
    return Margins(_apart(x[1], later), _apart(x[1] + 100 * (x[1] - x[0]), later))


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    """Return the norm of the difference over the norm of the second."""
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def _model(rng: np.random.Generator) -> GSEMM:
    """Draw memories that are not orthonormal, and alphas that are not 1."""
    Xi = rng.normal(size=(12, 4)) / np.sqrt(12)
    strengths = {"alpha_s": 0.6, "alpha_c": 1.7, "T_f": 2.0}
    return GSEMM(Xi, dual(Xi), rng.normal(size=(4, 4)), **strengths)


def _copier(rng: np.random.Generator) -> tuple[Task, Network, np.ndarray]:
    """Build repeat copy on random memories, with three spare units."""
    task, Psi = repeat_copy(S, KAPPA), rng.normal(size=(S * KAPPA + 3, S * KAPPA))
    return task, constructed(task, Psi), Psi


def _leaky(rng: np.random.Generator) -> tuple[Task, Network, np.ndarray]:
    """Build repeat copy with fading modes, oblique to its memories, written and read too."""
    task, n = repeat_copy(S, KAPPA), S * KAPPA
    B = rng.normal(size=(n + 4, n + 4)) / 4 + np.eye(n + 4)
    rows = linalg.inv(B)
    exact = constructed(task, B[:, :n], rows[:n])
    fading = B[:, n:] @ np.diag([0.8, -0.7, 0.6, 0.3]) @ rows[n:]
    W_uh = exact.W_uh + B[:, n:] @ rng.normal(size=(4, KAPPA))
    W_r = exact.W_r + rng.normal(size=(KAPPA, 4)) @ rows[n:]
    return task, Network(exact.W_hh + fading, W_uh, W_r), B[:, :n]


def _nudged(rng: np.random.Generator) -> tuple[Network, np.ndarray, np.ndarray, np.ndarray]:
    """Return a network, a fixed point, a small change of it, and that change one step later.

    Of the latter the odd part is taken, which has no term of second order.
    """
    n = 7
    W_hh = rng.normal(size=(n, n)) / np.sqrt(n)
    h = rng.choice([-1.0, 1.0], size=n) * rng.uniform(0.6, 0.9, size=n)
    network = Network(W_hh, np.eye(n), np.eye(n), np.arctanh(h) - W_hh @ h)
    away = 1e-5 * rng.normal(size=n)
    return network, h, away, (step(network, h + away) - step(network, h - away)) / 2


ROWS: dict[str, Callable[[np.random.Generator], Margins]] = {
    "errata.transposed_interactions": transposed_interactions,
    "errata.transposed_memories": transposed_memories,
    "errata.lost_transpose": lost_transpose,
    "errata.silent_sigma_h": silent_sigma_h,
    "errata.eigenbasis_always": eigenbasis_always,
    "errata.shifted_time": shifted_time,
    "errata.any_linear_f": any_linear_f,
    "errata.second_sum": second_sum,
    "errata.memory_ranges": memory_ranges,
    "errata.reading_out_of_place": reading_out_of_place,
    "errata.moved_index": moved_index,
    "errata.forward_half": forward_half,
    "errata.backward_half": backward_half,
    "errata.dual_of_reading": dual_of_reading,
    "errata.omitted_removal": omitted_removal,
    "errata.vectors_outside": vectors_outside,
    "errata.threshold_one": threshold_one,
    "errata.components_of_noise": components_of_noise,
    "errata.orthogonal_by_construction": orthogonal_by_construction,
    "errata.inverse_as_transpose": inverse_as_transpose,
    "errata.step_on_the_right": step_on_the_right,
    "errata.slope_at_the_state": slope_at_the_state,
}
"""The rows of the errata page under the ids of their right forms, in the paper's order."""

LOOSE: dict[str, Callable[[np.random.Generator], Margins]] = {
    "errata.euler_as_approximation": euler_as_approximation,
    "errata.unity_only": unity_only,
    "errata.modulus_decides": modulus_decides,
}
"""What is not wrong, and easily taken for more than it says."""
