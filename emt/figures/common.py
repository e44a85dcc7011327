"""What all figures share: style, layout, tables, curves and heat maps."""

import html
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from emt import checks

WIDTH, WIDE = 4.2, 8.4
"""Widths in inches: of a figure that a phone shows whole, and of one that it scrolls."""
GREY = "0.85"
INK = "0.25"


def use_style() -> None:
    """Switch matplotlib to the book's style, ``emt/emt.mplstyle``."""
    plt.style.use(["default", "emt.emt"])


def table(rows: Iterable[Mapping], source: str = "", **formats: str):
    """Return rows as an HTML table, one column a key.

    Parameters
    ----------
    rows
        With the same keys.
    source
        Of a committed table, `emt.workshop.tables.CommittedTable.source`: a line below.
    formats
        Format of a column's numbers, such as ``".3f"``, by column name.
    """
    import pandas as pd  # the book has both, and only it has tables
    from IPython.display import HTML

    formatters = {name: f"{{:{spec}}}".format for name, spec in formats.items()}
    frame = pd.DataFrame(rows)
    text = frame.to_html(index=False, border=0, justify="left", formatters=formatters, na_rep="–")
    return HTML(text + f"<p><em>{html.escape(source)}</em></p>" * bool(source))


def single(height: float = 3.0) -> tuple[Figure, Axes]:
    """Return a figure of phone width with one panel.

    Parameters
    ----------
    height
        In inches.
    """
    return plt.subplots(figsize=(WIDTH, height))


def side_by_side(titles: Sequence[str], height: float = 3.9) -> tuple[Figure, list[Axes]]:
    """Return a wide figure with one titled panel a title.

    Parameters
    ----------
    titles
        Of the panels, left to right.
    height
        In inches.
    """
    columns = checks.integer("the number of titles", len(titles))
    fig, axes = plt.subplots(1, columns, figsize=(WIDE, height), squeeze=False)
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set_title(title)
    return fig, list(axes[0])


def curves(
    ax: Axes,
    lines: Mapping[str, Float[np.ndarray, " _"]],
    xlabel: str,
    ylabel: str,
    first: int = 1,
    theory: Float[np.ndarray, " steps"] | None = None,
    x: Float[np.ndarray, " steps"] | None = None,
) -> Axes:
    """Draw one line a name over the steps `first`, `first` + 1, ..., or over `x`.

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
    x
        Where the values lie, if not at successive steps.
    """
    dashes = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2))]
    for n, (name, values) in enumerate(lines.items()):
        steps = np.arange(first, first + len(values)) if x is None else x
        ax.plot(steps, values, ls=dashes[n % len(dashes)], label=name)
    if theory is not None:
        steps = np.arange(first, first + len(theory)) if x is None else x
        ax.plot(steps, theory, "o", ms=2.5, mfc="white", mec="black", label="theory", zorder=3)
    if x is None:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    return ax


def predictions(
    ax: Axes,
    pairs: Mapping[
        str, tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"], Float[np.ndarray, " n"]]
    ],
    xlabel: str,
    ylabel: str,
) -> Axes:
    """Draw what was predicted as lines and what was measured as points of the same colour.

    Parameters
    ----------
    ax
        Where to draw; the horizontal axis is logarithmic.
    pairs
        Name, and for each: where, predicted, measured.
    xlabel, ylabel
        Of the axes.
    """
    styles = zip(("-", "--", "-.", ":"), "ox^s", strict=True)
    for n, ((name, (x, line, found)), (dashes, marker)) in enumerate(
        zip(pairs.items(), styles, strict=False)
    ):
        ax.plot(x, line, ls=dashes, color=f"C{n}", label=f"predicted, {name}")
        ax.plot(x, found, marker, ms=4, mfc="none", color=f"C{n}", label=f"measured, {name}")
    ax.set(xscale="log", xlabel=xlabel, ylabel=ylabel)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    return ax


def law(
    ax: Axes,
    points: Mapping[str, tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]],
    factors: Mapping[str, float],
    low: float,
    high: float,
    ylabel: str,
) -> Axes:
    """Draw points on double logarithmic scales, and lines of slope 1.

    Parameters
    ----------
    ax
        Where to draw.
    points
        Name, and activity and value of each; distinguished by colour and by marker.
    factors
        Name and value over activity that theory predicts; coloured as the points of that name.
    low, high
        Activities between which the law is measured; beyond them the background is grey.
    ylabel
        Of the vertical axis; the other is activity.
    """
    checks.integer("the number of points", len(points))
    checks.array("low and high", [low, high], 2)
    every = np.concatenate([np.asarray(x) for x, _ in points.values()])
    ends = np.array([every.min() / 1.5, every.max() * 1.5])
    colours = {name: f"C{n}" for n, name in enumerate(points)}
    for (name, (x, y)), marker in zip(points.items(), "ox^sD", strict=False):
        ax.plot(x, y, marker, ms=3.5, mfc="none", color=colours[name], label=name)
    for n, (name, factor) in enumerate(factors.items()):
        style = {"color": colours.get(name, INK), "ls": ("-", "--", ":")[n % 3], "lw": 1.0}
        ax.plot(ends, factor * ends, label=f"predicted, {name}", **style)
    for span in ((ends[0], low), (high, ends[1])):
        ax.axvspan(*span, color="0.93", lw=0, zorder=0)
    ax.set(xscale="log", yscale="log", xlim=ends, ylabel=ylabel)
    ax.set_xlabel("activity: mean square of a hidden unit")
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
    checks.integer("the number of values", values.size)
    limit = limit or abs(values).max() or 1.0
    image = ax.imshow(values, vmin=-limit, vmax=limit, aspect="auto", extent=extent)
    beyond = "both" if abs(values).max() > limit else "neither"
    ax.figure.colorbar(
        image, ax=ax, label=label, extend=beyond, extendfrac=0.03, shrink=0.9, aspect=30, pad=0.02
    )
    ax.spines[:].set_visible(True)
    return ax


def memory_ticks(axis: Axis, labels: Int[np.ndarray, "n 2"], H: int) -> None:
    """Label some memories at the middle of their block, and what lies beyond them."""
    memory, n = labels[:, 0], len(labels)
    numbers = np.unique(memory).tolist()
    if len(numbers) > 4:
        first, last = numbers[0], numbers[-1]
        numbers = [first, *(k for k in numbers[1:] if k % 4 == 0 and k < last - 1), last]
    ticks = {np.flatnonzero(memory == k).mean() + 0.5: str(k) for k in numbers}
    if n < H:
        ticks[(n + H) / 2] = "⊥"
    axis.set_ticks(list(ticks), list(ticks.values()))


def memory_edges(labels: Int[np.ndarray, "n 2"]) -> Int[np.ndarray, " edges"]:
    """Return where one memory's block ends and the next begins."""
    return np.flatnonzero(np.diff(labels[:, 0])) + 1


def phases(ax: Axes, s: int) -> Axes:
    """Mark where the input phase ends."""
    edge = [withStroke(linewidth=2.5, foreground="white")]
    ax.axvline(s + 0.5, color="black", lw=1, ls=(0, (3, 2)), path_effects=edge)
    ax.set_xlabel("time step  (inputs before the dashed line)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return ax


def complex_plane(ax: Axes, reach: float) -> None:
    """Draw the unit circle, and label and limit the axes."""
    circle = np.exp(2j * np.pi * np.linspace(0, 1, 361))
    ax.plot(circle.real, circle.imag, color=GREY, lw=0.8, zorder=0)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ax.set(xlabel="real part", ylabel="imaginary part")


checks.guard(globals(), shapes=True)
