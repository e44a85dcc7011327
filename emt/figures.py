"""One function a panel: data in, ``Axes`` out. Nothing is computed here."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from IPython.display import HTML
from jaxtyping import Bool, Complex, Float, Int
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

WIDTH, WIDE = 4.2, 8.4
"""Widths in inches: of a figure that a phone shows whole, and of one that it scrolls."""
GREY = "0.85"
INK = "0.25"


def use_style() -> None:
    """Switch matplotlib to the book's style, ``emt/emt.mplstyle``."""
    plt.style.use(["default", "emt.emt"])


def table(rows: Sequence[Mapping], **formats: str) -> HTML:
    """Return rows as an HTML table, one column a key.

    Parameters
    ----------
    rows
        With the same keys.
    formats
        Format of a column's numbers, such as ``".3f"``, by column name.
    """
    formatters = {name: f"{{:{spec}}}".format for name, spec in formats.items()}
    frame = pd.DataFrame(rows)
    return HTML(frame.to_html(index=False, border=0, justify="left", formatters=formatters))


def single(height: float = 3.0) -> tuple[Figure, Axes]:
    """Return a figure of phone width with one panel.

    Parameters
    ----------
    height
        In inches.
    """
    return plt.subplots(figsize=(WIDTH, height))


def curves(
    ax: Axes,
    lines: Mapping[str, Float[np.ndarray, " steps"]],
    xlabel: str,
    ylabel: str,
    first: int = 1,
    theory: Float[np.ndarray, " steps"] | None = None,
) -> Axes:
    """Draw one line a name over the steps `first`, `first` + 1, ...

    Parameters
    ----------
    ax
        Where to draw.
    lines
        Name and values; distinguished by colour and by dashes.
    xlabel, ylabel
        Of the axes.
    first
        Step of the first value.
    theory
        What theory says, as dots.
    """
    dashes = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2))]
    for n, (name, values) in enumerate(lines.items()):
        steps = np.arange(first, first + len(values))
        ax.plot(steps, values, ls=dashes[n % len(dashes)], label=name)
    if theory is not None:
        steps = np.arange(first, first + len(theory))
        ax.plot(steps, theory, "o", ms=2.5, mfc="white", mec="black", label="theory", zorder=3)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    return ax


def heat_map(
    ax: Axes,
    values: Float[np.ndarray, "rows columns"],
    label: str,
    limit: float | None = None,
    extent: tuple[float, float, float, float] | None = None,
) -> Axes:
    """Draw values on a diverging colour map centred on zero, with a labelled colour bar.

    Parameters
    ----------
    ax
        Where to draw.
    values
        First row on top.
    label
        Of the colour bar.
    limit
        Value of the strongest colour; by default the largest modulus. Arrows on the colour bar say
        that values lie beyond.
    extent
        Left, right, bottom, top in data coordinates.
    """
    limit = limit or abs(values).max() or 1.0
    image = ax.imshow(values, vmin=-limit, vmax=limit, aspect="auto", extent=extent)
    beyond = "both" if abs(values).max() > limit else "neither"
    ax.figure.colorbar(
        image, ax=ax, label=label, extend=beyond, extendfrac=0.03, shrink=0.9, aspect=30, pad=0.02
    )
    ax.spines[:].set_visible(True)
    return ax


def interactions(
    ax: Axes,
    matrix: Float[np.ndarray, "H H"],
    s: int,
    kappa: int,
    by_construction: Bool[np.ndarray, "H H"] | None = None,
) -> Axes:
    """Draw ``W_hh`` in the basis ``[Psi; Psi_perp]``, the memory blocks marked (Fig. 3A).

    Parameters
    ----------
    ax
        Where to draw.
    matrix
        ``W_hh`` in that basis.
    s, kappa
        Number of memories and components of each.
    by_construction
        Entries that are zero for every matrix: drawn grey.
    """
    n, H = s * kappa, len(matrix)
    heat_map(ax, matrix, "interaction", limit=1.0, extent=(0, H, H, 0))
    if by_construction is not None:
        ax.imshow(
            np.where(by_construction, 1.0, np.nan),
            extent=(0, H, H, 0),
            cmap="Greys",
            vmin=0,
            vmax=5,
        )
    for edge in range(kappa, n, kappa):
        ax.plot([edge, edge], [0, n], [0, n], [edge, edge], color=GREY, lw=0.4)
    ax.plot([n, n], [0, H], [0, H], [n, n], color=INK, lw=1)
    ax.set_aspect("equal")
    _memory_ticks(ax.xaxis, s, kappa, H)
    _memory_ticks(ax.yaxis, s, kappa, H)
    ax.set(xlabel="from", ylabel="to")
    return ax


def spectrum(
    ax: Axes,
    eigenvalues: Complex[np.ndarray, " H"],
    theory: Complex[np.ndarray, " n"],
    counts: Int[np.ndarray, " s"],
) -> Axes:
    """Draw the learned eigenvalues over the theory's, and how many lie in each direction (Fig. 3B).

    Parameters
    ----------
    ax
        Where to draw.
    eigenvalues
        Of ``W_hh``.
    theory
        The roots of unity, which may repeat.
    counts
        Long-lived eigenvalues in the direction of each root, angle 0 first.
    """
    circle = np.exp(2j * np.pi * np.linspace(0, 1, 361))
    ax.plot(circle.real, circle.imag, color=GREY, lw=0.8, zorder=0)
    ax.plot(theory.real, theory.imag, "o", ms=9, mfc="none", mec="C1", mew=1.4, label="theory")
    ax.plot(eigenvalues.real, eigenvalues.imag, "x", ms=4, color="C0", label="learned")
    directions = np.exp(2j * np.pi * np.arange(len(counts)) / len(counts))
    for count, root in zip(counts, directions, strict=True):
        box = {"boxstyle": "square,pad=0.2", "fc": "white", "ec": INK, "lw": 0.6}
        place = 1.22 * root
        ax.text(place.real, place.imag, str(count), ha="center", va="center", fontsize=8, bbox=box)
    ax.set(xlim=(-1.45, 1.45), ylim=(-1.45, 1.45), xlabel="real part", ylabel="imaginary part")
    ax.set_aspect("equal")
    ax.legend(loc="center")
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
    return _phases(ax, s)


def memory_contents(
    ax: Axes, contents: Float[np.ndarray, "T n"], s: int, kappa: int, limit: float = 1.0
) -> Axes:
    """Draw the contents of all variable memories over time (Fig. 3D).

    Parameters
    ----------
    ax
        Where to draw.
    contents
        ``Psi* h(t)``, t = 1 ... T.
    s, kappa
        Number of memories and components of each.
    limit
        Value of the strongest colour.
    """
    T, n = contents.shape
    heat_map(ax, contents.T, "content", limit, extent=(0.5, T + 0.5, n, 0))
    ax.hlines(np.arange(kappa, n, kappa), 0.5, T + 0.5, color=GREY, lw=0.4)
    _memory_ticks(ax.yaxis, s, kappa, n)
    ax.set_ylabel("variable memory")
    return _phases(ax, s)


def outputs(ax: Axes, y: Float[np.ndarray, "T kappa"], s: int) -> Axes:
    """Draw outputs over time, those of the input phase (never trained) hatched.

    Parameters
    ----------
    ax
        Where to draw.
    y
        y(1) ... y(T).
    s
        Length of the input phase.
    """
    T, kappa = y.shape
    heat_map(ax, y.T, "output", limit=1.0, extent=(0.5, T + 0.5, kappa + 0.5, 0.5))
    ax.axvspan(0.5, s + 0.5, fill=False, hatch="//", ec="0.5", lw=0)
    ax.set(ylabel="component", yticks=range(1, kappa + 1))
    return _phases(ax, s)


def figure_3(
    matrix: Float[np.ndarray, "H H"],
    by_construction: Bool[np.ndarray, "H H"],
    eigenvalues: Complex[np.ndarray, " H"],
    theory: Complex[np.ndarray, " n"],
    counts: Int[np.ndarray, " s"],
    h: Float[np.ndarray, "T H"],
    contents: Float[np.ndarray, "T n"],
    s: int,
    kappa: int,
) -> Figure:
    """Compose panels A to D in the paper's arrangement.

    Parameters
    ----------
    matrix, by_construction
        As for `interactions`.
    eigenvalues, theory, counts
        As for `spectrum`.
    h
        As for `hidden_states`.
    contents
        As for `memory_contents`.
    s, kappa
        Number of memories and components of each.
    """
    fig, ((a, b), (c, d)) = plt.subplots(2, 2, figsize=(WIDE, 7.6))
    interactions(a, matrix, s, kappa, by_construction).set_title("A  weights in the memory basis")
    spectrum(b, eigenvalues, theory, counts).set_title("B  eigenvalues of the weights")
    hidden_states(c, h, s).set_title("C  hidden state, standard basis")
    memory_contents(d, contents, s, kappa).set_title("D  hidden state, memory basis")
    return fig


def side_by_side(titles: Sequence[str], height: float = 3.9) -> tuple[Figure, list[Axes]]:
    """Return a wide figure with one titled panel a title.

    Parameters
    ----------
    titles
        Of the panels, left to right.
    height
        In inches.
    """
    fig, axes = plt.subplots(1, len(titles), figsize=(WIDE, height), squeeze=False)
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set_title(title)
    return fig, list(axes[0])


def _memory_ticks(axis, s: int, kappa: int, H: int) -> None:
    """Label some memories at the middle of their block, and what lies beyond them."""
    shown = [1, *(k for k in range(4, s - 1, 4)), s] if s > 4 else range(1, s + 1)
    ticks = {(k - 0.5) * kappa: str(k) for k in shown}
    if s * kappa < H:
        ticks[(s * kappa + H) / 2] = "⊥"
    axis.set_ticks(list(ticks), list(ticks.values()))


def _phases(ax: Axes, s: int) -> Axes:
    """Mark where the input phase ends."""
    ax.axvline(s + 0.5, color="black", lw=1, ls=(0, (3, 2)))
    ax.set_xlabel("time step  (inputs before the dashed line)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return ax
