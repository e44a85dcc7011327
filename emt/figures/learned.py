"""Figure 3: a trained network in the basis of its variable memories."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Complex, Float, Int
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from emt import checks
from emt.figures.common import (
    GREY,
    INK,
    WIDE,
    complex_plane,
    heat_map,
    memory_edges,
    memory_ticks,
    phases,
)


def weights_in_basis(
    ax: Axes,
    matrix: Float[np.ndarray, "H H"],
    labels: Int[np.ndarray, "n 2"],
    by_construction: Bool[np.ndarray, "H H"] | None = None,
) -> Axes:
    """Draw ``W_hh`` in the basis ``[Psi; Psi_perp]``, the memory blocks marked (Fig. 3A).

    Parameters
    ----------
    ax
        Where to draw.
    matrix
        ``W_hh`` in that basis.
    labels
        (memory, component) of its first n rows and columns, memory 1 first.
    by_construction
        Entries that are zero for every matrix: drawn grey.
    """
    n, H = len(labels), len(matrix)
    heat_map(ax, matrix, "interaction", limit=1.0, extent=(0, H, H, 0))
    if by_construction is not None:
        ax.imshow(
            np.where(by_construction, 1.0, np.nan),
            extent=(0, H, H, 0),
            cmap="Greys",
            vmin=0,
            vmax=5,
        )
    for edge in memory_edges(labels):
        ax.plot([edge, edge], [0, n], [0, n], [edge, edge], color=GREY, lw=0.4)
    ax.plot([n, n], [0, H], [0, H], [n, n], color=INK, lw=1)
    ax.set_aspect("equal")
    memory_ticks(ax.xaxis, labels, H)
    memory_ticks(ax.yaxis, labels, H)
    ax.set(xlabel="from", ylabel="to")
    return ax


@runtime_checkable
class Matched(Protocol):
    """Learned eigenvalues beside the theory's, as `emt.spectrum.Spectrum` has them."""

    eigenvalues: Complex[np.ndarray, " H"]
    theory: Complex[np.ndarray, " n"]
    directions: Complex[np.ndarray, " d"]
    counts: Int[np.ndarray, " d"]


def learned_eigenvalues(ax: Axes, spectrum: Matched) -> Axes:
    """Draw the learned eigenvalues over the theory's, and how many lie in each direction (Fig. 3B).

    Parameters
    ----------
    ax
        Where to draw.
    spectrum
        The eigenvalues; the theory's may repeat.
    """
    learned, theory = spectrum.eigenvalues, spectrum.theory
    complex_plane(ax, reach=1.45)
    ax.plot(theory.real, theory.imag, "o", ms=9, mfc="none", mec="C1", mew=1.4, label="theory")
    ax.plot(learned.real, learned.imag, "x", ms=4, color="C0", label="learned")
    for count, direction in zip(spectrum.counts, spectrum.directions, strict=True):
        box = {"boxstyle": "square,pad=0.2", "fc": "white", "ec": INK, "lw": 0.6}
        place = 1.34 * direction
        ax.text(
            place.real, place.imag, str(count), ha="center", va="center", fontsize=9.5, bbox=box
        )
    ax.legend(loc="center", frameon=True, framealpha=0.85, edgecolor="none")
    return ax


def hidden_states(ax: Axes, h: Float[np.ndarray, "T H"], s: int) -> Axes:
    """Draw hidden states over time in the standard basis (Fig. 3C).

    Parameters
    ----------
    ax
        Where to draw.
    h
        h(1) ... h(T).
    s
        Length of the input phase.
    """
    T, H = h.shape
    heat_map(ax, h.T, "activity", extent=(0.5, T + 0.5, H + 0.5, 0.5))
    ax.set_ylabel("hidden unit")
    return phases(ax, s)


def memory_contents(
    ax: Axes,
    contents: Float[np.ndarray, "T n"],
    labels: Int[np.ndarray, "n 2"],
    s: int,
    limit: float = 1.0,
) -> Axes:
    """Draw the contents of all variable memories over time (Fig. 3D).

    Parameters
    ----------
    ax
        Where to draw.
    contents
        ``Psi* h(t)``, t = 1 ... T.
    labels
        (memory, component) of each, memory 1 first.
    s
        Length of the input phase.
    limit
        Value of the strongest colour.
    """
    T, n = contents.shape
    heat_map(ax, contents.T, "content", limit, extent=(0.5, T + 0.5, n, 0))
    ax.hlines(memory_edges(labels), 0.5, T + 0.5, color=GREY, lw=0.4)
    memory_ticks(ax.yaxis, labels, n)
    ax.set_ylabel("variable memory")
    return phases(ax, s)


def outputs(ax: Axes, y: Float[np.ndarray, "T kappa"], s: int, limit: float = 1.0) -> Axes:
    """Draw outputs over time, those of the input phase (never trained) hatched.

    Parameters
    ----------
    ax
        Where to draw.
    y
        y(1) ... y(T).
    s
        Length of the input phase.
    limit
        Value of the strongest colour.
    """
    T, kappa = y.shape
    heat_map(ax, y.T, "output", limit, extent=(0.5, T + 0.5, kappa + 0.5, 0.5))
    ax.axvspan(0.5, s + 0.5, fill=False, hatch="//", ec="0.5", lw=0)
    ax.set(ylabel="component", yticks=range(1, kappa + 1))
    return phases(ax, s)


def edited_run(
    contents: Float[np.ndarray, "T n"],
    y: Float[np.ndarray, "T kappa"],
    labels: Int[np.ndarray, "n 2"],
    s: int,
    edit: int,
) -> Figure:
    """Draw a run whose state was edited after a time step: memories, outputs, what is said.

    Below, the cycles before and after the edit as images, one output a column.

    Parameters
    ----------
    contents, y, labels, s
        As for `memory_contents` and `outputs`.
    edit
        The last time step before the edit; at least s.
    """
    fig = plt.figure(figsize=(WIDE, 7.0))
    grid = fig.add_gridspec(3, 2, height_ratios=[3, 1, 1.4])
    memory, output = (fig.add_subplot(grid[n, :]) for n in (0, 1))
    memory_contents(memory, contents, labels, s).set_xlabel("")
    outputs(output, y, s).set_xlabel(
        "time step  (inputs before the first line, edit at the second)"
    )
    for ax in (memory, output):
        ax.axvline(edit + 0.5, color="black", lw=1.4, ls=(0, (6, 2)))
    for n, (title, first) in enumerate({"said before": edit - s, "said after": edit}.items()):
        ax = fig.add_subplot(grid[2, n])
        ax.imshow(y[first : first + s].T, cmap="Greys", vmin=-1, vmax=1, interpolation="nearest")
        ax.set(title=f"{title} the edit", xticks=[], yticks=[])
    return fig


def figure_3(
    matrix: Float[np.ndarray, "H H"],
    spectrum: Matched,
    h: Float[np.ndarray, "T H"],
    contents: Float[np.ndarray, "T n"],
    labels: Int[np.ndarray, "n 2"],
    s: int,
    by_construction: Bool[np.ndarray, "H H"] | None = None,
    annotated: bool = False,
) -> Figure:
    """Compose panels A to D in the paper's arrangement.

    Parameters
    ----------
    matrix, labels, by_construction
        As for `weights_in_basis`.
    spectrum
        As for `learned_eigenvalues`.
    h, contents, s
        As for `hidden_states` and `memory_contents`.
    annotated
        Whether arrows and words say on the panels what to see in a network that has learned
        repeat copy.
    """
    layout = {"figsize": (WIDE, 8.2 if annotated else 7.6), "height_ratios": (1, 1.25)}
    fig, ((a, b), (c, d)) = plt.subplots(2, 2, **layout)
    weights_in_basis(a, matrix, labels, by_construction)
    learned_eigenvalues(b, spectrum)
    hidden_states(c, h, s)
    memory_contents(d, contents, labels, s)
    titles = "weights in the memory basis", "eigenvalues of the weights"
    titles += "hidden state, standard basis", "hidden state, memory basis"
    for ax, letter, title in zip((a, b, c, d), "ABCD", titles, strict=True):
        ax.set_title(f"{letter}  {title}")
    if annotated:
        _say_what_to_see(a, b, d, len(matrix), spectrum, labels, len(contents))
    return fig


def _say_what_to_see(
    a: Axes, b: Axes, d: Axes, H: int, spectrum: Matched, labels: np.ndarray, T: int
) -> None:
    """Annotate panels A, B and D of `figure_3`."""
    n, s, kappa = len(labels), int(labels[:, 0].max()), int(labels[:, 1].max())
    box = {"boxstyle": "square,pad=0.25", "fc": "white", "ec": "none", "alpha": 0.9}
    words = {"fontsize": 9.5, "ha": "center", "va": "center"}
    arrow = {"arrowstyle": "->", "color": "black", "lw": 1.2, "shrinkA": 2}
    pointing = {**words, "arrowprops": arrow}
    if 2 * n > H:  # else the memories' blocks are too small to write in
        middle = (n - kappa) // 2
        before = "copied to the\nmemory before"
        a.annotate(before, (middle + kappa, middle), (0.66 * n, n / 7), **pointing)
        returns = f"memory 1\nreturns to\nmemory {s}"
        a.annotate(returns, (kappa / 2, n - kappa / 2), (0.31 * n, 0.7 * n), **pointing)
        a.text((n + H) / 2, n / 2, "zero by\nconstruction", **words)
        a.text(0.6 * n, (n + H) / 2, "small leak", **words)
    each = set(spectrum.counts.tolist())
    if len(each) == 1:
        text, root = f"{each.pop()} at each root", spectrum.directions[0]
        b.annotate(text, (0.96 * root.real, 0.96 * root.imag), (-0.05, 0.34), zorder=6, **pointing)
    b.text(0, -0.36, "the rest decays", **words)
    d.annotate("", (s - 2.5, 0), (0.8, n - 3 * kappa), arrowprops=arrow)
    d.text(0.32 * s, 0.1 * n, "empty", **words)
    enters = f"enters at memory {s},\nclimbs one a step"
    place = (0.5 + 0.62 * T, 0.72 * n)
    white = {**arrow, "path_effects": [withStroke(linewidth=3.5, foreground="white")]}
    d.annotate(enters, (1, n - kappa / 2), place, **words, bbox=box, arrowprops=white)


checks.guard(globals(), shapes=True)
