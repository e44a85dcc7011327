"""Figures 1 and 2: what write, compose and read do, in a program and in a network."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from emt import checks
from emt.figures.common import INK, WIDE


@runtime_checkable
class Traced(Protocol):
    """What memories hold, memory 1 first, after each line of each time step (Fig. 1)."""

    composed: Float[np.ndarray, "T n"]
    written: Float[np.ndarray, "T n"]
    read: Float[np.ndarray, "T kappa"]


def cells(
    ax: Axes,
    content: Float[np.ndarray, " kappa"],
    limit: float,
    box: tuple[float, float, float, float],
) -> QuadMesh:
    """Draw what one memory holds as an outlined column of cells, component 1 on top.

    Parameters
    ----------
    ax
        Where to draw; y points down.
    content
        Component 1 first.
    limit
        Value of the strongest colour.
    box
        Left, top, width and height in data coordinates.
    """
    left, top, width, height = box
    edges = np.linspace(top, top + height, len(content) + 1)
    colours = {"vmin": -limit, "vmax": limit, "ec": "0.7", "lw": 0.4}
    mesh = ax.pcolormesh([left, left + width], edges, content[:, None], **colours)
    ax.add_patch(Rectangle((left, top), width, height, fill=False, ec=INK, lw=0.9))
    return mesh


def figure_1(
    program: Traced, network: Traced, u: Float[np.ndarray, "T kappa"], s: int, kappa: int
) -> Figure:
    """Compose the pseudocode and the network's equations with what each line does to both states.

    Parameters
    ----------
    program, network
        Runs on the same inputs.
    u
        u(1) ... u(T).
    s, kappa
        Number of memories and components of each.
    """
    T = checks.integer("the number of steps of u", len(u))
    checks.array("u", u, None, checks.integer("kappa", kappa))
    memories, last = [str(k) for k in range(1, checks.integer("s", s) + 1)], [str(s)]
    limit = _limit(*_states(program), *_states(network), u)
    fig, ax = plt.subplots(figsize=(WIDE, 2.2 + 0.55 * T))
    columns = [
        (0.80, 1.12, program.composed, "program", memories),
        (2.07, 1.12, network.composed, "network", memories),
        (3.60, 0.28, u, "$u(t)$", [""]),
        (4.11, 1.12, program.written, "program", memories),
        (5.38, 1.12, network.written, "network", memories),
        (7.04, 0.28, program.read, "program", last),
        (7.72, 0.28, network.read, "network", last),
    ]
    for left, width, states, title, names in columns:
        ax.text(left + width / 2, -0.43, title, ha="center", fontsize=9.5)
        pitch = width / len(names)
        for k, name in enumerate(names):
            ax.text(left + pitch * (k + 0.5), -0.1, name, ha="center", fontsize=9.5)
            states = checks.array("a run of s memories", states, T, len(names) * kappa)
            for t, content in enumerate(states.reshape(T, len(names), kappa)[:, k]):
                box = (left + pitch * (k + 0.06), t + 0.07, 0.88 * pitch, 0.86)
                mesh = cells(ax, content, limit, box)
    _lines_of_code(ax, s)
    _time_steps(ax, T, s)
    _scale(fig, ax, mesh)
    return fig


def composing(
    ax: Axes,
    before: Float[np.ndarray, " n"],
    composed: Float[np.ndarray, " n"],
    s: int,
    kappa: int,
    limit: float,
) -> Axes:
    """Draw `Phi`: each memory copied to the one before, f of all into memory s (Fig. 2A).

    Parameters
    ----------
    ax
        Where to draw.
    before, composed
        Contents of all memories before and after.
    s, kappa
        Number of memories and components of each.
    limit
        Value of the strongest colour.
    """
    bottom = _stack(ax, before, s, kappa, limit, 0.0, "$h(t-1)$", labels=-0.55)
    _stack(ax, composed, s, kappa, limit, 2.0, r"$\Phi\,h(t-1)$")
    for k in range(1, s):
        _arrow(ax, (0.55, _middle(k)), (1.95, _middle(k - 1)))
    for k in range(s):
        ax.plot([-0.35, -0.04], [_middle(k), _middle(k)], color=INK, lw=1)
    turns = [-0.35, -0.35, 2.25], [_middle(0), bottom + 0.6, bottom + 0.6]
    ax.plot(*turns, color=INK, lw=1)
    _arrow(ax, (2.25, bottom + 0.6), (2.25, bottom + 0.05))
    _node(ax, 1.25, bottom + 0.6, "$f$")
    return _bare(ax, s, (-0.95, 2.8))


def writing(
    ax: Axes,
    composed: Float[np.ndarray, " n"],
    written: Float[np.ndarray, " n"],
    u: Float[np.ndarray, " kappa"],
    s: int,
    kappa: int,
    limit: float,
) -> Axes:
    """Draw ``W_uh = Psi_s``: the input is added to memory s (Fig. 2B).

    Parameters
    ----------
    ax
        Where to draw.
    composed, written
        Contents of all memories before and after.
    u
        The input.
    s, kappa
        Number of memories and components of each.
    limit
        Value of the strongest colour.
    """
    bottom = _stack(ax, composed, s, kappa, limit, 0.0, r"$\Phi\,h(t-1)$", labels=-0.25)
    _stack(ax, written, s, kappa, limit, 2.0, "$h(t)$")
    for k in range(s):
        _arrow(ax, (0.55, _middle(k)), (1.95, _middle(k)))
    cells(ax, u, limit, (1.0, bottom + 0.6, 0.5, 1.0))
    _arrow(ax, (1.25, bottom + 0.57), (1.25, _middle(s - 1)))
    _node(ax, 1.25, _middle(s - 1), "+")
    ax.text(0.9, bottom + 1.1, "$u(t)$", ha="right", va="center")
    ax.text(1.36, bottom + 0.28, rf"$W_{{uh}} = \Psi_{{{s}}}$", va="center", fontsize=10.5)
    return _bare(ax, s, (-0.65, 2.8))


def reading(
    ax: Axes,
    written: Float[np.ndarray, " n"],
    read: Float[np.ndarray, " kappa"],
    s: int,
    kappa: int,
    limit: float,
) -> Axes:
    """Draw ``W_r = Psi*_s``: memory s is the output (Fig. 2C).

    Parameters
    ----------
    ax
        Where to draw.
    written
        Contents of all memories.
    read
        The output.
    s, kappa
        Number of memories and components of each.
    limit
        Value of the strongest colour.
    """
    _stack(ax, written, s, kappa, limit, 0.0, "$h(t)$", labels=-0.25)
    last = _middle(s - 1)
    cells(ax, read, limit, (2.0, last - 0.5, 0.5, 1.0))
    _arrow(ax, (0.55, last), (1.95, last))
    ax.text(1.25, last - 0.12, rf"$W_r = \Psi^*_{{{s}}}$", ha="center", fontsize=10.5)
    ax.text(2.25, last - 0.6, "$y(t)$", ha="center")
    return _bare(ax, s, (-0.65, 2.8))


def figure_2(
    before: Float[np.ndarray, " n"],
    composed: Float[np.ndarray, " n"],
    written: Float[np.ndarray, " n"],
    read: Float[np.ndarray, " kappa"],
    u: Float[np.ndarray, " kappa"],
    s: int,
    kappa: int,
) -> Figure:
    """Compose panels A to C: what one time step does to the variable memories.

    Parameters
    ----------
    before, composed, written
        Contents of all memories: before the step, after `Phi`, and after the input is added.
    read
        The output.
    u
        The input.
    s, kappa
        Number of memories and components of each.
    """
    limit = _limit(before, composed, written, read, u)
    fig, axes = plt.subplots(1, 3, figsize=(WIDE, 2.4 + 0.7 * s), width_ratios=(3.75, 3.45, 3.45))
    composing(axes[0], before, composed, s, kappa, limit).set_title("A  compose")
    writing(axes[1], composed, written, u, s, kappa, limit).set_title("B  write")
    reading(axes[2], written, read, s, kappa, limit).set_title("C  read")
    _scale(fig, axes, axes[0].collections[0])
    return fig


def _states(run: Traced) -> tuple[np.ndarray, ...]:
    """Return all that a run holds."""
    return run.composed, run.written, run.read


def _limit(*values: np.ndarray) -> float:
    """Return the limit of a colour scale that panels share.

    A quarter beyond the largest modulus: the darkest red and the darkest blue look alike.
    """
    most = max(abs(array).max(initial=0.0) for array in values)
    return 1.25 * checks.real("the largest of composed, written, read and u", most) or 1.0


def _scale(fig: Figure, axes: Axes | np.ndarray, mesh: QuadMesh) -> None:
    """Draw the one colour bar of a figure below its panels."""
    place = {"location": "bottom", "shrink": 0.4, "aspect": 35, "pad": 0.02}
    fig.colorbar(mesh, ax=axes, label="content of a component", **place)


def _lines_of_code(ax: Axes, s: int) -> None:
    """Write the program's and the network's three lines above the columns of Fig. 1."""
    shifted = [f"M[{k}]" for k in range(2, s + 1)]
    shifted[1:-1] = shifted[1:-1] if s <= 4 else ["…"]
    shift = ", ".join([*shifted, "f(M)"])
    code = {
        0.80: ("compose", f"M ← [{shift}]", r"$h \leftarrow W_{hh}\,h$"),
        3.60: ("write", f"M[{s}] ← M[{s}] + u(t)", r"$h \leftarrow h + W_{uh}\,u(t)$"),
        6.91: ("read", f"y ← M[{s}]", r"$y \leftarrow W_r\,h$"),
    }
    ax.text(0, -1.4, "program", fontsize=9.5)
    ax.text(0, -0.98, "network", fontsize=9.5)
    for left, (name, line, equation) in code.items():
        ax.text(left, -1.8, name, fontsize=10, fontweight="bold")
        ax.text(left, -1.4, line, family="monospace")
        ax.text(left, -0.98, equation, fontsize=10.5)


def _time_steps(ax: Axes, T: int, s: int) -> None:
    """Write the rows' numbers in Fig. 1 and mark where the input phase ends."""
    ax.set(xlim=(0, 8.3), ylim=(T, -2))
    ax.set_axis_off()
    ax.text(0.55, -0.43, "$t$", ha="center", fontsize=9.5)
    for t in range(T):
        ax.text(0.55, t + 0.5, str(t + 1), ha="center", va="center", fontsize=9.5)
    ax.text(0.18, s / 2, "input\nphase", fontsize=9.5, rotation=90, ha="center", va="center")
    if T > s:
        ax.axhline(s, color="black", lw=1, ls=(0, (3, 2)))
        middle = (s + T) / 2
        ax.text(0.18, middle, "output\nphase", fontsize=9.5, rotation=90, ha="center", va="center")


def _middle(k: int) -> float:
    """Return the height of the middle of memory k, counted from 0, in Fig. 2."""
    return 1.25 * k + 0.5


def _stack(
    ax: Axes,
    state: Float[np.ndarray, " n"],
    s: int,
    kappa: int,
    limit: float,
    left: float,
    title: str,
    labels: float = 0.75,
) -> float:
    """Draw the memories of Fig. 2 one below the other, and return where they end."""
    size = checks.integer("s", s) * checks.integer("kappa", kappa)
    state = checks.array("what s memories hold", state, size)
    ax.text(left + 0.25, -0.15, title, ha="center")
    for k, memory in enumerate(state.reshape(s, kappa)):
        cells(ax, memory, limit, (left, _middle(k) - 0.5, 0.5, 1.0))
        name = rf"$\Psi_{{{k + 1}}}$"
        ax.text(left + labels, _middle(k), name, ha="center", va="center", fontsize=10.5)
    return _middle(s - 1) + 0.5


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw an arrow between two points."""
    style = {"arrowstyle": "-|>", "color": INK, "lw": 1, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, start, arrowprops=style)


def _node(ax: Axes, x: float, y: float, name: str) -> None:
    """Draw an operation in a circle."""
    box = {"boxstyle": "circle,pad=0.25", "fc": "white", "ec": INK}
    ax.text(x, y, name, ha="center", va="center", bbox=box)


def _bare(ax: Axes, s: int, xlim: tuple[float, float]) -> Axes:
    """Give a panel of Fig. 2 its limits and hide its axes."""
    ax.set(xlim=xlim, ylim=(_middle(s - 1) + 2.2, -0.5))
    ax.set_axis_off()
    return ax


checks.guard(globals(), shapes=True)
