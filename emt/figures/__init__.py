"""One function a panel: data in, ``Axes`` out. Nothing but layout is computed here."""

from emt.figures.binding import Run, cells, composing, figure_1, figure_2, reading, writing
from emt.figures.common import (
    GREY,
    INK,
    WIDE,
    WIDTH,
    curves,
    heat_map,
    law,
    side_by_side,
    single,
    table,
    use_style,
)
from emt.figures.learned import (
    edited_run,
    figure_3,
    hidden_states,
    interactions,
    memory_contents,
    outputs,
    spectrum,
)
from emt.figures.theory import arrows, eigenvalues, overlaps, parallelogram, two_projections

__all__ = [
    "GREY",
    "INK",
    "WIDE",
    "WIDTH",
    "Run",
    "arrows",
    "cells",
    "composing",
    "curves",
    "edited_run",
    "eigenvalues",
    "figure_1",
    "figure_2",
    "figure_3",
    "heat_map",
    "hidden_states",
    "interactions",
    "law",
    "memory_contents",
    "outputs",
    "overlaps",
    "parallelogram",
    "reading",
    "side_by_side",
    "single",
    "spectrum",
    "table",
    "two_projections",
    "use_style",
    "writing",
]
