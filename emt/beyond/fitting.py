"""Beyond the paper: the weights that have a wanted impulse response, by Levenberg-Marquardt.

Where activity is small, tanh is the identity and the network is linear: its answer to any inputs
is a sum of its answers to single impulses, ``W_r W_hh^m W_uh``. To fit these few matrices to the
task's is system identification. The residuals are few and the weights many, so each step solves
the dual system, ``J J^T + damping``, with one row and column a residual.
"""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.signal import fftconvolve
from tqdm import tqdm

from emt import checks
from emt.basis import moduli, spectral_projector
from emt.impulse import minimal_realisation, task_response
from emt.linear_network import constructed
from emt.network import EVALUATION_SEED, IDENTITY, Network, last_state, same_kappa
from emt.scoring import Proportion
from emt.tasks import Task, random_bits

THREE = "W_hh", "W_uh", "W_r"
ROUNDING = 1e-12


class Identification(NamedTuple):
    """A network fitted to a task's impulse response.

    Attributes
    ----------
    path
        The networks from the start on, without spare modes, one a step that was kept.
    residual
        Root mean square error of the fitted impulses of each.
    converged
        Whether the last residual is at the tolerance, or is but rounding (1e-12, of responses of
        size 1). If not, the network answers otherwise than the task, soon or late.
    """

    path: tuple[Network, ...]
    residual: Float[np.ndarray, " steps"]
    converged: bool

    @property
    def network(self) -> Network:
        """The last network."""
        return self.path[-1]


class ReadsAndWrites(NamedTuple):
    """``W_r W_hh^m`` and ``W_hh^m W_uh`` for m = 0 ... M.

    Attributes
    ----------
    reads, writes
        The impulse response of m steps is ``reads[m] @ writes[0]``.
    """

    reads: Float[np.ndarray, "M+1 kappa H"]
    writes: Float[np.ndarray, "M+1 H kappa"]


def rescaled(network: Network, write_scale: float | None = None) -> Network:
    """Return the network with ``W_uh`` multiplied and ``W_r`` divided by one number.

    A linear network answers as before. With tanh, the smaller the write scale the more linear it
    is.

    Parameters
    ----------
    network
        A network without bias.
    write_scale
        Root mean square norm of the columns of `W_uh` wanted, above 0; ``None`` balances the
        norms of `W_uh` and `W_r`.

    Raises
    ------
    ValueError
        If the network has a bias, or `W_uh` or `W_r` is zero.
    """
    if network.b is not None:
        raise ValueError("network must have no bias: it would not be rescaled with the input")
    write, read = np.linalg.norm(network.W_uh), np.linalg.norm(network.W_r)
    if not write * read > 0:
        raise ValueError("W_uh and W_r must not be zero to be rescaled")
    if write_scale is None:
        c = math.sqrt(read / write)
    else:
        least = float(np.finfo(np.float64).tiny)
        scale = checks.real("write_scale", write_scale, least=least)
        c = scale * math.sqrt(network.kappa) / write
    return replace(network, W_uh=c * network.W_uh, W_r=network.W_r / c)


def propagated(network: Network, impulses: int) -> ReadsAndWrites:
    """Return the reads and writes that `impulses` steps of the linear network need.

    Parameters
    ----------
    network
        The network.
    impulses
        M, at least 1.
    """
    reads, writes = [network.W_r], [network.W_uh]
    checks.fits("impulses", checks.integer("impulses", impulses), 2, *network.W_r.shape)
    for _ in range(impulses):
        reads.append(reads[-1] @ network.W_hh)
        writes.append(network.W_hh @ writes[-1])
    return ReadsAndWrites(np.stack(reads), np.stack(writes))


def gram(p: ReadsAndWrites) -> Float[np.ndarray, "r r"]:
    """Return ``J J^T``, J the derivative of the impulse response by all weights.

    By the product rule the response of m steps changes by ``sum_j W_r W^j dW W^(m-1-j) W_uh``. So
    an entry of ``J J^T`` is a double sum over j and j' of products of inner products of reads with
    inner products of writes: a convolution in two indices, done by fast Fourier transform.

    Parameters
    ----------
    p
        Of M steps and kappa components; r = M kappa^2 residuals, ordered by m, output, input.
    """
    p = _checked(p)
    M, kappa = len(p.reads) - 1, p.reads.shape[1]
    reads = np.einsum("mah,nbh->mnab", p.reads, p.reads, optimize=True)[..., :, None, :, None]
    writes = np.einsum("mha,nhb->mnab", p.writes, p.writes, optimize=True)[..., None, :, None, :]
    one = np.eye(kappa)
    by_W_hh = fftconvolve(reads[:M, :M], writes[:M, :M], axes=(0, 1))[:M, :M]
    by_W_uh = reads[1:, 1:] * one[:, None, :]
    by_W_r = writes[1:, 1:] * one[:, None, :, None]
    total = by_W_hh + by_W_uh + by_W_r
    return total.transpose(0, 2, 3, 1, 4, 5).reshape(M * kappa**2, M * kappa**2)


def weak_directions(p: ReadsAndWrites, part: float = 1e-6) -> int:
    """Count the directions of the responses on which the weights have hardly any effect.

    These are the eigenvectors of `gram` whose eigenvalue is below `part` of the largest.

    Parameters
    ----------
    p
        Of the network and of as many steps as count.
    part
        Between 0 and 1.
    """
    values = np.linalg.eigvalsh(gram(p))
    checks.real("part", part, least=0.0, most=1.0)
    return int(np.count_nonzero(values < part * values[-1]))


def pulled_back(
    p: ReadsAndWrites, x: Float[np.ndarray, "M kappa kappa"]
) -> tuple[Float[np.ndarray, "H H"], Float[np.ndarray, "H kappa"], Float[np.ndarray, "kappa H"]]:
    """Return ``J^T x``: the change of `W_hh`, `W_uh` and `W_r` that answers to residuals x.

    Parameters
    ----------
    p
        Of M steps.
    x
        One number a residual.
    """
    p = _checked(p)
    M, kappa, H = len(p.reads) - 1, p.reads.shape[1], p.reads.shape[2]
    x = checks.array("x", x, M, kappa, kappa)
    # The residual of m = j + i + 1 steps stands in block (j, i): a block Hankel matrix.
    padded = np.concatenate([x, np.zeros_like(x)])
    hankel = padded[np.arange(M)[:, None] + np.arange(M)].transpose(0, 2, 1, 3)
    hankel = hankel.reshape(M * kappa, M * kappa)
    reads, writes = p.reads[:M].reshape(-1, H), p.writes[:M].transpose(0, 2, 1).reshape(-1, H)
    by_W_uh = np.einsum("mah,mab->hb", p.reads[1:], x, optimize=True)
    by_W_r = np.einsum("mab,mhb->ah", x, p.writes[1:], optimize=True)
    return reads.T @ hankel @ writes, by_W_uh, by_W_r


def without_spare_modes(network: Network, modes: int) -> Network:
    """Return the network restricted to its `modes` largest eigenvalues; all others become 0.

    Parameters
    ----------
    network
        A network without bias.
    modes
        How many are kept, in 1 ... H.

    Raises
    ------
    ValueError
        If no gap parts the kept moduli from the others.
    """
    if checks.integer("modes", modes) >= network.hidden:
        checks.integer("hidden", network.hidden, least=modes)
        return network
    pair = moduli(network.W_hh)[modes - 1 : modes + 1]
    if _one_modulus(pair):
        raise ValueError(
            f"eigenvalues {modes} and {modes + 1} have the same modulus, {pair[0]:.4g}: "
            "train the network further, or keep another number of modes"
        )
    P = spectral_projector(network.W_hh, float(pair.mean()))
    W_hh, W_uh, W_r = P @ network.W_hh @ P, P @ network.W_uh, network.W_r @ P
    return replace(network, W_hh=W_hh, W_uh=W_uh, W_r=W_r)


def identify(
    task: Task,
    start: Network,
    impulses: int | None = None,
    modes: int | None = None,
    iterations: int = 30,
    tolerance: float = 1e-14,
    progress: bool = True,
) -> Identification:
    """Fit a network's impulse response to the task's by Levenberg-Marquardt, in float64.

    Spare modes are removed at the start and after every step: while they are there, the rows of
    the Jacobian become linearly dependent on the way to the solution, and convergence slows down.
    A fit that does not arrive is returned like any other: see `Identification.converged`.

    Parameters
    ----------
    task
        A linear rule.
    start
        A network near to what is wanted, without bias: a trained one.
    impulses
        Steps m = 1 ... `impulses` of the response that are fitted; by default 2s.
    modes
        Eigenvalues kept; by default as many as the task's answers have (s * kappa for repeat
        copy, half of it for compose copy), and one more if that would part a pair of the start. H
        keeps the spare ones.
    iterations
        Attempts at a step, those that gained nothing among them; at least 1.
    tolerance
        Root mean square error at which fitting ends; at least 0.
    progress
        Whether to draw a progress bar, which is drawn on a terminal only.

    Raises
    ------
    ValueError
        If the network has a bias, a leak or an initial state, or the task takes signs.
    """
    _linear(task, start)
    wanted = task_response(task, 2 * task.s if impulses is None else impulses)
    if modes is None:
        modes = _modes_of(task)
        modes += modes < start.hidden and _one_modulus(moduli(start.W_hh)[modes - 1 : modes + 1])
    checks.integer("iterations", iterations)
    checks.real("tolerance", tolerance, least=0.0)
    damping, path = 1e-6, [rescaled(without_spare_modes(start, modes))]
    p, error = _misses(path[-1], wanted)
    K, residual = gram(p), [_rms(error)]
    for _ in tqdm(range(iterations), disable=None if progress else True, desc="fitting"):
        if residual[-1] <= tolerance:
            break
        try:
            trial = _step(path[-1], p, K, error, damping, modes)
        except (LinAlgError, ValueError):  # a step too far: it leaves no network, or no gap
            damping *= 10
            continue
        p_trial, error_trial = _misses(trial, wanted)
        if _rms(error_trial) < residual[-1]:
            path.append(trial)
            p, error, K = p_trial, error_trial, gram(p_trial)
            residual.append(_rms(error))
            damping = max(damping / 30, 1e-12)
        else:
            damping *= 10
    arrived = residual[-1] <= max(tolerance, ROUNDING)
    return Identification(tuple(path), np.array(residual), arrived)


def _modes_of(task: Task) -> int:
    """Return how many modes the answers of a task have: more would not be decided by them."""
    theory = constructed(task, np.eye(task.n))
    return minimal_realisation(theory).hidden if task.F.any() else 1


def _step(network, p, K, error, damping, modes) -> Network:
    """Return the network one damped step further on, without spare modes."""
    damped = K + damping * np.trace(K) / len(K) * np.eye(len(K))
    x = cho_solve(cho_factor(damped, overwrite_a=True), error.ravel()).reshape(error.shape)
    changes = zip(THREE, pulled_back(p, x), strict=True)
    moved = {name: getattr(network, name) + change for name, change in changes}
    return rescaled(without_spare_modes(replace(network, **moved), modes))


def linear_accuracy(
    network: Network, task: Task, step: int, sequences: int = 64, seed: int = EVALUATION_SEED
) -> Proportion:
    """Return the accuracy of the linear network over the 2s output steps from `step` on.

    The steps before are taken at once, by a power of `W_hh`; what is right is said by the same
    power of the constructed network, which follows the driven recursion. Outputs that have
    overflowed count as wrong.

    Parameters
    ----------
    network
        Run without tanh; without bias.
    task
        A linear rule.
    step
        First output step scored; at least 1.
    sequences, seed
        As for `emt.accuracy`.

    Raises
    ------
    ValueError
        As `identify`.
    """
    checks.integer("step", step)
    _linear(task, network)
    u = random_bits(task, sequences, checks.generator(seed))
    theory = constructed(task, np.eye(task.s * task.kappa))
    with np.errstate(over="ignore", invalid="ignore"):
        y, target = (_later_outputs(w, u, step, 2 * task.s) for w in (network, theory))
    right = np.isfinite(y) & (np.sign(y) == np.sign(target))
    return Proportion(int(np.count_nonzero(right)), y.size)


def _checked(p: ReadsAndWrites) -> ReadsAndWrites:
    reads = checks.array("p.reads", p.reads, None, None, None)
    M = checks.integer("the number of steps of p", len(reads) - 1)
    return ReadsAndWrites(reads, checks.array("p.writes", p.writes, M + 1, *reads.shape[:0:-1]))


def _later_outputs(network: Network, u: np.ndarray, step: int, count: int) -> np.ndarray:
    leap = np.linalg.matrix_power(network.W_hh, step - 1)
    h = last_state(replace(network, activation=IDENTITY), u) @ leap.T
    outputs = []
    for _ in range(count):
        h = h @ network.W_hh.T
        outputs.append(h @ network.W_r.T)
    return np.stack(outputs)


def _linear(task: Task, network: Network) -> None:
    same_kappa(network, task)
    if task.threshold:
        raise ValueError("task must be linear (threshold=False)")
    if network.b is not None:
        raise ValueError("network must have no bias")
    held = network.c is not None or network.h0 is not None
    if held or network.rates or np.any(network.leak != 1.0):
        raise ValueError("network must be that of Eq. (6): no leak, no rates, no c and no h0")


def _misses(network: Network, wanted: np.ndarray) -> tuple[ReadsAndWrites, np.ndarray]:
    """Return the reads and writes of the network, and how far its impulse response is off."""
    p = propagated(network, len(wanted))
    return p, wanted - p.reads[1:] @ network.W_uh


def _one_modulus(pair: np.ndarray) -> bool:
    return bool(pair[0] - pair[1] <= 1e-6 * pair[0])


def _rms(error: np.ndarray) -> float:
    return float(np.sqrt((error**2).mean()))


checks.guard(globals())
