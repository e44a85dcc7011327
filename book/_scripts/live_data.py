"""Write what the live figures need: weights of trained networks, glyphs, a still of each figure.

Usage: live_data.py FOLDER. The networks come from the store, or are trained now. What the figures
can build from a rule or from a seed is not in the file. The stills, of the same numbers, are for
print and for browsers without scripts.
"""

import base64
import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import emt
from emt import figures
from emt.algorithm1 import contents
from emt.beyond import bases, interventions
from emt.network import continued
from emt.tasks import GLYPHS
from emt.training.recipes import to_overwrite
from emt.writing import write_whole

HEAD = '"use strict";\nglobalThis.emt ??= {};\nemt.data = '
S, KAPPA = 16, 5
WEIGHTS = "W_hh", "W_uh", "W_r"
LARGEST = 2**15 - 1
PLUS, MINUS = "#c44e1a", "#33619e"


def networks() -> dict[str, emt.Network]:
    """Return the network of the book, what its training started from, and one that overwrites."""
    task, config = emt.repeat_copy(S, KAPPA), emt.TrainingConfig()
    over = replace(to_overwrite(S, 8 * S, most_inputs=3 * S), batch=32)
    return {
        "trained": emt.trained(task, config).network,
        "untrained": emt.untrained(task, config),
        "trained to overwrite": emt.trained(task, over).network,
    }


def written(weights: np.ndarray) -> dict:
    """Return a matrix as text: whole numbers of 16 bits, times a scale."""
    scale = float(abs(weights).max() / LARGEST)
    numbers = np.round(weights / scale).astype("<i2")
    rows, columns = weights.shape
    text = base64.b64encode(numbers.tobytes()).decode("ascii")
    return {"rows": rows, "columns": columns, "scale": scale, "numbers": text}


def read(matrix: dict) -> np.ndarray:
    """Return the matrix that the page computes with."""
    numbers = np.frombuffer(base64.b64decode(matrix["numbers"]), dtype="<i2")
    return numbers.reshape(matrix["rows"], matrix["columns"]) * matrix["scale"]


def exported(path: Path) -> dict[str, emt.Network]:
    """Return the networks as the file at `path` has them."""
    data = json.loads(path.read_text(encoding="utf-8").removeprefix(HEAD).rstrip(";\n"))
    return {
        name: emt.Network(*(read(weights[key]) for key in WEIGHTS))
        for name, weights in data["networks"].items()
    }


def data(networks: dict[str, emt.Network]) -> str:
    """Return the script that gives a page its numbers."""
    weights = {
        name: {key: written(getattr(network, key)) for key in WEIGHTS}
        for name, network in networks.items()
    }
    glyphs = {character: [int(row) for row in rows] for character, rows in GLYPHS.items()}
    every = {"s": S, "kappa": KAPPA, "glyphs": glyphs, "networks": weights}
    return f"{HEAD}{json.dumps(every, separators=(',', ':'))};\n"


def marks(ax: Axes, values: np.ndarray, title: str, seam: int | None = None) -> None:
    """Draw numbers as the figures do: a full square is plus, a ring minus, the area is the size."""
    rows, columns = values.shape
    ax.set(xlim=(0, columns), ylim=(rows, 0), aspect="equal", xticks=[], yticks=[])
    ax.set_title(title)
    ax.set_facecolor("#f2f4f6")
    ax.spines[:].set_visible(False)
    for (y, x), value in np.ndenumerate(values):
        size = 0.82 * min(np.sqrt(abs(value)), 1.1)
        if size < 0.04 or np.isnan(value):
            continue
        corner, look = (x + (1 - size) / 2, y + (1 - size) / 2), {"facecolor": PLUS}
        if value < 0:
            look = {"facecolor": "none", "edgecolor": MINUS, "linewidth": 1.2}
        ax.add_patch(Rectangle(corner, size, size, **look))
    if seam:
        ax.axvline(seam, color="0.4", linewidth=1)


def said(y: np.ndarray) -> np.ndarray:
    """Return outputs as a picture of a whole round, what is not said yet as nothing."""
    return np.vstack([y, np.full((S - len(y), KAPPA), np.nan)]).T


def still_state(network: emt.Network, memories, u, h, y, t: int) -> Figure:
    """Draw what is told, a state by unit and by memory, and what is said."""
    fig, axes = plt.subplots(2, 2, figsize=(8.4, 4.4))
    (told, units), (held, answer) = axes
    marks(told, u.T, "Told")
    rms = np.sqrt((h**2).mean())
    marks(units, 0.6 * h.reshape(16, 8).T / rms, "Its state, by unit")
    inside = contents(memories, h).reshape(S, KAPPA).T
    marks(held, inside, "The same state, by memory (1 to 16)", seam=(S - t % S) % S)
    marks(answer, said(y), "Said")
    return fig


def still_first(network: emt.Network, memories) -> Figure:
    """Draw the first page's figure as it opens."""
    u, t = emt.bitmap("3141", S), 23
    h, y = emt.run(network, emt.with_silence(u, t - S))
    return still_state(network, memories, u, h[-1], y[S:], t)


def still_editing(network: emt.Network, memories) -> Figure:
    """Draw what the network says once two of its digits have changed places."""
    u = emt.bitmap("3141", S)
    state = emt.run(network, emt.with_silence(u, S))[0][-1]
    for k in range(1, 5):
        state = interventions.interchange(memories, state, k, k + 8)
    h, y = continued(network, state, S)
    return still_state(network, memories, u, h[-1], y, 3 * S)


def still_overwriting(pair: dict) -> Figure:
    """Draw what two networks hold and say when a second picture was written over the first."""
    first, second = (emt.bitmap(text, S) for text in ("3141", "2718"))
    fig, axes = plt.subplots(2, 2, figsize=(8.4, 3.6))
    for column, (title, (network, memories)) in zip(axes.T, pair.items(), strict=True):
        inputs = np.vstack([emt.with_silence(first, S), emt.with_silence(second, S)])
        h, y = emt.run(network, inputs)
        held = contents(memories, h[-1]).reshape(S, KAPPA).T
        marks(column[0], held, f"{title}: its memories")
        marks(column[1], said(y[-S:]), "It says")
    return fig


def still_rule() -> Figure:
    """Draw compose copy: its matrix, its eigenvalues, what is asked and what a network says."""
    task = emt.compose_copy(3)
    u = emt.random_bits(task, 1, np.random.default_rng(2))[0]
    asked = np.vstack([u, emt.continuation(task, u, 9)])
    network = emt.constructed(task, np.eye(task.n))
    answer = emt.run(network, emt.with_silence(u, 9))[1]
    fig, axes = plt.subplot_mosaic("mea;mes", figsize=(8.4, 3.2), width_ratios=[2, 2, 3])
    marks(axes["m"], task.Phi, "Φ, memory by memory")
    figures.rule_eigenvalues(axes["e"], np.linalg.eigvals(task.Phi))
    axes["e"].set_title("Eigenvalues of Φ")
    marks(axes["a"], asked.T, "What is asked", seam=3)
    marks(axes["s"], answer.T, "A linear network says", seam=3)
    return fig


def stills(networks: dict[str, emt.Network]) -> dict[str, Figure]:
    """Return a still of each figure, from the numbers that the page has."""
    task = emt.repeat_copy(S, KAPPA)
    known = {
        name: bases.sized(networks[name], task, emt.corrected(networks[name], S))
        for name in ("trained", "trained to overwrite")
    }
    first, second = ((networks[name], known[name]) for name in known)
    return {
        "first": still_first(*first),
        "editing": still_editing(*first),
        "overwriting": still_overwriting({"Trained": first, "Trained to overwrite": second}),
        "rule": still_rule(),
    }


def main(folder: Path) -> None:
    """Write every file, whole or not at all; the data last."""
    figures.use_style()
    text = data(networks())
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "data.js"
    aside = write_whole(folder / "data.part", text.encode("utf-8"))
    for name, fig in stills(exported(aside)).items():
        buffer = io.BytesIO()
        fig.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
        plt.close(fig)
        write_whole(folder / f"{name}.png", buffer.getvalue())
    aside.replace(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
