"""Pictures of the networks that the chapter on overwriting trained: a dot a seed."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emt.figures import GREY, INK, side_by_side

NAMES = {
    "permutation": "from a permutation",
    "orthogonal": "from an orthogonal matrix",
    "published": "published recipe",
}
COPIES = {
    "small writes": "small writes",
    "permutation": "full writes, s inputs",
    "permutation, up to 3s inputs": "full writes, up to 3s",
}
MARKS = "o", "^", "x"


def _named(rule: str, training: str) -> str:
    """Return how a training is called beside its rule."""
    return (COPIES if rule.startswith("repeat copy") else NAMES)[training]


def _kinds(rows: pd.DataFrame) -> Iterator[tuple[dict, pd.DataFrame]]:
    """Yield the networks of a training; the three selections together."""
    rules = rows.rule.str.replace(r"selection \d", "selections 1 to 3", regex=True)
    for (rule, how), same in rows.groupby([rules, "training"], sort=False):
        yield {"rule": rule, "trained": _named(rule, how)}, same


def _span(values: pd.Series, digits: int = 2) -> str:
    """Return the lowest and the highest."""
    ends = dict.fromkeys(f"{x:.{digits}f}" for x in (values.min(), values.max()))
    return " to ".join(ends)


def overview(rows: pd.DataFrame) -> list[dict]:
    """Return a row a training: the worst accuracy, and how many networks have the right modes."""
    return [
        kind
        | {
            "lowest accuracy": same.accuracy_200.min(),
            "right modes": f"{(same.live == same.wanted).sum()} of {len(same)}",
            "largest modulus": _span(same.largest),
        }
        for kind, same in _kinds(rows)
    ]


def interactions(rows: pd.DataFrame) -> list[dict]:
    """Return a row a training: of its sized memories, the lowest and the highest score."""
    columns = {"decoded": 3, "cosine": 2, "gain": 2}
    return [
        kind | {name: _span(same[f"sized {name}"], digits) for name, digits in columns.items()}
        for kind, same in _kinds(rows[np.isfinite(rows["sized cosine"])])
    ]


def _places(rows: pd.DataFrame) -> tuple[dict, list[float], list[str]]:
    """Return where each rule and training stands, and what is written at the side."""
    places, ticks, labels = {}, [], []
    for rule, same in rows.groupby("rule", sort=False):
        labels.append(f"$\\bf{{{rule}}}$".replace(" ", "\\ ").replace("kappa", "\\kappa"))
        ticks.append(ticks[-1] + 1.3 if ticks else 0.0)
        for how in same.training.unique():
            ticks.append(ticks[-1] + 1)
            labels.append(_named(rule, how))
            places[rule, how] = ticks[-1]
    return places, ticks, labels


def strips(
    rows: pd.DataFrame, panels: dict[str, dict[str, str]], lines: list[tuple], height: float
) -> Figure:
    """Draw every network as a dot, a panel a question, a line a rule and training.

    Parameters
    ----------
    rows
        A row a network.
    panels
        Title, and which columns to draw under which name.
    lines
        Of each panel, the values at which a grey line stands.
    height
        In inches.
    """
    places, ticks, labels = _places(rows)
    y = np.array([places[x] for x in zip(rows.rule, rows.training, strict=True)])
    fig, axes = side_by_side(list(panels), height)
    for ax, columns, marked in zip(axes, panels.values(), lines, strict=True):
        for x in marked:
            ax.axvline(x, color=GREY, lw=0.8, zorder=0)
        for n, (column, name) in enumerate(columns.items()):
            values = rows[column].to_numpy()
            known = np.isfinite(values)
            offset = 0.34 * (n - (len(columns) - 1) / 2)
            style = {"ls": "none", "marker": MARKS[n], "ms": 4, "mfc": "none", "color": f"C{n}"}
            ax.plot(values[known], y[known] + offset, label=name, **style)
            missing = {"color": INK, "ha": "center", "va": "center"} | {"fontsize": 9.5}
            if not n:
                for place in np.unique(y[~known]):
                    count = int((~known & (y == place)).sum())
                    ax.text(0.12, place, f"{count} without", **missing)
        ax.set_yticks(ticks, labels)
        ax.set_ylim(ticks[-1] + 0.7, -0.7)
        ax.tick_params(axis="y", length=0)
        ax.legend(loc="upper center", bbox_to_anchor=(0.3, -0.09))
    return fig


def by_size(ax: Axes, rows: pd.DataFrame) -> None:
    """Draw accuracy against the size of the inputs: a line the mean of a rule and training."""
    columns = [name for name in rows if name.startswith("inputs ")]
    sizes = [float(name.split()[1]) for name in columns]
    copies = rows.rule.str.startswith("repeat copy")
    kinds = rows.training.where(copies, "the four rules")
    looks = {
        "the four rules": ("C1", "-", "o", "the four rules"),
        "small writes": ("C0", "--", "s", "repeat copy: small writes"),
        "permutation": ("C2", "-.", "x", "repeat copy: full writes, s inputs"),
        "permutation, up to 3s inputs": ("C3", ":", "^", "repeat copy: full writes, up to 3s"),
    }
    for kind, (color, ls, marker, label) in looks.items():
        style = {"color": color, "ls": ls, "marker": marker, "ms": 4, "lw": 1, "mfc": "none"}
        groups = rows[kinds == kind].groupby(["rule", "training"], sort=False)
        for n, line in enumerate(groups[columns].mean().to_numpy()):
            ax.plot(sizes, line, label=None if n else label, **style)
    ax.set(xscale="log", xlabel="size of all inputs", ylabel="accuracy")
    ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.2))
