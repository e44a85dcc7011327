"""Vectors, covectors and the projectors between subspaces (section 4).

A basis is a matrix of columns, its covectors the rows of another with ``covectors @ basis = I``.
"""

from collections import deque

import numpy as np
from jaxtyping import Float
from scipy import linalg

from emt import checks

LIVE = 0.99
"""Modes with ``|lambda| > LIVE`` count as long-lived. The paper says ``|lambda| >= 1``, which
rounding alone breaks, even for an exact network."""
LARGE, NEAR, CARRIED = 512, 0.002, 80
"""From this size on subspaces are first sought by iteration; nearer to the threshold they are not;
and so often are the few columns multiplied that reach the long-lived modes."""


def dual(vectors: Float[np.ndarray, "H n"]) -> Float[np.ndarray, "n H"]:
    """Return the covectors in the span of `vectors` with ``dual @ vectors = I``; Eq. (3).

    Parameters
    ----------
    vectors
        Linearly independent columns.

    Raises
    ------
    ValueError
        If the columns are not independent in float64.
    """
    vectors = checks.array("vectors", vectors, None, None)
    independent("vectors", vectors)
    return linalg.pinv(vectors)


def components(
    v: Float[np.ndarray, "*batch H"], covectors: Float[np.ndarray, "n H"]
) -> Float[np.ndarray, "*batch n"]:
    """Return the components ``v^i = <e^i|v>`` of vectors in a basis; Eq. (3).

    Parameters
    ----------
    v
        Vectors in the standard basis, along the last axis.
    covectors
        Of the basis, one a row.
    """
    covectors = checks.array("covectors", covectors, None, None)
    return checks.array("v", v, ..., covectors.shape[1]) @ covectors.T


def vector(
    components: Float[np.ndarray, "*batch n"], basis: Float[np.ndarray, "H n"]
) -> Float[np.ndarray, "*batch H"]:
    """Return ``|v> = v^i |e_i>``, the vectors that have these components; Eq. (3).

    Parameters
    ----------
    components
        Along the last axis.
    basis
        One vector a column.
    """
    basis = checks.array("basis", basis, None, None)
    return checks.array("components", components, ..., basis.shape[1]) @ basis.T


def operator(
    Phi: Float[np.ndarray, "n n"],
    vectors: Float[np.ndarray, "H n"],
    covectors: Float[np.ndarray, "n H"],
) -> Float[np.ndarray, "H H"]:
    """Return ``Phi^mu_nu |psi_mu><psi^nu|`` in the standard basis; Eqs. (4), (7), (8).

    With ``xi^i_mu`` for the vectors' components this is ``xi^i_mu Phi^mu_nu (xi^dagger)^nu_j``,
    the recurrent weights ``W_hh``.

    Parameters
    ----------
    Phi
        Components of the operator: entry (mu, nu) carries memory nu to memory mu.
    vectors, covectors
        A basis of a subspace and its covectors.
    """
    Phi = checks.square("Phi", Phi)
    vectors = checks.array("vectors", vectors, None, len(Phi))
    return vectors @ Phi @ checks.array("covectors", covectors, len(Phi), len(vectors))


def moduli(W: Float[np.ndarray, "H H"]) -> Float[np.ndarray, " H"]:
    """Return the moduli of the eigenvalues, largest first.

    Parameters
    ----------
    W
        A square matrix.
    """
    return np.sort(abs(np.linalg.eigvals(checks.square("W", W))))[::-1]


def between(W: Float[np.ndarray, "H H"], n: int) -> float:
    """Return a threshold above which lie the n modes that a task asks for.

    It is `LIVE` wherever that leaves n modes. But a network that holds its task may have a spare
    mode as near to 1. Then it is the geometric mean of the n-th modulus and the next, if the n
    largest lie within a twentieth, and nearer to one another than to the next, which is at least
    a thousandth away. If not, it is `LIVE` again, and does not part them.

    Parameters
    ----------
    W
        A square matrix.
    n
        How many modes; at least 0.
    """
    return _between(moduli(W), checks.integer("n", n, least=0))


def invariant_subspaces(
    W: Float[np.ndarray, "H H"],
    threshold: float | None = LIVE,
    n: int = 0,
    written: Float[np.ndarray, "H m"] | None = None,
    read: Float[np.ndarray, "p H"] | None = None,
) -> tuple[Float[np.ndarray, "H n"], Float[np.ndarray, "n H"]]:
    """Return orthonormal bases of the long-lived right and left invariant subspaces.

    By one ordered real Schur form, whose left subspace is a Sylvester equation, so that nothing
    depends on how well conditioned the eigenvectors are. In a large matrix of which n modes should
    live, by subspace iteration where that soon ends, and shows that no other mode lives.

    Parameters
    ----------
    W
        A square matrix.
    threshold
        Modes with a larger modulus are long-lived; at least 0. ``None`` is what `between` says.
    n
        How many modes a task asks for: for `threshold` ``None``, and as a hint.
    written, read
        Columns that reach the long-lived modes, and rows that see them, if there are such: then
        that iteration is shorter.

    Returns
    -------
    right
        Columns with ``W @ right = right @ A``.
    left
        Rows with ``left @ W = B @ left``.

    Raises
    ------
    ValueError
        If `threshold` falls on a mode.
    """
    W, n = checks.square("W", W), checks.integer("n", n, least=0)
    if threshold is not None:
        threshold = checks.real("threshold", threshold, least=0.0)
    written = None if written is None else checks.array("written", written, len(W), None)
    read = None if read is None else checks.array("read", read, None, len(W)).T
    if 0 < 8 * n <= len(W) >= LARGE:
        right = _iterated(W, n, threshold, written)
        left = None if right is None else _iterated(W.T, n, threshold, read)
        if left is not None:
            return right, left.T
    T, Q = linalg.schur(W, output="real")
    lengths = _lengths(T)
    threshold = _between(np.sort(lengths)[::-1], n) if threshold is None else threshold
    T, Q, m = _sorted(T, Q, threshold)
    X, scale, fault = T[:m, m:], 1.0, 0
    if X.size:  # the rows [I, X] of the Schur basis see nothing of the other modes
        X, scale, fault = linalg.lapack.dtrsyl(T[:m, :m], T[m:, m:], X, isgn=-1)
    after = _lengths(T) > threshold
    if fault or after[m:].any() or not after[:m].all():
        raise ValueError(f"threshold = {threshold} falls on a mode")
    left = linalg.qr(np.hstack([scale * np.eye(m), X]).T, mode="economic")[0]
    return Q[:, :m], left.T @ Q.T


def _sorted(T: np.ndarray, Q: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray, int]:
    """Return a real Schur form with the modes above a threshold first, and how many they are."""
    above = _lengths(T) > threshold
    T, Q, *_ = linalg.lapack.dtrsen(above, T, Q, job="N")
    return T, Q, int(above.sum())


def _iterated(
    W: np.ndarray, n: int, threshold: float | None, reaching: np.ndarray | None
) -> np.ndarray | None:
    """Return the right invariant subspace of the n largest modes, if these are the long-lived ones.

    Columns are multiplied again and again: random ones, some more than n; or the few that reach the
    modes, of which enough last blocks are kept, and some random ones. A further live mode would
    show among those beyond n, or keep the n from converging. ``None`` if it does not converge soon,
    or another number of modes lives, or one is near the threshold.
    """
    bar = LIVE if threshold is None else threshold
    Q = checks.generator(0).normal(size=(len(W), n + 8))
    if reaching is not None and reaching.any():
        m = reaching.shape[1]
        few, last = np.hstack([reaching, Q[:, :8]]), deque(maxlen=-(-n // m))
        for _ in range(CARRIED + last.maxlen):
            few = W @ few
            last.append(few[:, :m])
        Q = np.hstack([*last, few[:, m:]])
    was = np.inf
    for left in range(40, 0, -1):
        Q = W @ linalg.qr(Q, mode="economic", overwrite_a=True)[0]
        for _ in range(6):
            Q = W @ Q
        Q, _ = linalg.qr(Q, mode="economic", overwrite_a=True)
        image = W @ Q
        T, Z = linalg.schur(Q.T @ image, output="real")
        lengths = np.sort(_lengths(T))[::-1]
        T, Z, m = _sorted(T, Z, float(lengths[n - 1 : n + 1].mean()))
        off = linalg.norm(image @ Z[:, :m] - Q @ (Z[:, :m] @ T[:m, :m]))
        if off < 1e-13 * linalg.norm(T[:m, :m]):
            lasting = m == n and lengths[n] < bar - NEAR and lengths[n - 1] > bar + NEAR
            return Q @ Z[:, :n] if lasting else None
        if off * (off / was) ** (left - 1) > 1e-13 * linalg.norm(T):  # at this pace
            return None
        was, Q = off, image
    return None


def _between(lengths: np.ndarray, n: int) -> float:
    """Return what `between` does, from moduli in falling order."""
    if np.count_nonzero(lengths > LIVE) == n or n > len(lengths):
        return LIVE
    most, last, following = lengths[0], lengths[n - 1], np.append(lengths, 0.0)[n]
    parted = last > 0.95 * most and last - following > max(most - last, 1e-3 * last)
    return float(np.sqrt(last * following)) if parted else LIVE


def _lengths(T: np.ndarray) -> np.ndarray:
    """Return the moduli of the eigenvalues of a real Schur form, where they stand in it."""
    a, below, beside = np.diag(T), np.diag(T, -1), np.diag(T, 1)
    lengths, pairs = abs(a), np.flatnonzero(below)
    product = a[pairs] * a[pairs + 1] - below[pairs] * beside[pairs]
    lengths[pairs] = lengths[pairs + 1] = np.sqrt(product)
    return lengths


def spectral_projector(
    W: Float[np.ndarray, "H H"], threshold: float = LIVE
) -> Float[np.ndarray, "H H"]:
    """Return the projector onto the long-lived modes along the others; it commutes with `W`.

    It is oblique unless `W` is normal.

    Parameters
    ----------
    W, threshold
        As for `invariant_subspaces`.

    Raises
    ------
    ValueError
        As `invariant_subspaces`.
    """
    right, left = invariant_subspaces(W, threshold)
    return right @ linalg.solve(left @ right, left)


def orthogonal_projector(vectors: Float[np.ndarray, "H n"]) -> Float[np.ndarray, "H H"]:
    """Return the orthogonal projector onto the span of the columns.

    Parameters
    ----------
    vectors
        Linearly independent columns; none at all gives zero.

    Raises
    ------
    ValueError
        If the columns are not independent in float64.
    """
    vectors = checks.array("vectors", vectors, None, None)
    if not vectors.shape[1]:
        return np.zeros((len(vectors), len(vectors)))
    independent("vectors", vectors)
    Q, _ = linalg.qr(vectors, mode="economic")
    return Q @ Q.T


def complement(covectors: Float[np.ndarray, "n H"]) -> Float[np.ndarray, "H m"]:
    """Return orthonormal columns spanning what the covectors do not see, m = H - rank.

    Parameters
    ----------
    covectors
        Rows.
    """
    covectors = checks.array("covectors", covectors, None, None)
    Q, R, _ = linalg.qr(covectors.T, pivoting=True)
    sizes = abs(np.diag(R))
    seen = sizes > max(covectors.shape) * np.finfo(float).eps * sizes.max(initial=0.0)
    return Q[:, np.count_nonzero(seen) :]


def propagate(
    W: Float[np.ndarray, "H H"], block: Float[np.ndarray, "H m"], count: int, name: str = "count"
) -> list[Float[np.ndarray, "H m"]]:
    """Return ``[block, W block, W^2 block, ...]``; no power of `W` is formed.

    Parameters
    ----------
    W
        A square matrix.
    block
        Columns that it maps.
    count
        How many blocks; at least 1.
    name
        Of the count, for the error.
    """
    W = checks.square("W", W)
    blocks = [checks.array("block", block, len(W), None)]
    checks.fits(name, checks.integer(name, count), *blocks[0].shape)
    for _ in range(count - 1):
        blocks.append(W @ blocks[-1])
    return blocks


def independent(name: str, vectors: Float[np.ndarray, "H n"]) -> None:
    """Check that columns are linearly independent in float64.

    Parameters
    ----------
    name
        Of the columns, for the error.
    vectors
        One a column.

    Raises
    ------
    ValueError
        If they are dependent.
    """
    vectors = checks.array("vectors", vectors, None, None)
    rank = np.linalg.matrix_rank(vectors)
    if rank < vectors.shape[1]:
        raise ValueError(
            f"{name} must be linearly independent: {vectors.shape[1]} columns have rank {rank}"
        )


checks.guard(globals())
