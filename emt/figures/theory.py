"""Panels of the theory: overlaps, eigenvalues, vectors of the plane (sections 3 to 5)."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Complex, Float
from matplotlib.axes import Axes

from emt import checks
from emt.figures.common import complex_plane, curves


def overlap_curves(
    ax: Axes, times: Float[np.ndarray, " times"], overlaps: Float[np.ndarray, "N_h times"]
) -> Axes:
    """Draw the overlap of the features with each stored memory over time.

    Parameters
    ----------
    ax
        Where to draw.
    times
        In units of T_f.
    overlaps
        One row a memory.
    """
    lines = {f"memory {k}": row for k, row in enumerate(overlaps, start=1)}
    curves(ax, lines, "time (in units of $T_f$)", "overlap", x=times)
    ax.set_ylim(-0.4, 1.08)
    return ax


def rule_eigenvalues(ax: Axes, values: Complex[np.ndarray, " n"]) -> Axes:
    """Draw eigenvalues in the complex plane, the number at each where there are several.

    Parameters
    ----------
    ax
        Where to draw.
    values
        Those closer than 0.05 are drawn as one.
    """
    checks.array("values", abs(values), None)
    places = []
    for value in values:
        near = [place for place in places if abs(place[0] - value) < 0.05]
        near[0].append(value) if near else places.append([value])
    complex_plane(ax, reach=1.25)
    for place in places:
        z = np.mean(place)
        ax.plot(z.real, z.imag, "o", ms=17 if len(place) > 1 else 5, mfc="C0", mec="white")
        if len(place) > 1:
            middle = {"ha": "center", "va": "center"}
            ax.text(z.real, z.imag, str(len(place)), color="white", fontsize=10, **middle)
    return ax


def parallelogram(
    ax: Axes,
    v: Float[np.ndarray, "2"],
    basis: Float[np.ndarray, "2 2"],
    components: Float[np.ndarray, "2"],
) -> Axes:
    """Draw a vector of the plane as the sum of its components along a basis.

    Parameters
    ----------
    ax
        Where to draw.
    v
        The vector.
    basis
        One vector a column.
    components
        Of `v` in that basis.
    """
    parts = basis * components
    arrows(ax, {"basis": basis, "$v$": v[:, None]})
    for start, part in ((parts[:, 0], parts[:, 1]), (parts[:, 1], parts[:, 0])):
        end = start + part
        ax.plot(*zip([0, 0], start, end, strict=True), color="0.5", lw=1, ls="--", zorder=0)
    for k in range(2):
        place = {"xytext": (-6, -12) if k == 0 else (-10, 6), "textcoords": "offset points"}
        name = f"$v^{k + 1}$ = {components[k]:.2f}"
        ax.annotate(name, parts[:, k], fontsize=9.5, ha="right" if k else "center", **place)
    return ax


def arrows(ax: Axes, groups: Mapping[str, Float[np.ndarray, "2 _"]]) -> Axes:
    """Draw vectors of the plane as arrows from the origin, a colour a group.

    Parameters
    ----------
    ax
        Where to draw.
    groups
        Name and vectors, one a column.
    """
    for n, (name, vectors) in enumerate(groups.items()):
        at = np.zeros(vectors.shape[1])
        style = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.012}
        ax.quiver(at, at, *vectors, color=f"C{n}", label=name, **style)
        for k, (x, y) in enumerate(vectors.T, start=1):
            mark = f"{k}" if vectors.shape[1] > 1 else ""
            ax.annotate(f"{name} {mark}", (x, y), (4, 2), textcoords="offset points", fontsize=9.5)
    everything = np.hstack([np.zeros((2, 1)), *groups.values()])
    low, high = everything.min(axis=1) - 0.3, everything.max(axis=1) + 0.4
    ax.set(xlim=(low[0], high[0] + 0.3), ylim=(low[1], high[1]), aspect="equal")
    return ax


def two_projections(
    ax: Axes,
    modes: Float[np.ndarray, "2 2"],
    orbit: Float[np.ndarray, "T 2"],
    spectral: Float[np.ndarray, "2"],
    orthogonal: Float[np.ndarray, "2"],
) -> Axes:
    """Draw where a state goes in a plane with a lasting and a fading mode, and two projections.

    Parameters
    ----------
    ax
        Where to draw.
    modes
        The lasting and the fading mode, one a column.
    orbit
        States over time.
    spectral, orthogonal
        Projections of the first state on the lasting mode.
    """
    for mode, name, dashes in zip(modes.T, ("lasting mode", "fading mode"), "-:", strict=True):
        ax.axline((0, 0), mode, color="0.6", ls=dashes, lw=1, label=name, zorder=0)
    ax.plot(*orbit.T, "o-", ms=4, color="C0", label="state, step by step")
    for point, name, mark in ((spectral, "spectral", "s"), (orthogonal, "orthogonal", "X")):
        color = "C1" if mark == "s" else "C2"
        join = {"lw": 5, "alpha": 0.35, "zorder": 1} if mark == "s" else {"lw": 1, "ls": "--"}
        ax.plot(*zip(orbit[0], point, strict=True), color=color, **join)
        ax.plot(*point, mark, ms=8, color=color, label=f"{name} projection")
    points = np.vstack([orbit, spectral, orthogonal])
    reach = 1.3 * abs(checks.array("orbit, spectral and orthogonal", points, None, 2)).max()
    ax.set(xlim=(-reach, reach), ylim=(-0.4 * reach, 1.1 * reach), aspect="equal")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2)
    return ax


checks.guard(globals(), shapes=True)
