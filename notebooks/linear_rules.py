"""Rules that meet the criterion and rules that nearly do, and the drawing of compose copy."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from emt import figures


def six_rules(seed: int, k: int) -> Float[np.ndarray, "6 3 4 4"]:
    """Draw six rules of three matrices each: two that meet the criterion, four that nearly do.

    Parameters
    ----------
    seed, k
        Of the random numbers.
    """
    A, B, C = np.random.default_rng([seed, k]).normal(size=(3, 4, 4))
    keep, drop = np.diag([1.0, 1.0, 0.0, 0.0]), np.diag([0.0, 0.0, 1.0, 1.0])
    blind = np.stack([A @ keep, drop @ B @ keep, drop @ C @ keep])
    rules = {
        "oldest only": np.stack([A, 0 * B, 0 * C]),
        "blind to its own results": blind,
        "one thousandth off": blind + 1e-3 * C,
        "only the oldest sees": np.stack([A, drop @ B @ keep, drop @ C @ keep]),
        "only the oldest is blind": np.stack([A @ keep, drop @ B, drop @ C]),
        "the other order": np.stack([keep @ A, keep @ B @ drop, keep @ C @ drop]),
    }
    return np.stack(list(rules.values()))


def answers(
    heard: Float[np.ndarray, "s kappa"],
    asked: Float[np.ndarray, "steps kappa"],
    said: Mapping[str, Float[np.ndarray, "T kappa"]],
) -> Figure:
    """Draw what is asked, and beside it what is said, with a dot wherever that differs.

    Parameters
    ----------
    heard
        The inputs, as bits: black is 1, white -1.
    asked
        The outputs that should follow.
    said
        Outputs from the first step on, by what was fed.
    """
    s, kappa = heard.shape
    T = s + len(asked)
    fig, axes = figures.side_by_side(["what is asked", *said], height=2.6)
    frame = {"aspect": "auto", "extent": (0.5, T + 0.5, kappa + 0.5, 0.5)}
    top = max(abs(values).max() for values in said.values())
    for ax, values in zip(axes, (np.vstack([heard, asked]), *said.values()), strict=True):
        image = ax.imshow(values.T, vmin=-top, vmax=top, **frame)
        step, component = np.nonzero(abs(values[s:] - asked) > 1e-9)
        ax.plot(step + s + 1, component + 1, "o", ms=3.6, color="black", mec="white", mew=0.7)
        ax.axvline(s + 0.5, color="white", lw=3)
        ax.axvline(s + 0.5, color="black", lw=1, ls=(0, (3, 2)))
        ax.set(xlabel="time step", xticks=range(s, T + 1, s), yticks=range(1, kappa + 1))
        ax.spines[:].set_visible(True)
    frame["extent"] = (0.5, s + 0.5, kappa + 0.5, 0.5)
    axes[0].imshow(heard.T, cmap="Greys", vmin=-1, vmax=1, **frame)
    axes[0].set(xlim=(0.5, T + 0.5), ylabel="component")
    fig.colorbar(image, ax=axes, label="output", shrink=0.9, aspect=25, pad=0.02)
    return fig
