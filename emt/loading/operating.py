"""Where a network is linear while it remembers: a fixed point among the states that it visits."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import linalg

from emt import checks
from emt.linearization import explained, fixed_points, jacobian, slow_points, step
from emt.network import EVALUATION_SEED, Recurrent, begun, continued
from emt.tasks import Task

STARTS, RESTS, APART = 16, 1e-12, 1e-4


class OperatingPoint(NamedTuple):
    """A fixed point around which a network does its task, and what it is worth.

    Attributes
    ----------
    h
        The fixed point h*: `at` of whatever takes one.
    residual
        Norm of ``step(h*) - h*``.
    others
        Number of other fixed points that were found.
    away
        How far visited states are from h*, as part of the norm of all they are (root mean square).
    explained
        Part of the next step from visited states that the linear network around h* predicts: 1 if
        it is linear all the way, less if the network is not linear as far as it goes.
    """

    h: Float[np.ndarray, " H"]
    residual: float
    others: int
    away: float
    explained: float

    def __str__(self) -> str:
        """Say what it means."""
        other = f"{self.others} other fixed points were found" if self.others else "no other found"
        holds = "holds" if self.explained > 0.99 else "does not hold"
        return (
            f"One step moves the point by {self.residual:.1e} ({other}).\n"
            f"Visited states are {self.away:.3g} of their norm away from it.\n"
            f"The linear network there predicts {self.explained:.4f} of their next step: what is "
            f"linear {holds} as far as they go."
        )


def operating_point(
    network: Recurrent, task: Task, sequences: int = 64, seed: int = EVALUATION_SEED
) -> OperatingPoint:
    """Find the fixed point nearest to the mean of the states visited in the output phase.

    It is searched from that mean and from some of these states. A cue that stays on is part of the
    network: see `emt.scoring.centred` and `emt.network.under_input`.

    Parameters
    ----------
    network, task
        The network, and the rule that it should follow, perhaps with trials of one's own.
    sequences, seed
        As for `emt.network.begun`.

    Raises
    ------
    ValueError
        If no fixed point is reached from there; it says how slow the network gets instead.
    """
    h = continued(network, begun(network, task, sequences, seed).h, 2 * task.s)[0]
    visited = h.reshape(-1, network.hidden)
    centre = visited.mean(axis=0)
    starts = np.vstack([centre, visited[:: max(1, len(visited) // STARTS)]])
    found = fixed_points(network, starts)
    near = _nearest(network, centre)
    if near is None and not len(found.points):
        q = slow_points(network, centre[None], most=1000).speeds[0]
        raise ValueError(
            "network must have a fixed point where it works, but none is reached from "
            f"{len(starts)} visited states: at its slowest there one step moves it by "
            f"{np.sqrt(2 * q):.1e}"
        )
    points = found.points if near is None else np.vstack([near, found.points])
    best = points[np.argmin(np.linalg.norm(points - centre, axis=1))]
    others = (np.linalg.norm(found.points - best, axis=1) > APART).sum()
    size = (visited**2).sum()
    return OperatingPoint(
        best,
        float(np.linalg.norm(step(network, best) - best)),
        int(others),
        float(np.sqrt(((visited - best) ** 2).sum() / size)) if size else 0.0,
        explained(network, visited, best),
    )


def _nearest(network: Recurrent, h: np.ndarray) -> np.ndarray | None:
    """Return the fixed point that Newton's shortest steps reach: of a continuum, one nearby."""
    eye = np.eye(network.hidden)
    for _ in range(50):
        moved = step(network, h) - h
        if np.linalg.norm(moved) < RESTS:
            return h
        h = h + linalg.lstsq(eye - jacobian(network, h), moved, cond=1e-8)[0]
    return None


checks.guard(globals())
