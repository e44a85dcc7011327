"""What the variable memories show of a network, and which part of it could have failed (section 7).

Most of ``W_hh`` in the basis of its memories is the theory's for any matrix, because that is how
the memories are made. The wrap-around block is not, but says what the spectrum says: the same
matrix turned (`rotated`) passes. The impulse response needs no basis, and tells.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import linalg
from scipy.stats import ortho_group

from emt import checks
from emt.algorithm1 import VariableMemories, contents, normalised
from emt.basis import propagate
from emt.linearization import linear
from emt.network import Network, Recurrent
from emt.tasks import Task


class NonMemorySpace(NamedTuple):
    """Directions that the memories' covectors do not see.

    Attributes
    ----------
    Psi_perp
        Orthonormal columns, by falling variance of the states. The largest entry of each is
        positive.
    variance
        Of the states along each; 0 for those beyond the rank of the states.
    completion
        How many of the last columns only complete the basis: no state varies along them.
    """

    Psi_perp: Float[np.ndarray, "H m"]
    variance: Float[np.ndarray, " m"]
    completion: int


def non_memory_space(
    memories: VariableMemories, h: Float[np.ndarray, "samples H"]
) -> NonMemorySpace:
    """Return ``Psi_perp``: principal components of ``(I - Psi Psi*) h``; last line of Algorithm 1.

    What no state reaches is completed orthonormally.

    Parameters
    ----------
    memories
        Vectors and covectors.
    h
        Hidden states from simulations.
    """
    H = memories.Psi.shape[0]
    h = checks.array("h", h, None, H)
    checks.integer("the number of states in h", len(h))
    residual = h - contents(memories, h) @ memories.Psi.T
    residual = (residual - residual.mean(axis=0)) / np.sqrt(len(h))
    if len(h) > H:  # the same inner products in fewer rows
        residual = linalg.qr(residual, mode="r", overwrite_a=True)[0][:H]
    # One QR: first what the covectors see, then what is left of the states, and then the rest.
    n = len(memories.Psi_dual)
    Q, R = linalg.qr(np.vstack([memories.Psi_dual, residual]).T, overwrite_a=True)
    Psi_perp, most = Q[:, n:], min(H - n, len(residual))
    directions, singular = _principal(R[n : n + most, n:])
    Psi_perp[:, :most] = Psi_perp[:, :most] @ directions
    variance = np.zeros(H - n)
    rounding = 100 * np.finfo(float).eps * np.sqrt(H) * linalg.norm(h) / np.sqrt(len(h))
    variance[:most] = np.where(singular > rounding, singular, 0.0) ** 2
    Psi_perp *= np.where(Psi_perp.max(axis=0) < -Psi_perp.min(axis=0), -1, 1)
    return NonMemorySpace(Psi_perp, variance, int((variance == 0).sum()))


def _principal(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return left singular vectors and values, of at most as many rows as columns.

    From the rows' inner products, a third of the work; what is weak among these, and would drown in
    their rounding, is found again by itself.
    """
    values, U = linalg.eigh(columns @ columns.T, driver="evd")
    singular, U = np.sqrt(np.maximum(values[::-1], 0.0)), U[:, ::-1]
    weak = singular < 0.01 * singular.max(initial=0.0)
    if weak.any():
        turned, singular[weak], _ = linalg.svd(U[:, weak].T @ columns, full_matrices=False)
        U[:, weak] = U[:, weak] @ turned
    return U, singular


class Blocks(NamedTuple):
    """``W_hh`` in the basis ``[Psi; Psi_perp]``, in four blocks (Fig. 3A).

    Attributes
    ----------
    Phi_learned
        ``Psi* W_hh Psi``: memories to memories.
    to_memory
        ``Psi* W_hh Psi_perp``.
    from_memory
        ``Psi_perp* W_hh Psi``.
    rest
        ``Psi_perp* W_hh Psi_perp``.
    """

    Phi_learned: Float[np.ndarray, "n n"]
    to_memory: Float[np.ndarray, "n m"]
    from_memory: Float[np.ndarray, "m n"]
    rest: Float[np.ndarray, "m m"]

    @property
    def matrix(self) -> Float[np.ndarray, "H H"]:
        """The four blocks as one matrix."""
        return np.block([[self.Phi_learned, self.to_memory], [self.from_memory, self.rest]])


def open_network(
    network: Recurrent, memories: VariableMemories, h: Float[np.ndarray, "samples H"]
) -> Blocks:
    """Return ``W_hh`` in the basis ``[Psi; Psi_perp]``; section 6 (Fig. 3A).

    `Psi_perp` is what the memories leave of the states, see `non_memory_space`; `Psi` is scaled to
    mean column norm 1 first, see `normalised`.

    Parameters
    ----------
    network
        The network.
    memories
        Its variable memories.
    h
        Hidden states from simulations, see `emt.network.sample_states`.
    """
    rest, memories = non_memory_space(memories, h).Psi_perp, normalised(memories)
    beside = rest.T - (rest.T @ memories.Psi) @ memories.Psi_dual
    image = linear(network, memories.at).W_hh @ np.hstack([memories.Psi, rest])
    blocks = np.vstack([memories.Psi_dual, beside]) @ image
    n = memories.Psi.shape[1]
    return Blocks(blocks[:n, :n], blocks[:n, n:], blocks[n:, :n], blocks[n:, n:])


class Likeness(NamedTuple):
    """How a measured array compares with the theory's.

    Attributes
    ----------
    cosine
        Of the angle between the two, taken as vectors.
    relative_error
        Norm of the difference over the norm of the theory's.
    """

    cosine: float
    relative_error: float


def agreement(
    measured: Float[np.ndarray, "*shape"], theory: Float[np.ndarray, "*shape"]
) -> Likeness:
    """Compare two arrays of one shape by cosine and relative error.

    Parameters
    ----------
    measured, theory
        The theory's must not be zero; the cosine with a measured zero is 0.

    Raises
    ------
    ValueError
        If `theory` is zero.
    """
    theory = checks.array("theory", theory, ...)
    measured = checks.array("measured", measured, *theory.shape)
    size = np.linalg.norm(theory)
    if size == 0:
        raise ValueError("theory must not be zero")
    product = size * np.linalg.norm(measured)
    cosine = float((measured * theory).sum() / product) if product else 0.0
    return Likeness(cosine, float(np.linalg.norm(measured - theory) / size))


def wrap_around(Phi_learned: Float[np.ndarray, "n n"], task: Task) -> Likeness:
    """Compare the first block column with Eq. (12): where memory 1 goes.

    The only part of `Phi_learned` that the write-grounded basis (alpha = 1) does not impose. It is
    the theory's exactly if ``W_hh^s = I`` on the long-lived space, whatever is written there. Other
    bases impose other parts: at alpha = 0 the row of memory s. Compare those by the whole.

    Parameters
    ----------
    Phi_learned
        n = s * kappa.
    task
        Of which `Phi` is the theory.
    """
    Phi = task.Phi
    Phi_learned = checks.array("Phi_learned", Phi_learned, *Phi.shape)
    return agreement(Phi_learned[:, : task.kappa], Phi[:, : task.kappa])


class HopErrors(NamedTuple):
    """Largest errors of what the paper says of Fig. 3D; a written bit has size 1.

    Attributes
    ----------
    empty
        After t inputs, content of the memories below s-t+1.
    written
        Memory s against the input of the same step.
    carried
        Memory k-1 against memory k one step before, in the input phase.
    kept
        The same in the output phase.
    returned
        Memory s in the output phase against memory 1 one step before.
    """

    empty: float
    written: float
    carried: float
    kept: float
    returned: float


def hops(contents: Float[np.ndarray, "T n"], u: Float[np.ndarray, "s kappa"]) -> HopErrors:
    """Follow the variables of one repeat-copy run from memory to memory (section 7, Fig. 3D).

    Parameters
    ----------
    contents
        ``Psi* h(t)``, t = 1 ... T, with T above s.
    u
        The inputs of the run.

    Raises
    ------
    ValueError
        If there is no output phase.
    """
    u = checks.array("u", u, None, None)
    s, kappa = u.shape
    contents = checks.array("contents", contents, None, s * kappa)
    checks.integer("the number of steps of contents", len(contents), least=s + 1)
    memory = contents.reshape(-1, s, kappa)
    moves = abs(memory[1:, :-1] - memory[:-1, 1:])
    below = [abs(memory[t - 1, : s - t]).max() for t in range(1, s)]
    return HopErrors(
        empty=max(below, default=0.0),
        written=abs(memory[:s, -1] - u).max(),
        carried=moves[: s - 1].max(initial=0.0),
        kept=moves[s - 1 :].max(initial=0.0),
        returned=abs(memory[s:, -1] - memory[s - 1 : -1, 0]).max(),
    )


def norms_of_powers(block: Float[np.ndarray, "m m"], steps: int) -> Float[np.ndarray, " steps"]:
    """Return the spectral norms of ``block^1 ... block^steps`` (section 7: "decays to zero").

    Parameters
    ----------
    block
        Square; of a network without rest it is empty, and its powers are 0.
    steps
        At least 1.
    """
    if np.shape(block) == (0, 0):
        return np.zeros(checks.integer("steps", steps))
    block = checks.square("block", block)
    powers = propagate(block, block, steps, "steps")
    return np.array([np.linalg.norm(power, 2) for power in powers])


def rotated(network: Network, seed: int = 0) -> Network:
    """Return the network with ``Q W_hh Q^T`` in place of `W_hh`, Q a random rotation.

    It has the spectrum and nothing else: what it writes and reads are no longer its memories. A
    measure that it passes is of the spectrum alone.

    Parameters
    ----------
    network
        The network; all but its `W_hh` is kept.
    seed
        Of the rotation.
    """
    Q = np.eye(1)
    if network.hidden > 1:
        Q = ortho_group.rvs(network.hidden, random_state=checks.generator(seed))
    return replace(network, W_hh=Q @ network.W_hh @ Q.T)


def shuffled(network: Network, seed: int = 0) -> Network:
    """Return the network with the entries of `W_hh`, `W_uh` and `W_r` each in random order.

    It has the sizes of the weights and nothing else.

    Parameters
    ----------
    network
        The network; all else is kept.
    seed
        Of the order.
    """
    rng = checks.generator(seed, 5)
    names = "W_hh", "W_uh", "W_r"
    mixed = {
        k: rng.permuted(getattr(network, k).ravel()).reshape(getattr(network, k).shape)
        for k in names
    }
    return replace(network, **mixed)


checks.guard(globals())
