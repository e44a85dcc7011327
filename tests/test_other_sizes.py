"""The real notebooks at another size and seed, from another folder, and where nothing is learned.

Their cells are run one after the other in this process, which spares each a kernel of its own. How
a kernel runs them, and what becomes of the pages, is tested in `test_make`.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import jupytext
import matplotlib.pyplot as plt
import nbformat
import papermill
import pytest
from test_notebooks import NOTEBOOKS, ROOT, parameters

from emt.workshop import claims, tables
from emt.workshop.claims import ClaimError

sys.path.insert(0, str(ROOT / "book/_scripts"))
import pages

SMALL = {"s": 5, "kappa": 2, "hidden": 32, "seed": 1, "updates": 300}
IDS = [path.stem for path in NOTEBOOKS]


@pytest.fixture
def networks(tmp_path_factory, monkeypatch) -> Path:
    """Return a store that all workers share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if base.name.startswith("popen") else base) / "small"
    monkeypatch.setenv("EMT_STORE", str(folder))
    return folder


@pytest.fixture
def published(monkeypatch) -> list[nbformat.NotebookNode]:
    """Return the list to which a chapter's records go, as outputs of a notebook."""
    outputs = []

    def kept(id, bundle, prefix="", **metadata):
        outputs.append(nbformat.v4.new_output("display_data", metadata=metadata))

    monkeypatch.setattr(claims, "_publish", kept)
    return outputs


def run(notebook: Path, changes: dict) -> None:
    """Run the cells of a notebook in this process, with the parameters changed that it has."""
    names = {"__name__": "__main__"}
    for cell in jupytext.read(notebook).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, f"{notebook.name}: {cell.source[:40]!r}", "exec"), names)
            if "parameters" in cell.metadata.get("tags", []):
                names |= {name: value for name, value in changes.items() if name in names}
    plt.close("all")
    for value in names.values():
        if isinstance(value, TemporaryDirectory):
            value.cleanup()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=IDS)
@pytest.mark.usefixtures("networks", "_no_shape_hook")
def test_a_notebook_runs_at_another_size(notebook, published):
    """No claim binds there, the ledger says which are met, and none rests on rounding."""
    run(notebook, SMALL)
    cell = nbformat.v4.new_code_cell(outputs=published)
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# It"), cell])
    found = pages.records(nb)
    free = [claim for claim in found if "holds" in claim]
    assert found and bool(free) == bool(set(parameters(notebook)) & set(SMALL))
    rows = pages.ledger(notebook.stem, nb, pages.met_by(tables.committed("nulls").rows))
    page = pages.table(list(pages.COLUMNS), list(map(pages.claim, rows))).splitlines()
    for claim in free:
        (line,) = (x for x in page if x.startswith(f"| `{claim['id']}` |"))
        assert (", met |" in line) == bool(claim["expect"] and claim["holds"])
        assert (", **not met** |" in line) == bool(claim["expect"] and not claim["holds"])
    for claim in found:
        low, high = claim["expect"] or (None, None)
        if low is not None and low != high and (low > 0 or high < 0):
            assert min(abs(end) for end in (low, high) if end is not None) >= 1e-12, claim


def test_a_notebook_runs_from_the_root(networks, tmp_path):
    """In a kernel; one that trains, and reads a committed table."""
    source, target = tmp_path / "source.ipynb", tmp_path / "target.ipynb"
    jupytext.write(jupytext.read(ROOT / "notebooks/lifetime.md"), source)
    papermill.execute_notebook(
        source, target, SMALL, kernel_name="python3", cwd=ROOT, progress_bar=False
    )
    assert list(networks.glob("*.safetensors"))


def test_a_network_that_cannot_learn_stops_its_chapter(tmp_path, monkeypatch):
    monkeypatch.setenv("EMT_STORE", str(tmp_path))
    with pytest.raises(ClaimError, match=r"rules\.learned: "):
        run(ROOT / "notebooks/rules.md", {**SMALL, "learning_rate": 0})
