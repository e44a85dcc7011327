"""The real notebooks as they are written. `test_other_sizes` runs them."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jupytext
import nbformat
import numpy as np
import pytest

from emt.beyond import fitting
from emt.workshop import claims

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "book/_scripts"))

NOTEBOOKS = sorted(ROOT.glob("notebooks/*.md"))
TRAINED = [n.stem for n in NOTEBOOKS if "learning_rate = " in n.read_text(encoding="utf-8")]
SMALL = {"s": 5, "kappa": 2, "hidden": 32, "seed": 1, "updates": 300}


def parameters(notebook: Path) -> dict:
    """Return what the cell of parameters sets."""
    cells = jupytext.read(notebook).cells
    (cell,) = (c for c in cells if "parameters" in c.metadata.get("tags", []))
    found: dict = {}
    exec(cell.source, found)
    return {name: value for name, value in found.items() if not name.startswith("_")}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_no_notebook_looks_for_a_file_itself(notebook):
    """So that it matters to none where it runs: networks and tables are found by `emt`."""
    code = [c.source for c in jupytext.read(notebook).cells if c.cell_type == "code"]
    assert not re.search(r"\bopen\(|\bPath\b|getcwd|chdir|read_csv|\.\./|\bos\b", "\n".join(code))


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls in a tree, with what is called as it is written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


RECORDING = "record", "record.figure", "record.values", "record.equation"


def stored(name: ast.Name) -> bool:
    """Say whether a name is given a value here."""
    return isinstance(name.ctx, ast.Store)


def aliases(node: ast.AST) -> list[ast.alias]:
    """Return what an import brings."""
    return node.names if isinstance(node, (ast.Import, ast.ImportFrom)) else []


def faults(cells: list) -> Iterator[str]:
    """Yield ids that do not stand literally in the source, and analysis in collapsed cells.

    A collapsed cell, or one that leaves no trace, records, draws and makes tables of what a cell
    that is shown has computed. What is shown records nothing, and needs nothing that is not shown.
    """
    own, known, hidden = set(), set(), set()
    for cell in (c for c in cells if c.cell_type == "code"):
        tree = ast.parse(cell.source)
        tags = cell.metadata.get("tags", [])
        made = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and stored(n)}
        made |= {a.asname or a.name for n in ast.walk(tree) for a in aliases(n)}
        made |= {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
        if {"remove-cell", "hide-input"} & set(tags):
            hidden |= made - known
        else:
            used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not stored(n)}
            known |= made
            hidden -= made
            yield from (f"shown, and needs what is not: {name}" for name in sorted(used & hidden))
            yield from ("shown, and records" for name, _ in calls(tree) if name in RECORDING)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in ("emt", "scipy"):
                own |= {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, ast.Import):
                own |= {"emt"} & {alias.name for alias in node.names}
            elif isinstance(node, ast.FunctionDef):
                own.add(node.name)
        collapsed = bool({"hide-input", "remove-cell"} & set(tags))
        for name, call in calls(tree):
            if name in RECORDING[:3]:
                ids = call.args[0].keys if isinstance(call.args[0], ast.Dict) else call.args[:1]
                made = [i for i in ids if isinstance(i, (ast.JoinedStr, ast.Call))]
                yield from (f"an id is made: {ast.unparse(i)}" for i in made)
            elif collapsed and name.split(".")[0] in own - {"figures", "tables", "chapter"}:
                yield f"analysis is collapsed: {ast.unparse(call)}"
            elif collapsed and name.startswith("np.linalg."):
                yield f"analysis is collapsed: {ast.unparse(call)}"
        if collapsed and any(isinstance(n, (ast.FunctionDef, ast.Lambda)) for n in ast.walk(tree)):
            yield "a function is collapsed"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_ids_are_literal_and_analysis_is_shown(notebook):
    assert list(faults(jupytext.read(notebook).cells)) == []


@pytest.mark.parametrize(
    "code, fault",
    [
        ('record(f"a.{n}", 1)', "an id is made"),
        ('record.values({"a.x": 1, f"a.{n}": 2})', "an id is made"),
        ("y = emt.run(w, u)", "analysis is collapsed"),
        ("def f():\n    pass\nf()", "analysis is collapsed"),
        ("x = np.linalg.norm(W)", "analysis is collapsed"),
        ("key = lambda x: x", "a function is collapsed"),
        ("x = 1", "shown, and needs what is not: x"),
        ("record = print", "shown, and records"),
    ],
)
def test_a_fault_of_a_cell_is_noticed(code, fault):
    for tag in ("hide-input", "remove-cell"):
        cell = nbformat.v4.new_code_cell(f"import emt\n{code}", metadata={"tags": [tag]})
        shown = nbformat.v4.new_code_cell('print(x)\nrecord("a.b", 1)')
        assert any(fault in found for found in faults([cell, shown]))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_claims_bind_at_the_published_parameters_alone(notebook):
    published = parameters(notebook)
    (condition,) = re.findall(
        r'record = chapter\(\s*"\w+",\s*published=(.*?),?\s*\)\n```',
        notebook.read_text(encoding="utf-8"),
        re.DOTALL,
    )
    assert eval(f"({condition})", {}, published)
    for name in published:
        assert not eval(f"({condition})", {}, {**published, name: published[name] + 1})


def test_how_far_the_fits_have_turned_survives_other_rounding(tmp_path, monkeypatch):
    """The fitted weights move in their last digits, as on another processor."""
    cells = jupytext.read(ROOT / "notebooks/longevity.md").cells
    code = "\n".join(c.source for c in cells if c.cell_type == "code").partition("quiet = ")[0]
    code = code.replace("seed = 0\n", "s, kappa, hidden, seed = 6, 2, 32, 0\n")
    identify = fitting.identify

    def moved(*arguments, **options):
        fit = identify(*arguments, **options)
        noise = (1 + 1e-15 * rng.normal(size=w.W_hh.shape) for w in fit.path)
        path = (replace(w, W_hh=w.W_hh * x) for w, x in zip(fit.path, noise, strict=True))
        return fit._replace(path=tuple(path))

    values, runs, names = {}, [], ("longevity.turned_least", "longevity.turned_most")
    monkeypatch.setenv("EMT_STORE", str(tmp_path))
    monkeypatch.setattr(fitting, "identify", moved)
    monkeypatch.setattr(claims, "_publish", lambda id, *_, **shown: values.update({id: shown}))
    for n in range(2):
        rng = np.random.default_rng(n)
        exec(code, {})
        runs.append([values[name]["record"]["value"] for name in names])
    assert runs[0] == pytest.approx(runs[1], rel=0.01) and np.isfinite(runs).all()


@pytest.mark.parametrize("chapter", TRAINED)
def test_each_chapter_that_trains_says_that_it_learned_at_any_size(chapter):
    source = (ROOT / f"notebooks/{chapter}.md").read_text(encoding="utf-8")
    (name,) = re.findall(r'record = chapter\(\s*"(\w+)"', source)
    cells = jupytext.reads(source, fmt="md:myst").cells
    trees = (ast.parse(cell.source) for cell in cells if cell.cell_type == "code")
    made = [call for tree in trees for what, call in calls(tree) if what == "record"]
    ids = f"{name}.learned", f"{name}.learned_again"
    (claim,) = (call for call in made if ast.literal_eval(call.args[0]) in ids)
    words = {
        word.arg: ast.literal_eval(word.value) for word in claim.keywords if word.arg != "control"
    }
    assert words["binds"] is True and 0.9 <= words["expect"][0] < words["expect"][1] == 1
