"""Does a network do what was recorded? And if not, which of the usual slips explains it."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from emt import checks
from emt.network import ACTIVATIONS, Network, Recurrent, run


class Reproduction(NamedTuple):
    """How a network's run compares with what was recorded.

    Attributes
    ----------
    agrees
        Whether states and outputs agree to within the tolerance.
    error
        Largest difference, over the largest number recorded.
    where
        What parts first, and where: ``"h"`` or ``"y"``, then sequence, time step (from 1), unit;
        ``None`` if nothing does.
    slips
        Changes of the network or of the recording, each of which alone would make them agree.
    """

    agrees: bool
    error: float
    where: tuple | None
    slips: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in a sentence."""
        if self.agrees:
            return f"The network does what was recorded, to {self.error:.1e}."
        what, sequence, step, unit = self.where
        why = " or ".join(self.slips) or "none of the usual slips alone explains it"
        place = f"{what}, sequence {sequence}, step {step}, unit {unit}"
        return f"They part at {place} (by {self.error:.1e} in all): {why}."


def reproduces(
    network: Recurrent,
    u: Float[np.ndarray, "*batch T m"],
    h: Float[np.ndarray, "*batch T H"] | None = None,
    y: Float[np.ndarray, "*batch T p"] | None = None,
    tolerance: float = 1e-4,
) -> Reproduction:
    """Compare a network's own run with states or outputs that were recorded where it comes from.

    Accuracy cannot do this: a network with its recurrent weights transposed may recite as well.

    Parameters
    ----------
    network
        As it was opened.
    u
        The inputs of the recording, batch first.
    h, y
        States h(1) ... h(T), outputs y(1) ... y(T), or both.
    tolerance
        Largest difference that counts as rounding, over the largest number recorded; above 0.

    Raises
    ------
    ValueError
        If neither is given.
    """
    tolerance = checks.real("tolerance", tolerance, least=1e-15)
    u = checks.array("u", u, ..., None, network.inputs)
    recorded = {}
    for name, value, size in (("h", h, network.hidden), ("y", y, network.outputs)):
        if value is not None:
            recorded[name] = checks.array(name, value, *u.shape[:-1], size)
    if not recorded:
        raise ValueError("h or y must be given: there is nothing to compare with")
    error, where = _apart(network, u, recorded, tolerance)
    if error <= tolerance:
        return Reproduction(True, error, None, ())
    slips = [
        name
        for name, (other, inputs, values) in _others(network, u, recorded).items()
        if _apart(other, inputs, values, tolerance)[0] <= tolerance
    ]
    if "h" in recorded and u.shape[-2] > 1:
        after = network.step(recorded["h"][..., :-1, :], u[..., 1:, :])
        off = abs(after - recorded["h"][..., 1:, :]).max() / abs(after).max()
        if off <= tolerance:
            slips.append("the recording starts in another state than h0")
    return Reproduction(False, error, where, tuple(slips))


def _apart(network, u, recorded, tolerance) -> tuple[float, tuple | None]:
    """Return the largest relative difference, and where the first beyond the tolerance is."""
    with np.errstate(all="ignore"):
        own = dict(zip("hy", run(network, u), strict=True))
    worst, first = 0.0, None
    for name, value in recorded.items():
        gap = abs(own[name] - value) / max(abs(value).max(), np.finfo(float).tiny)
        gap = np.nan_to_num(gap, nan=np.inf).reshape(-1, *value.shape[-2:])
        worst = max(worst, float(gap.max()))
        if gap.max() > tolerance and (first is None or name == "h"):
            step = int(np.argmax((gap > tolerance).any(axis=(0, 2))))
            sequence, unit = np.argwhere(gap[:, step] > tolerance)[0]
            found = name, int(sequence), step + 1, int(unit)
            first = found if first is None or found[2] <= first[2] else first
    return worst, first


def _others(network, u, recorded) -> dict:
    """Return networks and recordings with one slip mended, by what the slip is."""
    others = {}
    if u.ndim == 3:
        swapped = {name: value.swapaxes(0, 1) for name, value in recorded.items()}
        others["the recording is time first"] = network, u.swapaxes(0, 1), swapped
    if not isinstance(network, Network):
        return others
    changes = {"W_hh is transposed": {"W_hh": network.W_hh.T}}
    for name, sigma in ACTIVATIONS.items():
        if sigma != network.activation:
            changes[f"the activation is {name}"] = {"activation": sigma}
    changes["the activation stands inside (rates)"] = {"rates": not network.rates}
    if network.b is not None:
        changes["the recording has no bias b"] = {"b": None}
    if network.c is not None:
        changes["the recording has no readout bias c"] = {"c": None}
    if network.inputs == network.hidden:
        changes["W_uh is transposed"] = {"W_uh": network.W_uh.T}
    changes |= _fitted(network, u, recorded)
    for name, change in changes.items():
        others[name] = replace(network, **change), u, recorded
    return others


def _fitted(network: Network, u, recorded) -> dict:
    """Return leak, biases and scale of the readout that the recording asks for, one at a time."""
    changes = {}
    if "y" in recorded:
        said = recorded["h"] if "h" in recorded else run(network, u)[0]
        c = (recorded["y"] - network.read(said)).reshape(-1, network.outputs)
        total = c.mean(axis=0) + (0.0 if network.c is None else network.c)
        changes["a readout bias is missing"] = {"c": total}
        heard = network.read(said) - (0.0 if network.c is None else network.c)
        asked = recorded["y"] - (0.0 if network.c is None else network.c)
        if heard.any():
            part = float((heard * asked).sum() / (heard**2).sum())
            changes[f"the readout is multiplied by {part:.4g}"] = {"W_r": part * network.W_r}
    if "h" not in recorded:
        return changes
    h, H = recorded["h"], network.hidden
    before, after = h[..., :-1, :].reshape(-1, H), h[..., 1:, :].reshape(-1, H)
    inputs = u[..., 1:, :].reshape(-1, network.inputs)
    if not len(before):
        return changes
    whole = replace(network, leak=1.0)
    moved, full = after - before, whole.step(before, inputs) - before
    if full.any():
        leak = float((moved * full).sum() / (full**2).sum())
        if 0 < leak <= 1:
            changes[f"the leak is {leak:.4g}"] = {"leak": leak}
    inverse = network.activation.inverse
    if inverse is not None and not network.rates and np.all(network.leak == 1.0):
        with np.errstate(all="ignore"):
            b = inverse(after) - network.argument(before, inputs)
        b = b[np.isfinite(b).all(axis=1)]
        if len(b):
            total = np.median(b, axis=0) + (0.0 if network.b is None else network.b)
            changes["a bias b is missing"] = {"b": total}
    return changes


checks.guard(globals())
