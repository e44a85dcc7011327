"""A chart of questions, one after the other, and what follows from a no."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from emt import checks
from emt.figures.common import INK


def questions(ax: Axes, rows: Sequence[tuple[str, str]], end: str) -> Axes:
    """Draw questions from top to bottom; yes leads down, no to the right.

    Parameters
    ----------
    ax
        Where to draw.
    rows
        A question, and what follows from a no; either may have several lines.
    end
        What follows where every answer is yes.
    """
    box = {"boxstyle": "round,pad=0.5", "fc": "white", "ec": INK, "lw": 1}
    arrow = {"arrowstyle": "-|>", "color": INK, "lw": 1, "shrinkA": 12, "shrinkB": 12}
    ax.set(xlim=(-0.8, 10), ylim=(-len(rows) - 0.5, 0.5))
    ax.axis("off")
    for n, (question, no) in enumerate(rows):
        ax.text(2.4, -n, question, ha="center", va="center", bbox=box, zorder=3)
        ax.text(6.0, -n, no, ha="left", va="center", fontsize=9.5)
        ax.annotate("", (2.4, -n - 1), (2.4, -n), arrowprops=arrow | {"shrinkA": 20, "shrinkB": 20})
        ax.text(2.6, -n - 0.5, "yes", va="center", fontsize=9.5)
        ax.annotate("", (5.9, -n), (4.7, -n), arrowprops=arrow | {"shrinkA": 0, "shrinkB": 0})
        ax.text(5.3, -n + 0.08, "no", ha="center", va="bottom", fontsize=9.5)
    last = box | {"fc": "0.93"}
    ax.text(2.4, -len(rows), end, ha="center", va="center", bbox=last, weight="bold", zorder=3)
    return ax


checks.guard(globals(), shapes=True)
