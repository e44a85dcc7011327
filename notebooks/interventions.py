"""Pictures of edits: two memories that change places, and the scores of many networks as dots."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from emt.figures import INK, WIDTH, side_by_side


def swapped(
    before: Float[np.ndarray, "s kappa"],
    after: Float[np.ndarray, "s kappa"],
    said: Float[np.ndarray, "s kappa"],
    first: slice,
    third: slice,
) -> Figure:
    """Draw the memories before and after a swap, with arrows, and what is said next.

    Parameters
    ----------
    before, after
        What the memories hold, memory 1 first.
    said
        Outputs of the next cycle.
    first, third
        The memories that change places.
    """
    s, kappa = before.shape
    pitch = kappa + 3.2
    fig, ax = plt.subplots(figsize=(WIDTH, 0.225 * (2 * pitch + kappa + 2)))
    for n, values in enumerate((before, after, said)):
        extent = (0.5, s + 0.5, n * pitch + kappa, n * pitch)
        ax.imshow(values.T, cmap="Greys", vmin=-1, vmax=1, extent=extent)
        ax.add_patch(Rectangle((0.5, n * pitch), s, kappa, fill=False, ec=INK, lw=0.8))
    parts = [first, slice(first.stop, third.start), third, slice(third.stop, s)]
    places = [part for part in parts if part.stop > part.start]
    goal = {first.start: third, third.start: first}
    colour = {first.start: "C0", third.start: "C1"}
    for part in places:
        end, ink = goal.get(part.start, part), colour.get(part.start, "0.6")
        here, there = ((x.start + x.stop + 1) / 2 for x in (part, end))
        moves = part.start in goal
        width = 2.0 if moves else 1.2
        arrow = {"arrowstyle": "-|>", "color": ink, "lw": width, "shrinkA": 1, "shrinkB": 1}
        ax.annotate("", (there, pitch), (here, kappa), arrowprops=arrow)
        for row, x in ((0, part), (1, end)) if moves else ():
            box = {"fill": False, "ec": ink, "lw": 2, "ls": "-" if ink == "C0" else "--"}
            ax.add_patch(Rectangle((x.start + 0.5, row * pitch), len(before[x]), kappa, **box))
    ax.text(s / 2 + 0.5, 2 * pitch - 1.6, "memory k is said at step k", ha="center", va="center")
    names = ("memories\nbefore", "memories\nafter", "what is\nsaid next")
    ax.set_yticks([n * pitch + kappa / 2 for n in range(3)], names)
    ax.set_xticks(sorted({1, *range(4, s + 1, 4), s}))
    ax.set(xlim=(0.4, s + 0.6), ylim=(2 * pitch + kappa + 0.1, -0.1), aspect="equal")
    ax.set_xlabel("memory k, step k")
    ax.tick_params(axis="y", length=0)
    ax.spines[:].set_visible(False)
    return fig


def strips(
    rows: pd.DataFrame, by: str, hue: str, panels: Mapping[str, str], height: float = 3.9
) -> Figure:
    """Draw every network as a dot: a panel a score, a line a kind, a colour and marker a level.

    Parameters
    ----------
    rows
        One a network.
    by
        Column with the kind, from top to bottom.
    hue
        Column by which the dots of a kind are told apart.
    panels
        Title of each column that is drawn; they are parts between 0 and 1.
    height
        In inches.
    """
    fig, axes = side_by_side(list(panels.values()), height)
    levels, kinds = rows[hue].unique(), rows[by].unique()
    for ax, column in zip(axes, panels, strict=True):
        for n, level in enumerate(levels):
            shift = 0.5 * (n - (len(levels) - 1) / 2) / len(levels)
            for k, kind in enumerate(kinds):
                x = rows.loc[(rows[hue] == level) & (rows[by] == kind), column].to_numpy()
                jitter = 0.07 * np.sin(2.4 * np.arange(len(x)))
                look = {"color": f"C{n}", "mfc": "none", "ms": 3.5, "mew": 0.8, "alpha": 0.8}
                label = f"{hue} {level}" if not k else None
                ax.plot(x, k + 1.3 * shift + jitter, "ox^"[n], label=label, clip_on=False, **look)
        ax.axvline(0.5, color=INK, lw=0.8, ls=":", zorder=0)
        ax.set(xlim=(-0.03, 1.03), ylim=(len(kinds) - 0.5, -0.5))
        ax.set_yticks(range(len(kinds)), kinds)
        ax.tick_params(axis="y", length=0)
        ax.hlines(np.arange(len(kinds) - 1) + 0.5, -0.03, 1.03, color="0.9", lw=0.6, zorder=0)
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=len(levels))
    return fig
