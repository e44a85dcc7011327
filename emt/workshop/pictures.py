"""What a figure of the book brings along: a narrow form for phones, and its numbers."""

import io
from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from emt import checks
from emt.figures.common import WIDTH

DIGITS = ".5g"
LINE = 56  # letters across a narrow figure


def _panels(fig: Figure) -> list[Axes]:
    """Return the axes of a figure that are no colour bars, in their order."""
    return [ax for ax in fig.axes if not hasattr(ax, "_colorbar")]


def svg(fig: Figure) -> str:
    """Return a figure as SVG on a transparent ground, the same bytes for the same figure."""
    buffer = io.StringIO()
    fig.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    return buffer.getvalue()


def stacked(fig: Figure) -> bool:
    """Put the panels of a wide figure below each other; say whether that was possible.

    Parameters
    ----------
    fig
        Changed in place. It is left alone if it is narrow, has one panel, or its panels stand
        elsewhere than in one grid.
    """
    shown = _panels(fig)
    grids = {ax.get_gridspec() for ax in shown}
    if len(shown) < 2 or len(grids) != 1 or None in grids or fig.get_figwidth() <= WIDTH:
        return False
    (old,) = grids
    rows = {ax.get_subplotspec().rowspan.start for ax in shown}
    height = fig.get_figheight() / len(rows)
    wider = WIDTH * old.ncols / fig.get_figwidth()
    height *= min(max(wider, 1.0), 1.4)
    grid = fig.add_gridspec(len(shown), 1)
    for ax, place in zip(shown, grid, strict=True):
        ax.set_subplotspec(place)
    fig.set_size_inches(WIDTH, height * len(shown))
    for bar in (ax for ax in fig.axes if hasattr(ax, "_colorbar")):
        if bar._colorbar.orientation == "vertical" and len(bar._colorbar_info["parents"]) > 1:
            bar._colorbar_info["aspect"] *= len(shown)  # long, not fat
            bar.set_box_aspect(bar._colorbar_info["aspect"])
    for ax in shown:
        ax.tick_params(labelleft=True)  # which beside each other may have stood once
    for legend in (*fig.legends, *(legend for ax in shown if (legend := ax.get_legend()))):
        _fit(legend)
    if (engine := fig.get_layout_engine()) is not None:
        for _ in range(2):  # with the drawing's own, enough for the layout to settle
            engine.execute(fig)
    return True


def _fit(legend: Legend) -> None:
    """Give a legend as many columns as a narrow figure has room for."""
    names, title = [text.get_text() for text in legend.get_texts()], legend.get_title().get_text()
    columns = max(1, LINE // (max(map(len, names), default=0) + 10))
    if columns < legend._ncols:
        legend._ncols = columns
        legend._init_legend_box(legend.legend_handles, names)
        legend._legend_box.set_offset(legend._findoffset)
        legend.set_title(title or None)


def _label(artist, n: int) -> str:
    label = str(artist.get_label())
    return f"{n}" if label.startswith("_") else label


def _series(ax: Axes) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield kind, label and numbers of what a panel draws."""
    for n, image in enumerate(ax.images):
        yield "image, first row on top", _label(image, n), np.ma.filled(image.get_array(), np.nan)
    for n, line in enumerate(ax.lines):
        if line.get_transform() == ax.transData:
            yield "line (x, y)", _label(line, n), np.asarray(line.get_xydata(), float)
    for n, some in enumerate(ax.collections):
        if isinstance(some, PathCollection):
            yield "points (x, y)", _label(some, n), np.ma.filled(some.get_offsets(), np.nan)
        elif isinstance(some, LineCollection):
            parts = [part for part in some.get_segments() if len(part)]
            if parts:
                yield "segments (x, y)", _label(some, n), np.concatenate(parts)
        elif isinstance(some, PolyCollection):
            parts = [path.vertices for path in some.get_paths()]
            if parts:
                yield "areas (x, y)", _label(some, n), np.concatenate(parts)
        elif some.get_array() is not None:
            yield "cells", _label(some, n), np.ma.filled(some.get_array(), np.nan)
    for n, bars in enumerate(c for c in ax.containers if isinstance(c, BarContainer)):
        sizes = [(b.get_x(), b.get_y(), b.get_width(), b.get_height()) for b in bars]
        yield "bars (x, y, width, height)", _label(bars, n), np.array(sizes)


def figure_data(fig: Figure) -> str:
    """Return what a figure draws, as CSV: a line with # names each series.

    Parameters
    ----------
    fig
        Its lines, points, areas, bars and images.
    """
    text = io.StringIO()
    for number, ax in enumerate(_panels(fig), start=1):
        title = " ".join((ax.get_title(loc="left") or ax.get_title()).split())
        for kind, label, values in _series(ax):
            values = np.atleast_2d(values)
            if not np.issubdtype(values.dtype, np.number) or values.ndim > 2:
                continue
            name = f"panel {number}" + f" ({title})" * bool(title)
            text.write(f"# {name}; {kind}; {' '.join(label.split())}\n")
            np.savetxt(text, values, fmt=f"%{DIGITS}", delimiter=",")
    return text.getvalue()


checks.guard(globals())
