"""Which claims of the book hold for networks that have not learned, or only have the spectrum.

Each chapter is run as it stands, but what it takes for a trained network is another one; committed
tables are replaced by a few of their rows, computed anew with these.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import jupytext
import numpy as np
import pandas as pd
import studies
from matplotlib import pyplot as plt

import emt
from emt import evidence
from emt.network import Network
from emt.training import descent
from emt.training.descent import Training
from emt.workshop import claims, store, tables
from emt.workshop.tables import CommittedTable

TRAINED, TRAIN, COMMITTED = store.trained, descent.train, tables.committed
SEEDS = 1
BOOK = Path(__file__).parents[1] / "notebooks"
CHAPTERS = sorted(path.stem for path in BOOK.glob("*.md"))


def barely_trained(task, config) -> Network:
    """Return the network after the first 50 updates of its training."""
    return TRAINED(task, replace(config, updates=min(config.updates or 50, 50))).network


def rotated(task, config) -> Network:
    """Return the trained network with its ``W_hh`` turned: the spectrum alone."""
    return evidence.rotated(TRAINED(task, config).network, config.seed)


def shuffled(task, config) -> Network:
    """Return the trained network with the entries of each of its matrices in random order."""
    return evidence.shuffled(TRAINED(task, config).network, config.seed)


NULLS = {
    "untrained": emt.untrained,
    "50 updates": barely_trained,
    "rotated": rotated,
    "shuffled": shuffled,
}


def claims_of(chapter: str, parameters: dict, null: str | None = None) -> dict[str, dict]:
    """Run a chapter, with a null in place of what it trains if asked, and return its claims by id.

    With a null, a cell that stops is passed over: what it would have recorded is missing.
    """
    found: dict[str, dict] = {}

    def publish(id, bundle, record=None, **_):
        if record is not None:
            found[id] = record

    record = claims.Ledger.__call__

    def loosely(self, id, value, expect=None, control=None, binds=None):
        return record(self, id, value, expect, control, binds=False)

    scope = {"__name__": chapter}
    with ExitStack() as stack:
        stack.enter_context(chdir(BOOK))
        stack.enter_context(redirect_stdout(StringIO()))
        stack.enter_context(patch.object(sys, "path", [str(BOOK), *sys.path]))
        stack.enter_context(patch.object(claims, "_publish", publish))
        stack.enter_context(patch.object(claims.Ledger, "__call__", loosely))
        stack.enter_context(patch.object(claims.Ledger, "figure", lambda *_: plt.close("all")))
        if null:
            stack.enter_context(_instead_of_trained(NULLS[null]))
        for cell in jupytext.read(BOOK / f"{chapter}.md").cells:
            if cell.cell_type != "code":
                continue
            try:
                exec(compile(cell.source, chapter, "exec"), scope)
            except Exception as error:
                if null is None:
                    raise
                print(chapter, null, repr(error)[:150], "|", cell.source[:50], file=sys.stderr)
            if "parameters" in cell.metadata.get("tags", []):
                scope |= {k: v for k, v in parameters.items() if k in scope}
    return found


@contextmanager
def _instead_of_trained(null: Callable) -> Iterator[None]:
    """Give a null to whoever asks for a trained network, and tables of a few rows made with it."""

    def other(task, config, *_, **__):
        with patch.object(store, "trained", TRAINED), patch.object(descent, "train", TRAIN):
            return Training(null(task, config), np.ones(50))

    made = {}

    def few(name, *_):
        if name not in made:
            plan = studies.STUDIES[name]
            if plan.timed and name != "longevity":
                return COMMITTED(name)
            rows = [a for a in plan.arguments if a.get("seed", 0) < SEEDS]
            made[name] = CommittedTable(
                pd.DataFrame({**a, **plan.row(**a)} for a in rows), COMMITTED(name).made
            )
        return made[name]

    with (
        patch.object(store, "trained", other),
        patch.object(descent, "train", other),
        patch.object(tables, "committed", few),
    ):
        yield


if __name__ == "__main__":
    import json
    import time

    from emt.workshop.parallel import one_thread

    one_thread()
    chapter, null, seed = sys.argv[1:4]
    t = time.time()
    found = claims_of(chapter, {"seed": int(seed)}, null if null != "-" else None)
    print(
        json.dumps(
            {
                "chapter": chapter,
                "null": null,
                "seed": int(seed),
                "seconds": time.time() - t,
                "claims": found,
            }
        )
    )
