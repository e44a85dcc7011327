"""Which claims of the book tell: what they are for other seeds, and for networks that are none.

The latter are nulls: they have not learned, or have the spectrum only. Each chapter is run as it
stands, but what it takes for a trained network is a null, and its committed tables are replaced by
a few of their rows, computed anew with nulls.
"""

import ast
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stdout
from dataclasses import replace
from functools import cache
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import jupytext
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

import emt
from emt import evidence
from emt.network import Network
from emt.training import descent
from emt.workshop import claims, store, tables

BOOK = Path(__file__).parents[1] / "notebooks"
TRAINED, TRAIN, COMMITTED = store.trained, descent.train, tables.committed
UPDATES = 50


def barely_trained(task, config) -> Network:
    """Return the network after the first updates of its training."""
    return TRAINED(task, replace(config, updates=UPDATES)).network


def rotated(task, config) -> Network:
    """Return the trained network with its ``W_hh`` turned: the spectrum alone."""
    return evidence.rotated(TRAINED(task, config).network, config.seed)


def shuffled(task, config) -> Network:
    """Return the trained network with the entries of each of its matrices in random order."""
    return evidence.shuffled(TRAINED(task, config).network, config.seed)


NULLS = {
    "untrained": emt.untrained,
    "barely trained": barely_trained,
    "rotated": rotated,
    "shuffled": shuffled,
}


def cells(chapter: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the code of a chapter, cell by cell, and the cell's tags."""
    for cell in jupytext.read(BOOK / f"{chapter}.md").cells:
        if cell.cell_type == "code":
            yield cell.source, cell.metadata.get("tags", [])


@cache
def ranged() -> dict[str, str]:
    """Return the chapter of every claim that has a range, in the order of the claims."""
    found = {}
    for path in sorted(BOOK.glob("*.md")):
        source = "\n".join(code for code, _ in cells(path.stem))
        for call in ast.walk(ast.parse(source)):
            if not isinstance(call, ast.Call) or not call.args:
                continue
            name, id = ast.unparse(call.func), getattr(call.args[0], "value", None)
            if name == "record" and id and any(word.arg == "expect" for word in call.keywords):
                found[id] = path.stem
            elif name == "record.equation":
                found[f"eq.{id}"] = path.stem
    return found


@cache
def claims_of(chapter: str, null: str | None = None, seed: int | None = None) -> dict[str, dict]:
    """Run a chapter and return its claims, by id.

    With a null in place of what is trained, a cell that stops is passed over, and the claims that
    it would have made are missing.
    """
    found: dict[str, dict] = {}
    record = claims.Ledger.__call__

    def publish(id, bundle, record=None, **_):
        if record is not None:
            found[id] = record

    def loosely(self, id, value, expect=None, control=None, binds=None):
        return record(self, id, value, expect, control, binds=False)

    scope = {"__name__": chapter}
    with ExitStack() as stack:
        stack.enter_context(chdir(BOOK))
        stack.enter_context(redirect_stdout(StringIO()))
        stack.enter_context(np.errstate(all="ignore"))
        stack.enter_context(patch.object(sys, "path", [str(BOOK), *sys.path]))
        stack.enter_context(patch.object(claims, "_publish", publish))
        stack.enter_context(patch.object(claims.Ledger, "__call__", loosely))
        stack.enter_context(patch.object(claims.Ledger, "figure", lambda *_: plt.close("all")))
        if null:
            stack.enter_context(_instead_of_trained(NULLS[null]))
        for code, tags in cells(chapter):
            try:
                exec(compile(code, chapter, "exec"), scope)
            except Exception:
                if null is None:
                    raise
            if "parameters" in tags and seed is not None and "seed" in scope:
                scope["seed"] = seed
    return found


@contextmanager
def _instead_of_trained(null: Callable) -> Iterator[None]:
    """Give a null to whoever asks for a trained network, and tables made with it."""

    def other(task, config, *_, **__):
        with patch.object(store, "trained", TRAINED), patch.object(descent, "train", TRAIN):
            return descent.Training(null(task, config), np.ones(UPDATES))

    @cache
    def few(name):
        import studies

        plan, table = studies.STUDIES[name], COMMITTED(name)
        if plan.slow or len(plan.arguments) < 4 or name.startswith(("training", *OWN)):
            return table
        rows = [a for a in plan.arguments if a["seed"] == 0]
        return table._replace(rows=pd.DataFrame({**a, **plan.row(**a)} for a in rows))

    with (
        patch.object(store, "trained", other),
        patch.object(descent, "train", other),
        patch.object(tables, "committed", few),
    ):
        yield


def outcome(claim: str, network: str) -> dict:
    """Say what becomes of a claim where a null stands for the trained network.

    It is *met* or *not met*, *stops* if its chapter does before, or is the *same* if no trained
    network is in it.
    """
    chapter = ranged()[claim]
    if not any("trained(" in code for code, _ in cells(chapter)):
        return {"outcome": "same"}
    published, found = (claims_of(chapter, n).get(claim) for n in (None, network))
    if found is None:
        return {"outcome": "stops"}
    low, high = (x if x is not None else end for x, end in zip(found["expect"], ENDS, strict=True))
    if found["value"] is None or not low <= found["value"] <= high:
        return {"outcome": "not met"}
    return {"outcome": "same" if found["value"] == published["value"] else "met"}


def spread(claim: str) -> dict:
    """Return between which values a claim lies over seeds."""
    chapter = ranged()[claim]
    found = [claims_of(chapter, None, seed)[claim]["value"] for seed in range(SEEDS[chapter])]
    return {"seeds": SEEDS[chapter], "least": min(found), "most": max(found)}


# Of chapters whose networks are trained in seconds.
SEEDS = dict.fromkeys(
    ("algorithm1", "figure3", "interventions", "lifetime", "rules", "training"), 20
)
SPREAD = [{"claim": claim} for claim, chapter in ranged().items() if chapter in SEEDS]

# Tables each row of which has its own nulls beside it.
OWN = "networks", "sizes", "authors"
# What every null meets, and why it stays.
BY_CONSTRUCTION = {
    "eq.14": "an identity of matrices",
    "eq.15": "an identity of matrices",
    "figure3.largest_activity": "inputs are written small, before training too; as the page says",
    "nonlinear.third_learned": "the third order of tanh, at the origin of any network",
    "nonlinear.bias_residual": "what a root finder leaves",
    "nonlinear.patterns": "each stable point says a word of its own; a null has none of either",
    "overwriting.own_basis": "that a turned network fails; networks as they are are its control",
    "overwriting.flat": "that a network does not overwrite; those that do are its control",
    "training.default_at_200": "that a training fails; the book's is its control",
}
ENDS = -np.inf, np.inf
ARGUMENTS = [{"claim": claim, "network": null} for claim in ranged() for null in NULLS]
