"""Vectors, covectors and the projectors between subspaces (section 4).

A basis is a matrix of columns, its covectors the rows of another with ``covectors @ basis = I``.
"""

import numpy as np
from jaxtyping import Float
from scipy import linalg

from emt import checks

LIVE = 0.99
"""Modes with ``|lambda| > LIVE`` count as long-lived. The paper says ``|lambda| >= 1``, which
rounding alone breaks, even for an exact network."""


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
    W: Float[np.ndarray, "H H"], threshold: float | None = LIVE, n: int = 0
) -> tuple[Float[np.ndarray, "H n"], Float[np.ndarray, "n H"]]:
    """Return orthonormal bases of the long-lived right and left invariant subspaces.

    By one ordered real Schur form, whose left subspace is a Sylvester equation, so that nothing
    depends on how well conditioned the eigenvectors are.

    Parameters
    ----------
    W
        A square matrix.
    threshold
        Modes with a larger modulus are long-lived; at least 0. ``None`` is what `between` says.
    n
        How many modes a task asks for, if `threshold` is ``None``.

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
    T, Q = linalg.schur(W, output="real")
    lengths = _lengths(T)
    threshold = _between(np.sort(lengths)[::-1], n) if threshold is None else threshold
    above = lengths > checks.real("threshold", threshold, least=0.0)
    T, Q, *_ = linalg.lapack.dtrsen(above, T, Q, job="N")
    m = int(above.sum())
    X, scale, fault = T[:m, m:], 1.0, 0
    if X.size:  # the rows [I, X] of the Schur basis see nothing of the other modes
        X, scale, fault = linalg.lapack.dtrsyl(T[:m, :m], T[m:, m:], X, isgn=-1)
    after = _lengths(T) > threshold
    if fault or after[m:].any() or not after[:m].all():
        raise ValueError(f"threshold = {threshold} falls on a mode")
    left = linalg.qr(np.hstack([scale * np.eye(m), X]).T, mode="economic")[0]
    return Q[:, :m], left.T @ Q.T


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
    return linalg.null_space(checks.array("covectors", covectors, None, None))


def in_basis(
    W: Float[np.ndarray, "H H"], basis: Float[np.ndarray, "H H"]
) -> Float[np.ndarray, "H H"]:
    """Return the components of the operator in a basis: ``basis^-1 @ W @ basis``.

    Parameters
    ----------
    W
        An operator in the standard basis.
    basis
        Linearly independent columns.

    Raises
    ------
    ValueError
        If the columns are dependent.
    """
    W = checks.square("W", W)
    basis = checks.array("basis", basis, len(W), len(W))
    factors, rows, fault = linalg.lapack.dgetrf(basis)
    parted = linalg.lapack.dgecon(factors, np.linalg.norm(basis, 1))[0]
    if fault or parted < len(W) * np.finfo(float).eps:
        independent("basis", basis)
    return linalg.lu_solve((factors, rows), W @ basis)


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
