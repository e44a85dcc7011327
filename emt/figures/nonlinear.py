"""Panels on networks with tanh: remainders, fixed points, graded contents (Appendix C)."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes

from emt import checks
from emt.figures.common import GREY, INK, curves


def remainders(
    ax: Axes,
    sizes: Float[np.ndarray, " sizes"],
    lines: Mapping[str, Float[np.ndarray, " sizes"]],
    powers: Mapping[str, float],
) -> Axes:
    """Draw what a linear network leaves out, and lines of the slopes that theory says.

    Parameters
    ----------
    ax
        Where to draw; both axes are logarithmic.
    sizes
        Of the change of the state.
    lines
        Name, and the remainder at each size.
    powers
        Slope for each of the names; its line goes through the last point.
    """
    checks.array("sizes", sizes, None)
    for n, (name, values) in enumerate(lines.items()):
        checks.choice("each name of lines, for its power,", name, tuple(powers))
        guide = values[-1] * (sizes / sizes[-1]) ** powers[name]
        ax.plot(sizes, guide, color=f"C{n}", ls=("-", "--", ":")[n % 3], lw=1)
        label = f"{name} (line: slope {powers[name]:g})"
        ax.plot(sizes, values, "ox^"[n % 3], ms=4, mfc="none", color=f"C{n}", label=label)
    ax.set(xscale="log", yscale="log", xlabel="size of the change", ylabel="left out")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))
    return ax


def resting_points(
    ax: Axes,
    visited: Float[np.ndarray, "states 2"],
    points: Float[np.ndarray, "n 2"],
    stable: Bool[np.ndarray, " n"],
) -> Axes:
    """Draw fixed points among the states that a network visits, in a plane.

    Parameters
    ----------
    ax
        Where to draw.
    visited
        States.
    points
        Fixed points.
    stable
        Which of them are stable: filled squares; the others are crosses.
    """
    ax.plot(*visited.T, ".", ms=3, color="0.75", label="visited states", zorder=0)
    ax.plot(*points[~stable].T, "x", ms=6, color="C1", label="fixed point, unstable")
    ax.plot(*points[stable].T, "s", ms=5, color="C0", label="fixed point, stable")
    ax.set(xlabel="first principal component", ylabel="second")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))
    return ax


def fidelities(
    ax: Axes,
    cycles: Float[np.ndarray, " cycles"],
    lines: Mapping[str, Float[np.ndarray, " cycles"]],
    signs: float,
) -> Axes:
    """Draw the correlation of contents with what was stored, over cycles on a logarithmic axis.

    Parameters
    ----------
    ax
        Where to draw.
    cycles
        At which it was measured.
    lines
        Name, and the correlation at each.
    signs
        Correlation that is left when only signs are: a dotted line.
    """
    checks.array("cycles", cycles, None)
    curves(ax, lines, "cycle", "correlation with what was stored", x=cycles)
    ax.axhline(signs, color=INK, lw=0.8, ls=":")
    ax.set(xscale="log", ylim=(-0.05, 1.05))
    return ax


def stored_and_read(
    ax: Axes,
    stored: Float[np.ndarray, " n"],
    read: Mapping[str, Float[np.ndarray, " n"]],
) -> Axes:
    """Draw what is read against what was stored, one mark a content.

    Parameters
    ----------
    ax
        Where to draw.
    stored
        Numbers.
    read
        Name, and what was read for each of them.
    """
    ax.axline((0, 0), slope=1, color=GREY, lw=1, zorder=0)
    for (name, values), mark in zip(read.items(), ".x+1", strict=False):
        ax.plot(stored, values, mark, ms=3, label=name)
    ax.set(xlabel="stored", ylabel="read")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))
    return ax


def changes(
    ax: Axes, lines: Mapping[str, tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]]
) -> Axes:
    """Draw the change that a write makes against what was stored, and two ways how it could.

    Parameters
    ----------
    ax
        Where to draw.
    lines
        Name, and what was stored, with the change of each; both in units of the written bit.
    """
    ax.axhline(1, color=GREY, lw=1, zorder=0)
    ax.axline((0, 1), slope=-1, color=GREY, lw=1, zorder=0)
    for n, (name, (stored, change)) in enumerate(lines.items()):
        style = {"marker": "osx^D"[n % 5], "ls": ("-", "--", ":")[n % 3]}
        ax.plot(stored, change, ms=4, mfc="none", lw=1, label=name, **style)
    ax.text(-1.6, 0.9, "adding", color=INK, va="top", fontsize=9.5)
    ax.text(-0.8, 2.15, "overwriting", color=INK, fontsize=9.5)
    ax.set(xlabel="what was stored", ylabel="change by the write", ylim=(-0.3, 2.3))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))
    return ax


checks.guard(globals(), shapes=True)
