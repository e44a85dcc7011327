"""How strongly what is said depends on what was heard s steps before, by the chain rule."""

import numpy as np
from jaxtyping import Float

import emt


def gradients(
    network: emt.Network, task: emt.Task, sequences: int = 16, seed: int = 0
) -> Float[np.ndarray, " s"]:
    """Return the size of dy(s+m)/dx(m), m = 1 ... s: Frobenius norm, mean over sequences."""
    u = emt.random_bits(task, sequences, np.random.default_rng(seed))
    h, _ = emt.run(network, emt.with_silence(u, task.s))
    before = np.concatenate([0 * h[:, :1], h[:, :-1]], axis=1)
    written = np.pad(u, ((0, 0), (0, task.s), (0, 0))) @ network.W_uh.T
    slope = network.activation.derivative(before @ network.W_hh.T + written)
    sizes = []
    for m in range(task.s):
        J = slope[:, m, :, None] * network.W_uh
        for t in range(m + 1, m + 1 + task.s):
            J = slope[:, t, :, None] * (network.W_hh @ J)
        sizes.append(np.linalg.norm(network.W_r @ J, axis=(1, 2)).mean())
    return np.array(sizes)
