"""The report on a network: its verdict and what it rests on, as text, page and dictionary."""

import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emt import checks
from emt.loading.arrays import Opened
from emt.network import ACTIVATIONS, EVALUATION_SEED, Network, Recurrent
from emt.tasks import Task
from emt.verdict import pages
from emt.verdict.criteria import CRITERIA, Verdict, judged
from emt.verdict.measuring import (
    ANSWERS,
    DOSE,
    LATE,
    SEQUENCES,
    WAIT,
    Evidence,
    measured,
)
from emt.writing import write_whole


@dataclass(frozen=True, eq=False, repr=False)
class NetworkReport:
    """A network, read: a verdict, why, and everything that was measured for it.

    Shown by `print`, or as the last value of a notebook's cell; kept by `save` and `to_dict`.

    Attributes
    ----------
    verdict
        In a word, and the reasons.
    evidence
        What was measured.
    used
        Arrays and constants that it rests on, by name.
    """

    verdict: Verdict
    evidence: Evidence
    used: dict[str, str]

    def __str__(self) -> str:
        """Return the report as plain text, 80 columns wide."""
        from rich.console import Console

        console = Console(file=io.StringIO(), width=80, color_system=None, legacy_windows=False)
        console.print(self)
        return console.file.getvalue().rstrip("\n")

    def __repr__(self) -> str:
        """Return the verdict in a line."""
        return f"<NetworkReport: {self.verdict.word}; print it for all of it>"

    def __rich__(self):
        """Return the report as a terminal shows it."""
        return pages.terminal(self.to_dict())

    def _repr_html_(self) -> str:
        """Return the report as a notebook shows it, with its figures."""
        return pages.fragment(self.to_dict(), pages.drawn(self.evidence))

    def to_dict(self) -> dict:
        """Return all numbers and words of the report; those that cannot be had are ``None``."""
        found, task, word = self.evidence, self.evidence.task, self.verdict
        told = None
        if task is not None:
            told = {"s": task.s, "kappa": task.kappa, "F": task.F.tolist()}
            told |= {"threshold": task.threshold, "own_trials": task.trials is not None}
        report = {
            "format": "emt report 1",
            "verdict": word.word,
            "reasons": list(word.reasons),
            "task": told,
            "inferred": None if found.rule is None else found.rule.evidence,
            "measures": dict(found.values),
            "edits": {name: score._asdict() for name, score in found.scores.items()},
            "exchanges": {
                name: {"cause": cause, "isolate": isolate}
                for name, (cause, isolate) in found.exchanges.items()
            },
            "missing": dict(found.missing),
            "criteria": dict(CRITERIA),
            "used": dict(self.used),
        }
        return _plain(report)

    def save(self, path: Path) -> Path:
        """Write the report: a page that needs nothing else, or the numbers, if to ``.json``.

        Parameters
        ----------
        path
            Of the file; it is replaced when the new one is whole.

        Raises
        ------
        ValueError
            If it cannot be written there.
        """
        path = Path(path)
        if path.suffix == ".json":
            text = json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"
        else:
            text = pages.page(self.to_dict(), pages.drawn(self.evidence))
        return write_whole(path, text.encode())


def report(
    network: Recurrent | Opened,
    task: Task | int | None = None,
    channels: Sequence[int] | None = None,
    seed: int = EVALUATION_SEED,
    alignments: bool = True,
    progress: bool = True,
) -> NetworkReport:
    """Read a network and say whether the theory describes it.

    Parameters
    ----------
    network
        An Elman network, a gated cell or another that runs; or what `emt.load` returns.
    task
        The rule that it should follow, perhaps with trials of one's own; s for repeat copy; by
        default what its impulse response says, if that is one rule.
    channels
        Numbers of the inputs that are written to memories, from 0; by default all. Without trials
        of one's own the others are 0.
    seed
        Of inputs and random directions.
    alignments
        Whether subspaces are learned from behaviour too, which takes most of the time.
    progress
        Whether to draw progress bars, which are drawn on a terminal only.

    Raises
    ------
    ValueError
        If `channels` must be named, or trials of one's own do not fit the network or the rule.
    """
    names, unused = {}, ()
    if isinstance(network, Opened):
        names, unused, network = network.used, network.unused, network.network
    found = measured(network, task, channels, seed, alignments, progress)
    used = _arrays(network, names) | _constants(found, channels, seed)
    used |= {"not used": ", ".join(unused)} if unused else {}
    return NetworkReport(judged(found), found, used)


def _arrays(network: Recurrent, names: dict[str, str]) -> dict[str, str]:
    """Return what the network is made of, and from which arrays that came."""
    used = {"network": f"{type(network).__name__} of {network.hidden} units"}
    for name in ("W_hh", "W_uh", "W_r", "b", "b_hh", "b_uh", "c", "h0"):
        value = getattr(network, name, None)
        if value is not None:
            source = f", from {names[name]}" if name in names else ""
            used[name] = " x ".join(map(str, value.shape)) + source
    if isinstance(network, Network):
        sigma = [name for name, a in ACTIVATIONS.items() if a == network.activation]
        used["activation"] = sigma[0] if sigma else "of its own"
        used["leak"] = str(network.leak) if np.ndim(network.leak) == 0 else "one for each unit"
        used["rates"] = "yes" if network.rates else "no"
    return used


def _constants(found: Evidence, channels: Sequence[int] | None, seed: int) -> dict[str, str]:
    """Return what else the report rests on."""
    point = (
        "the origin"
        if found.at is None
        else f"a fixed point of norm {np.linalg.norm(found.at):.3g}"
    )
    return {
        "operating point": "none" if found.linear is None else point,
        "data channels": "all" if channels is None else ", ".join(map(str, channels)),
        "seed": str(seed),
        "sequences": f"{ANSWERS} for right answers, {SEQUENCES} for edits",
        "surgery": f"around step {LATE}",
        "exchange in part": f"{DOSE} of two memories, heard {WAIT} cycles later",
    }


def _plain(value):
    """Return the value as JSON can hold it."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value


checks.guard(globals())
