"""How long it takes to open a network, by its size: `emt` beside the way of a textbook.

Both find the corrected memories, the space beside them and `W_hh` in that basis (Fig. 3A), from the
same weights and states. The textbook's way has eigenvectors and their inverse, a null space, a full
singular value decomposition, and the inverse of the basis.
"""

import time
import tracemalloc

import numpy as np
from scipy import linalg

import emt
from emt.basis import LIVE, propagate
from emt.evidence import open_network

TASK = emt.repeat_copy(16, 5)
SIZES = 128, 256, 512, 1024, 2048, 4096
RUNS = {128: 9, 256: 7, 512: 5, 1024: 3}


def planted(H: int, radius: float = 0.7) -> emt.Network:
    """Return a network with oblique memories and, beside them, modes of at most this modulus."""
    rng = np.random.default_rng(0)
    Psi = np.linalg.qr(rng.normal(size=(H, TASK.n)))[0]
    Psi += 0.3 / np.sqrt(H) * rng.normal(size=Psi.shape)
    Psi_dual = np.linalg.pinv(Psi)
    w = emt.constructed(TASK, Psi, Psi_dual)
    rest = radius / np.sqrt(H) * rng.normal(size=(H, H))
    rest -= Psi @ (Psi_dual @ rest)
    rest -= (rest @ Psi) @ Psi_dual
    return emt.Network(w.W_hh + rest, 0.03 * w.W_uh, w.W_r / 0.03)


def ours(network: emt.Network, h: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return memories, covectors, how memories act on themselves, and the norms of all blocks."""
    memories = emt.corrected(network, TASK)
    blocks = open_network(network, memories, h)
    return memories.Psi, memories.Psi_dual, blocks.Phi_learned, norms(blocks.matrix)


def textbook(network: emt.Network, h: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the same."""
    W = network.W_hh
    eigenvalues, V = np.linalg.eig(W)
    live = abs(eigenvalues) > LIVE
    left = np.linalg.inv(V)[live]
    P = (V[:, live] @ left).real
    Psi = P @ np.hstack(propagate(W, network.W_uh, TASK.s)[::-1])
    Psi_dual = np.linalg.solve(left @ Psi, left).real
    residual = h - h @ Psi_dual.T @ Psi.T
    space = linalg.null_space(Psi_dual)
    _, _, Vt = np.linalg.svd((residual - residual.mean(axis=0)) @ space)
    basis = np.hstack([Psi / np.linalg.norm(Psi, axis=0).mean(), space @ Vt.T])
    blocks = np.linalg.inv(basis) @ W @ basis
    return Psi, Psi_dual, blocks[: TASK.n, : TASK.n], norms(blocks)


def opened(H: int, runs: int | None = None) -> dict:
    """Open one network both ways, in turn; return seconds, memory and how far apart they are."""
    network = planted(H)
    h = emt.sample_states(network, TASK, 2 * TASK.s)
    seconds, found = {ours: [], textbook: []}, {}
    for _ in range(runs or RUNS.get(H, 1)):
        for way, taken in seconds.items():
            began = time.perf_counter()
            found[way] = way(network, h)
            taken.append(time.perf_counter() - began)
    tracemalloc.start()
    ours(network, h)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    first, second = (float(np.median(taken)) for taken in seconds.values())
    return {
        "seconds_ours": first,
        "seconds_textbook": second,
        "ratio": second / first,
        "matrices": peak / network.W_hh.nbytes,
        "apart": max(map(apart, found[ours], found[textbook])),
    }


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """Return how far two arrays are apart, as a part of the second."""
    return float(linalg.norm(a - b) / linalg.norm(b))


def norms(matrix: np.ndarray) -> np.ndarray:
    """Return the norms of the four blocks: directions of like variance may turn in the rest."""
    parts = np.split(np.arange(len(matrix)), [TASK.n])
    return np.array([linalg.norm(matrix[np.ix_(a, b)]) for a in parts for b in parts])
