"""Networks of the recipe of the paper's authors: what they were trained on, and their weights."""

import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from safetensors import safe_open

import emt
from emt.algorithm1 import contents
from emt.basis import moduli
from emt.evidence import open_network
from emt.spectrum import compare
from emt.training.recipes import three_stages
from emt.workshop import tables

FOLDER = tables.FOLDER / "authors"
"""Weights, one file a network: ``python benchmarks/authors.py`` makes those that are missing."""


def mixed(seed: int, s: int = 8) -> emt.Task:
    """Draw a selection in which every component is read once, from any time, with a sign."""
    rng = np.random.default_rng(seed)
    delay, component = rng.integers(1, s + 1, s), rng.permutation(s) + 1
    return emt.selection(s, delay, component, rng.choice([-1, 1], s))


TASKS = {
    "repeat copy": emt.repeat_copy(8, 8),
    "repeat copy, s = 16": emt.repeat_copy(16, 5),
    "compose copy": emt.compose_copy(8),
    **{f"selection {n}": mixed(n) for n in (1, 2, 3)},
}
SEEDS = range(5)


def weights(network: str, seed: int) -> Path:
    """Return the file of one of `TASKS`."""
    words = "-".join(network.replace(",", "").replace("=", "").split())
    return FOLDER / f"{words}-{seed}.safetensors"


class Authored(NamedTuple):
    """A network of the authors' recipe.

    Attributes
    ----------
    network
        As its file holds it.
    accuracy
        Over the first 200 steps, after so many updates.
    """

    network: emt.Network
    accuracy: dict[str, float]


def authored(network: str, seed: int) -> Authored:
    """Open the file of one of `TASKS`."""
    path = weights(network, seed)
    with safe_open(path, framework="numpy") as file:
        made = file.metadata()
        if (made["network"], made["recipe"]) != (network, f"emt.published({seed})"):
            raise ValueError(f"{path} holds another network: {made['network']}, {made['recipe']}")
    return Authored(emt.load(path, "tanh").network, json.loads(made["accuracy after updates"]))


CENTRE = {"s": 16, "kappa": 5, "hidden": 128, "initialisation": "orthogonal", "write_scale": 0.03}
CENTRE |= {"activation": "tanh", "noise": 0.0, "bias": False, "batch": 16}
"""What the book's network has, from which one thing at a time is changed."""
NAMES = {"initialisation": "start", "hidden": "units", "write_scale": "write scale", "kappa": "κ"}
BLUE, ORANGE = "#0072B2", "#D55E00"
DASHES, MARKERS = ("-", "--", "-.", ":"), "osD^"


def swarm(ax: Axes, rows: pd.DataFrame, x: str, y: str, hue: str | None = None, **how) -> None:
    """Draw every row as a point, and means with a 95 % interval of the mean (bootstrap)."""
    both = {"data": rows, "x": x, "y": y, "hue": hue, "ax": ax, "dodge": bool(hue), **how}
    both |= {"palette": "colorblind"} if hue else {"color": BLUE}
    sns.stripplot(**both, size=2.6, alpha=0.55, jitter=0.18, legend=False)
    marks = {"linestyle": "none", "marker": "_", "markersize": 9, "err_kws": {"linewidth": 1.2}}
    if hue:
        both["dodge"] = 0.8 - 0.8 / rows[hue].nunique()
    sns.pointplot(**both, errorbar=("ci", 95), seed=0, **marks)


def by_factor(rows: pd.DataFrame, value: str, label: str, missing: float) -> Figure:
    """Draw one panel a factor: a value against its levels, the book's among them.

    Networks that have no such value are crosses at `missing`.
    """
    fig, axes = plt.subplots(3, 3, figsize=(8.4, 7.2), sharey=True)
    for ax, (factor, middle) in zip(axes.flat, CENTRE.items(), strict=True):
        chosen = rows[rows.factor.isin(["none", factor])]
        levels = sorted(chosen[factor].unique(), key=lambda v: (isinstance(v, str), v))
        known = np.isfinite(chosen[value]) & (chosen[value] > 0)
        there = chosen[known].assign(level=chosen[factor].map(str))
        places = {str(level): n for n, level in enumerate(levels)}
        swarm(ax, there, "level", value, order=list(places))
        lost = chosen.loc[~known, factor].map(str).map(places)
        spread = np.linspace(-0.25, 0.25, 6)[np.arange(len(lost)) % 6]
        ax.plot(lost + spread, np.full(len(lost), missing), "x", ms=4, mew=1, color=ORANGE)
        ax.set(yscale="log", ylabel=label, xlabel=f"{NAMES.get(factor, factor)} (book: {middle})")
        ax.tick_params(labelleft=True)
        if factor in ("initialisation", "activation"):
            ax.tick_params(axis="x", labelrotation=20)
    return fig


def capacity(rows: pd.DataFrame) -> Figure:
    """Draw accuracy against units over s * kappa, a panel a rule; theory's least as lines."""
    fig, axes = plt.subplots(1, 2, figsize=(8.4, 3.9), sharey=True)
    for ax, (rule, found) in zip(axes, rows.groupby("rule", sort=False), strict=True):
        ax.set_title(rule)
        for n, (size, same) in enumerate(found.groupby(["s", "kappa"])):
            part, look = same.hidden / math.prod(size), {"color": f"C{n}", "marker": MARKERS[n]}
            ax.plot(part, same.accuracy, ls="none", ms=3, alpha=0.5, mfc="none", **look)
            means = same.accuracy.groupby(part).mean()
            name = f"s = {size[0]}, κ = {size[1]}"
            ax.plot(means.index, means, ls=DASHES[n], ms=4, label=name, **look)
            ax.axvline(same.modes.iloc[0] / math.prod(size), color=f"C{n}", lw=1, ls=":")
        ax.set(xscale="log", xlabel="units / sκ", ylabel="accuracy, steps 1 to 200")
        ax.set_xticks([0.5, 1, 2, 4], ["0.5", "1", "2", "4"])
        ax.minorticks_off()
        ax.tick_params(labelleft=True)
        ax.legend(loc="lower right")
    return fig


def between(network: emt.Network, task: emt.Task) -> float:
    """Return the threshold between the modes that a task needs and the next one."""
    lengths, n = np.append(moduli(network.W_hh), 0.0), min(task.modes, network.hidden)
    return float(np.sqrt(lengths[n - 1] * lengths[n]))


def opened(network: emt.Network, task: emt.Task) -> tuple:
    """Return what Figure 3 shows of a network for repeat copy, for `emt.figures.figure_3`.

    Where no gap parts its modes, its memories are those of the paper's box.
    """
    n, s = task.n, task.s
    try:
        memories = emt.corrected(network, task, threshold=between(network, task))
    except ValueError:
        memories = emt.as_printed(network, task, removal="none")
    u = emt.random_bits(task, 1, np.random.default_rng(0))[0]
    h, _ = emt.run(network, emt.with_silence(u, 2 * s))
    blocks = open_network(network, memories, emt.sample_states(network, task, 2 * s))
    made = np.ones_like(blocks.matrix, bool)  # what is zero for every matrix
    made[:n, :n], made[:n, : task.kappa], made[n:, n:] = task.Phi == 0, False, False
    held, spectrum = contents(memories, h), compare(network, task)
    return blocks.matrix, spectrum, h, held, memories.labels, s, made


def by_start(runs: pd.DataFrame) -> Figure:
    """Draw accuracy after so many updates, a panel a size and write scale, a line a start.

    The starts stand a little beside each other.
    """
    fig, axes = plt.subplots(2, 2, figsize=(8.4, 5.6), sharex=True, sharey=True)
    panels = runs.groupby(["s", "kappa", "write_scale"])
    for ax, ((s, kappa, scale), rows) in zip(axes.flat, panels, strict=True):
        ax.set_title(f"s = {s}, κ = {kappa}, write scale {scale:g}")
        for n, (start, same) in enumerate(rows.groupby("start", sort=False)):
            aside, look = 1.07 ** (n - 1.5), {"color": f"C{n}", "marker": MARKERS[n]}
            each = {"ls": "none", "ms": 3, "alpha": 0.5, "mfc": "none", **look}
            ax.plot(same.updates * aside, same.accuracy, **each)
            means = same.groupby("updates").accuracy.mean()
            name = {"torch": "PyTorch's default"}.get(start, start)
            ax.plot(means.index * aside, means, ls=DASHES[n], ms=4.5, label=name, **look)
        ax.set(xscale="log", ylim=(0.45, 1.03), xlabel="updates", ylabel="accuracy")
        ax.tick_params(labelleft=True, labelbottom=True)
    axes[0, 0].legend(loc="lower right")
    return fig


def scores(ax: Axes, rows: pd.DataFrame) -> None:
    """Draw what part of outputs swaps turn: a row a task, a mark a network and kind of memory.

    Where a network has no gap and so no memories, a cross stands at the left.
    """
    names, left = list(rows.network.unique()), 0.42
    kinds = {"write efficacy": "write", "read efficacy": "readout", "states efficacy": "states"}
    kinds["rival"] = "best rival"
    for n, (column, label) in enumerate(kinds.items()):
        found, aside = rows[np.isfinite(rows[column])], 0.2 * (n - 1.5)
        y = found.network.map(names.index) + aside + 0.025 * (found.seed - 2)
        color, marker = ("C0", "C1", "C2", "0.35")[n], ("o", "x", "s", "|")[n]
        style = {"ms": 9 if marker == "|" else 4.5, "mfc": "none", "mew": 1.2, "color": color}
        ax.plot(found[column], y, marker, label=label, **style)
        lost = rows[~np.isfinite(rows[column])]
        y = lost.network.map(names.index) + aside + 0.025 * (lost.seed - 2)
        ax.plot(np.full(len(lost), left), y, "x", ms=3, mew=0.8, color="0.6")
    for line in range(1, len(names)):
        ax.axhline(line - 0.5, color="0.85", lw=0.8)
    ax.set(ylim=(len(names) - 0.5, -0.5), xlabel="part of outputs that a swap turns")
    ax.set_yticks(range(len(names)), [name.replace(", ", "\n") for name in names])
    ax.set_xticks([left, 0.6, 0.8, 1], ["no gap", "0.6", "0.8", "1"])
    ax.legend(loc="upper center", bbox_to_anchor=(0.4, -0.16), ncols=2)


def while_learning(ax: Axes, rows: pd.DataFrame) -> None:
    """Draw the accuracy of each network against its updates."""
    for n, (name, same) in enumerate(rows.groupby("network", sort=False)):
        updates = [c for c in same if c.startswith("update ")]
        steps = [int(c.split()[1]) for c in updates]
        style = {"color": f"C{n}", "ls": DASHES[n], "marker": MARKERS[n], "ms": 3, "lw": 1}
        size = f"s = {TASKS[name].s}, κ = {TASKS[name].kappa}"
        for k, line in enumerate(same[updates].to_numpy()):
            ax.plot(steps, line, label=size if not k else None, **style)
    ax.set(xscale="log", xlabel="updates", ylabel="accuracy, steps 1 to 200")
    ax.legend(loc="lower right")


def crosstalk(ax: Axes, swaps: pd.DataFrame) -> None:
    """Draw the part of outputs that swaps turn against the crosstalk of the write."""
    looks = {"states": ("s", 7, "C2"), "readout": ("x", 4, "C1"), "write": ("o", 4, "C0")}
    for ground, (marker, size, color) in looks.items():
        same = swaps[swaps["grounded in"] == ground].dropna()
        style = {"ms": size, "color": color, "mfc": "none" if ground == "states" else color}
        ax.plot(same["most crosstalk"], same.turned, marker, label=ground, **style)
    ax.set(xlabel="largest crosstalk of the write", ylabel="part that a swap turns")
    ax.legend(title="grounded in", loc="lower left")


def failures(ax: Axes, rows: pd.DataFrame) -> None:
    """Draw which settings fail: a bar a level of a factor, how many networks in which way."""
    lost = rows[rows.failure != "none"]
    bars, names = [], []
    for factor in CENTRE:
        for level, same in lost[lost.factor == factor].groupby(factor):
            bars.append(same.failure.value_counts())
            names.append(f"{NAMES.get(factor, factor)} = {level}")
    counts = pd.DataFrame(bars).fillna(0).astype(int).reset_index(drop=True)
    base = np.zeros(len(counts))
    for n, kind in enumerate(counts):
        hatch, y = ("", "///", "...", "xx", "")[n], range(len(counts))
        edge = {"ec": "0.25", "hatch": hatch, "lw": 0.6}
        ax.barh(y, counts[kind], left=base, color=f"C{n}", alpha=0.75, label=kind, **edge)
        base += counts[kind]
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set(xlabel="networks that fail, of six", xticks=[0, 2, 4, 6], xlim=(0, 6.3))
    ax.legend(loc="upper center", bbox_to_anchor=(0.3, -0.12), ncols=2)


def small(setting: dict) -> dict:
    """Train one network, and say how much it gets right."""
    s, kappa = setting["s"], setting["kappa"]
    config = emt.TrainingConfig(
        hidden=setting["hidden"],
        seed=setting["seed"],
        stages=three_stages(s, updates=(200, 150, 0)),
    )
    task = emt.repeat_copy(s, kappa)
    network = emt.train(task, config, progress=False).network
    return {**setting, "accuracy": emt.accuracy(network, task, last=4 * s, sequences=64).value}
