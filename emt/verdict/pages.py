"""How a report looks: in a terminal, in a notebook, as a page of its own."""

import html
import io
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from emt import checks
from emt.algorithm1 import contents
from emt.evidence import open_network
from emt.impulse import impulse_response, task_response
from emt.network import run, sample_states
from emt.tasks import random_bits, with_silence
from emt.verdict.criteria import SAID
from emt.verdict.measuring import MEASURES, Evidence

SCORES = "efficacy", "specificity", "sufficiency", "necessity", "decoded", "surgery"
STYLE = """
.emt-report { max-width: 54rem; line-height: 1.45; overflow-wrap: break-word; }
.emt-report .verdict { font-size: 1.4rem; }
.emt-report .part { font-size: 1.05rem; margin: 1.6rem 0 .3rem; }
.emt-report details { margin: .8rem 0; }
.emt-report .scroll { overflow-x: auto; }
.emt-report table { border-collapse: collapse; font-size: .9rem; color: inherit; }
.emt-report th, .emt-report td { padding: .15rem .8rem .15rem 0; text-align: left;
  border-bottom: 1px solid color-mix(in srgb, currentColor 22%, transparent); background: none; }
.emt-report td + td, .emt-report th + th { text-align: right; font-variant-numeric: tabular-nums; }
.emt-report .words td + td, .emt-report .words th + th { text-align: left; }
.emt-report figure { margin: 1rem 0; }
.emt-report figure > div { background: #fff; overflow-x: auto; max-width: max-content; }
.emt-report img { display: block; max-width: 100%; height: auto; }
.emt-report .wide img { max-width: none; width: 100%; min-width: 40rem; }
.emt-report figcaption, .emt-report .note { font-size: .85rem; }
"""


class Listing(NamedTuple):
    """A table of a report.

    Attributes
    ----------
    title
        Of the table.
    head
        Of its columns.
    rows
        Text, one entry a column.
    note
        What the columns mean.
    folded
        Whether a page shows its title only, until it is asked.
    words
        Whether there are words in its last column.
    """

    title: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]
    note: str = ""
    folded: bool = False
    words: bool = False


class Picture(NamedTuple):
    """A figure of a report.

    Attributes
    ----------
    svg
        The figure, as text.
    alt
        What somebody who cannot see it needs to know.
    caption
        What it shows.
    wide
        Whether a phone scrolls it.
    """

    svg: str
    alt: str
    caption: str
    wide: bool = True


def tables(report: Mapping) -> list[Listing]:
    """Return the tables of a report.

    Parameters
    ----------
    report
        As `emt.verdict.reporting.NetworkReport.to_dict` returns it.
    """
    measures = [
        (says, "–" if (value := report["measures"].get(name)) is None else f"{value:.4g}", theory)
        for name, (says, theory) in MEASURES.items()
    ]
    edits = [
        (name, *("–" if score[k] is None else f"{score[k]:.0%}" for k in SCORES))
        for name, score in report["edits"].items()
    ]
    exchanges = [
        (name, f"{score['cause']:.0%}", f"{score['isolate']:.0%}")
        for name, score in report["exchanges"].items()
    ]
    found = [
        Listing("Measured", ("what", "value", "theory"), measures if report["measures"] else []),
        Listing(
            "Edits, in the memories and in what should fail",
            ("basis", *SCORES),
            edits,
            "Efficacy: of the outputs that should turn after two memories were swapped, those that "
            "do. Specificity: of those that should stay, those that do. Sufficiency: right answers "
            "from the memories alone. Necessity: right answers without them, a half or less where "
            "they are needed. Decoded: bits read from the state. Surgery: right answers with the "
            "theory's matrix in place of the learned one.",
        ),
        Listing(
            "One memory, taken from another run",
            ("subspace", "cause", "isolate"),
            exchanges,
            "Cause: of the outputs that should change, those that do. Isolate: of those that "
            "should stay, those that do.",
        ),
        Listing(
            "What could not be had",
            ("part", "why"),
            list(report["missing"].items()),
            folded=True,
            words=True,
        ),
        Listing(
            "Criteria",
            ("what", "bound"),
            [(SAID[name], f"{value:g}") for name, value in report["criteria"].items()],
            folded=True,
        ),
        Listing(
            "What was used",
            ("part", "is"),
            list(report["used"].items()),
            folded=True,
            words=True,
        ),
    ]
    return [table for table in found if table.rows]


def heading(report: Mapping) -> str:
    """Return the verdict with what was asked, in a line."""
    task = report["task"]
    asked = "" if task is None else f", s = {task['s']}, kappa = {task['kappa']}"
    return f"Verdict: {report['verdict']}{asked}"


def terminal(report: Mapping):
    """Return a report as rich shows it, 80 columns wide or more.

    Parameters
    ----------
    report
        As `emt.verdict.reporting.NetworkReport.to_dict` returns it.
    """
    from rich import box, table
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    reasons = Text("\n".join(report["reasons"]))
    parts = [Panel(reasons, title=heading(report), title_align="left", box=box.ROUNDED)]
    for title, head, rows, note, _, words in tables(report):
        made = table.Table(box=None, padding=(0, 1, 0, 0), header_style="underline")
        for n, name in enumerate(head):
            made.add_column(name, justify="right" if n and not words else "left", no_wrap=not n)
        for row in rows:
            made.add_row(*map(Text, row))
        parts += [Text(f"\n{title}", style="bold"), made]
        parts += [Text(note, style="dim")] if note else []
    return Group(*parts)


def fragment(report: Mapping, figures: Sequence[Picture], level: int = 3) -> str:
    """Return a report as HTML that fits into another page.

    Parameters
    ----------
    report
        As `emt.verdict.reporting.NetworkReport.to_dict` returns it.
    figures
        As `drawn` returns them.
    level
        Of its heading, 1 to 5.
    """
    checks.whole_numbers("level", [level], 1, range(1, 6))
    reasons = "".join(f"<li>{html.escape(reason)}</li>" for reason in report["reasons"])
    title = html.escape(heading(report))
    parts = [f'<h{level} class="verdict">{title}</h{level}><ul>{reasons}</ul>']
    for figure in figures:
        label = html.escape(figure.alt, quote=True)
        parts.append(
            f'<figure{" class=wide" * figure.wide}><div tabindex="0"><img alt="{label}" '
            f'src="data:image/svg+xml;base64,{b64encode(figure.svg.encode()).decode()}"></div>'
            f"<figcaption>{html.escape(figure.caption)}</figcaption></figure>"
        )
    for title, head, rows, note, folded, words in tables(report):
        name = html.escape(title, quote=True)
        kind = ' class="words"' if words else ""
        lines = [_row("th", head), *(_row("td", row) for row in rows)]
        told = (
            f'<div class="scroll" role="region" aria-label="{name}" tabindex="0">'
            f"<table{kind}>{''.join(lines)}</table></div>"
        )
        told += f'<p class="note">{html.escape(note)}</p>' if note else ""
        if folded:
            parts.append(f"<details><summary>{name}</summary>{told}</details>")
        else:
            parts.append(f'<h{level + 1} class="part">{name}</h{level + 1}>{told}')
    return f'<style>{STYLE}</style><div class="emt-report">{"".join(parts)}</div>'


def page(report: Mapping, figures: Sequence[Picture]) -> str:
    """Return a report as a page that needs nothing else.

    Parameters
    ----------
    report, figures
        As for `fragment`.
    """
    title = html.escape(heading(report))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>:root {{ color-scheme: light dark; }} body {{ "
        "font-family: system-ui, sans-serif; margin: 1rem auto; max-width: 54rem; "
        "padding: 0 1rem; }</style></head>"
        f"<body><main>{fragment(report, figures, level=1)}</main></body></html>\n"
    )


def drawn(evidence: Evidence) -> list[Picture]:
    """Draw what a network shows: Figure 3, and its answer to an impulse.

    Parameters
    ----------
    evidence
        What was measured of it.
    """
    from matplotlib import pyplot as plt

    if evidence.spectrum is None:
        return []
    with plt.style.context(["default", "emt.emt"]), threadpool_limits(1):
        pictures = [_figure_3(evidence)]
        if not evidence.task.threshold:  # what takes signs has no impulse response
            pictures.append(_response(evidence))
        return pictures


def panels(evidence: Evidence):
    """Draw Figure 3 of a network: four panels, or the two of them that need no memories.

    Parameters
    ----------
    evidence
        What was measured of it.

    Raises
    ------
    ValueError
        If there is no linear network of it, or no task to hold it against.
    """
    from emt import figures

    if evidence.spectrum is None:
        reasons = [evidence.missing[k] for k in ("linear", "spectrum") if k in evidence.missing]
        why = reasons[0] if reasons else evidence.rule.evidence
        raise ValueError(f"evidence must hold a task and a linear network to be drawn: {why}")
    h, s = _example(evidence)
    if evidence.memories is None:
        fig, (left, right) = figures.side_by_side(["eigenvalues", "hidden state"])
        figures.learned_eigenvalues(left, evidence.spectrum)
        figures.hidden_states(right, h, s)
        return fig
    states = sample_states(evidence.network, evidence.task, 2 * evidence.task.s)
    blocks = open_network(evidence.network, evidence.memories, states)
    names, held = evidence.memories.labels, contents(evidence.memories, h)
    grey = _by_construction(evidence, len(blocks.matrix))
    return figures.figure_3(blocks.matrix, evidence.spectrum, h, held, names, s, grey)


def _figure_3(found: Evidence) -> Picture:
    """Return Figure 3 of a network, in words too."""
    svg = _svg(panels(found))
    if found.memories is None:
        return Picture(
            svg,
            "Two panels. Left, eigenvalues as crosses beside the task's as circles, with the "
            "unit circle. Right, the hidden state over time.",
            "Eigenvalues of the linear network beside those that the task asks for, and the hidden "
            "state of one run. There are no memories to draw the other two panels with.",
        )
    free = "column of memory 1" if found.task.trials is None else "row of memory s"
    return Picture(
        svg,
        "Four panels. A, the recurrent weights in the memory basis, grey where they are zero by "
        "construction. B, eigenvalues as crosses beside the task's as circles. C, the hidden state "
        "over time. D, what each memory holds over time.",
        "Figure 3 of this network. A: recurrent weights in the basis of its memories (1 to s) and "
        "the rest. Grey is zero by construction, and so is the diagonal one block above the main "
        f"one: only the {free} could have come out otherwise. B: eigenvalues. C, D: one run, by "
        "units and by memories.",
    )


def _response(found: Evidence) -> Picture:
    """Draw the size of the answer to an impulse."""
    from emt import figures

    steps, root = 2 * found.task.s, found.task.kappa**0.5
    own, wanted = impulse_response(found.linear, steps), task_response(found.task, steps)
    size, theory = (np.linalg.norm(x, axis=(1, 2)) / root for x in (own, wanted))
    late = "" if found.task.trials is None else " A gap before the answer would make it late."
    fig, ax = figures.single()
    figures.curves(ax, {"this network": size}, "steps after the impulse", "size", theory=theory)
    return Picture(
        _svg(fig),
        "Size of the answer to an impulse over the next two cycles: a line, and dots for what the "
        "task asks for.",
        "Impulse response of the linear network, in size. It depends on no basis, and nothing of "
        f"it is so by construction.{late}",
        wide=False,
    )


def _example(found: Evidence) -> tuple[np.ndarray, int]:
    """Return the states of one run, and the length of its input phase."""
    trials, s = found.task.trials, found.task.s
    if trials is not None:
        return run(found.network, trials.inputs[0])[0], int(trials.mask[0].argmax())
    u = random_bits(found.task, 1, np.random.default_rng(0))[0]
    return run(found.network, with_silence(u, 2 * s))[0], s


def _by_construction(found: Evidence, H: int) -> np.ndarray:
    """Return which entries are zero for every matrix.

    Where memories are numbered by when they are written, it is all but the column of memory 1;
    where by when they are read, all but the row of memory s.
    """
    names = [tuple(name) for name in found.memories.labels.tolist()]
    n, task = len(names), found.task
    grey = np.zeros((H, H), bool)
    grey[:n, n:] = grey[n:, :n] = True
    held = [(k - 1) * task.kappa + c - 1 for k, c in names]
    zero = task.Phi[np.ix_(held, held)] == 0
    if task.trials is None:
        made = np.array([(k - 1, c) in names for k, c in names])
    else:
        made = np.array([[task.repeats and k < task.s] for k, _ in names])
    grey[:n, :n] = zero & made
    return grey


def _svg(fig) -> str:
    """Return a figure as text, and close it."""
    from matplotlib import pyplot as plt

    buffer = io.StringIO()
    fig.savefig(buffer, format="svg", metadata={"Date": None})
    plt.close(fig)
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _row(tag: str, entries: Sequence[str]) -> str:
    """Return a row of a table."""
    return "<tr>" + "".join(f"<{tag}>{html.escape(x)}</{tag}>" for x in entries) + "</tr>"


checks.guard(globals())
