"""The one registry: every value and figure that the book shows goes through here.

In a notebook a `Ledger` leaves the value in the cell's output under its id. From there the prose
takes it (``{glue:text}``) and the claims page lists it beside what was expected.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
from IPython import get_ipython
from IPython.display import display
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from emt import checks
from emt.figures.common import use_style
from emt.workshop import pictures
from emt.workshop.parallel import one_thread

GLUE = "application/papermill.record/"


class ClaimError(AssertionError):
    """A recorded value is not what the book says, or its control is."""


def chapter(name: str, published: bool) -> "Ledger":
    """Set a chapter up: one thread, the book's style, and the ledger of its claims.

    Parameters
    ----------
    name
        With which its ids begin.
    published
        Whether the chapter runs with the parameters that the book is published with.
    """
    one_thread()
    use_style()
    return Ledger(name, published)


@dataclass(frozen=True)
class Ledger:
    """The claims of a chapter: call it to record a value that the book states.

    Attributes
    ----------
    name
        With which ids begin: ``name.what``.
    published
        Whether claims bind. With other parameters than the published ones the chapter runs to its
        end, and marks which claims hold.
    """

    name: str
    published: bool = True

    def __call__(
        self,
        id: str,
        value: Real,
        expect: tuple[float, float] | None = None,
        control: Real | Sequence[Real] | np.ndarray | None = None,
        binds: bool | None = None,
    ) -> float:
        """Record a value, and stop if the claim does not hold.

        Parameters
        ----------
        id
            Name of the claim, ``name.what``.
        value
            Measured by this run; finite.
        expect
            Lowest and highest value for which the sentence in the book is true.
        control
            The same measure where the effect must be absent: each must lie outside `expect`.
        binds
            Whether the run stops if the claim does not hold; by default where this is the
            published run. If it does not bind, the claim keeps beside it whether it holds.

        Returns
        -------
        float
            The value, an ``int`` if it was one.

        Raises
        ------
        ClaimError
            If it binds, and the value is outside `expect` or not finite, or a control is inside or
            not finite.
        ValueError
            If there is a control but nothing to compare it with, or something is no real number.
        """
        binds = self.published if binds is None else binds
        self._owns(id)
        value = _plain(id, value)
        controls = [] if control is None else _controls(id, control)
        expect = None if expect is None else _range(id, expect)
        if controls and expect is None:
            raise ValueError(f"{id}: a control needs an expected range")
        low, high = expect or (-math.inf, math.inf)
        fault = None
        if not all(map(math.isfinite, [value, *controls])):
            fault = f"the value {value} and its controls {controls} must be finite"
        elif not low <= value <= high:
            fault = f"measured {value}, expected {low} to {high}"
        elif inside := [c for c in controls if low <= c <= high]:
            fault = f"the control measured {inside[0]}, inside the expected {low} to {high}"
        if fault and binds:
            raise ClaimError(f"{id}: {fault}")
        claim = {
            "id": id,
            "value": _finite([value])[0],
            "expect": expect and _finite([low, high]),
            "control": _finite(controls) or None,
        }
        if not binds:
            claim["holds"] = fault is None
        _publish(id, {f"{GLUE}text/plain": repr(value)}, record=claim, prefix=GLUE)
        return value

    def values(self, values: Mapping[str, Real]) -> None:
        """Record values without a condition, each under its id."""
        for id, value in values.items():
            self(id, value)

    def equation(
        self, number: int, value: np.ndarray, second: np.ndarray, tolerance: float = 1e-10
    ) -> float:
        """Record as ``eq.number`` how far an equation's function is from a second route.

        The control, that the record notices a difference at all, is the second route with its
        entries moved on by one (none where there is only one entry). It always binds.

        Parameters
        ----------
        number
            Of the equation, as in the paper.
        value
            What the equation's function returned.
        second
            The same by the other route; not constant.
        tolerance
            Largest allowed difference, relative to the largest entry of `second`.

        Returns
        -------
        float
            The largest difference, so scaled.

        Raises
        ------
        ClaimError
            If it exceeds `tolerance`, or the control does not.
        ValueError
            If the shapes differ, or something is no array of numbers.
        """
        number = checks.integer("number", number)
        value, second = (checks.numbers(f"eq.{number}", x, "iufc") for x in (value, second))
        if np.shape(value) != np.shape(second):
            raise ValueError(
                f"eq.{number}: the routes give {np.shape(value)} and {np.shape(second)}"
            )
        scale = abs(second).max()
        control = abs(value - np.roll(second, 1)).max() / scale if np.size(second) > 1 else None
        apart = abs(value - second).max() / scale
        return Ledger("eq")(f"eq.{number}", apart, expect=(0, tolerance), control=control)

    def figure(self, id: str, fig: Figure) -> None:
        """Show a figure as SVG and leave it under its id; the same figure gives the same bytes.

        With it go what it draws, as CSV, and a narrow form where its panels can be stacked.

        Parameters
        ----------
        id
            Name of the figure, ``name.what``.
        fig
            A figure; it is closed.

        Raises
        ------
        ValueError
            If `id` is no name or `fig` no figure.
        """
        if not isinstance(id, str) or not isinstance(fig, Figure):
            raise ValueError(f"fig must be a Figure and id a name, not {checks.shown((fig, id))}")
        self._owns(id)
        shown, data = pictures.svg(fig), pictures.figure_data(fig)
        narrow = pictures.svg(fig) if pictures.stacked(fig) else None
        plt.close(fig)
        bundle = {"image/svg+xml": shown, "text/plain": f"<figure {id}>"}
        _publish(id, bundle, figure={"id": id, "data": data, "narrow": narrow})

    def _owns(self, id: str) -> None:
        """Check that an id is one of this chapter's."""
        if not isinstance(id, str) or not id.startswith(f"{self.name}."):
            raise ValueError(
                f"id must be a name that begins with {self.name}., not {checks.shown(id)}"
            )


def _plain(id: str, value: Real) -> float | int:
    try:
        if not checks.is_number(value):
            raise OverflowError
        number = float(value)
    except OverflowError:
        what = checks.shown(value)
        raise ValueError(f"{id}: a recorded value must be a number, not {what}") from None
    return int(value) if isinstance(value, (int, np.integer)) else number


def _controls(id: str, control) -> list[float | int]:
    checks.numbers(f"{id}: control", control)
    return [_plain(id, c) for c in np.ravel(control)]


def _range(id: str, expect) -> tuple[float | int, float | int]:
    if not isinstance(expect, (tuple, list)) or len(expect) != 2:
        raise ValueError(f"{id}: expect must be lowest and highest, not {checks.shown(expect)}")
    low, high = (_plain(id, bound) for bound in expect)
    if math.isnan(low) or math.isnan(high):
        raise ValueError(f"{id}: expect must be two numbers, not {expect}")
    return low, high


def _finite(values: Sequence[float]) -> list[float | None]:
    """Return the values as JSON can hold them."""
    return [value if math.isfinite(value) else None for value in values]


def _publish(id: str, bundle: dict, prefix: str = "", **metadata) -> None:
    """Display under a name, in the format of scrapbook and glue."""
    if get_ipython() is not None:
        scrapbook = {"name": id, "mime_prefix": prefix}
        display(bundle, raw=True, metadata={"scrapbook": scrapbook, **metadata})
