"""The real notebooks: at other sizes, from other folders, and with a network that cannot learn."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jupytext
import nbformat
import numpy as np
import papermill
import pytest

from emt.beyond import fitting
from emt.workshop import claims

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "book/_scripts"))
import live_data  # noqa: E402

NOTEBOOKS = sorted(ROOT.glob("notebooks/*.md"))
TRAINED = [n.stem for n in NOTEBOOKS if "learning_rate = " in n.read_text(encoding="utf-8")]
SMALL = {"s": 5, "kappa": 2, "hidden": 32, "seed": 1, "updates": 300}


def make(build: Path, parameters: dict, *arguments: str) -> subprocess.CompletedProcess:
    """Build the book into a scratch folder, in the environment of this interpreter."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    overrides = " ".join(f"-p {name} {value}" for name, value in parameters.items())
    where = [f"BUILD={build}", f"BIN={Path(sys.executable).parent}", "READY="]
    options = {"cwd": ROOT, "env": env, "capture_output": True, "encoding": "utf-8"}
    subprocess.run(["make", str(build / "CACHEDIR.TAG"), *where], **options)
    if not (build / "live").exists():  # of the published networks, which the store has or trains
        live_data.main(build / "live")
    command = ["make", *arguments, "book", *where, f"PARAMETERS={overrides}"]
    return subprocess.run(command, **options)


def parameters(notebook: Path) -> dict:
    """Return what the cell of parameters sets."""
    cells = jupytext.read(notebook).cells
    (cell,) = (c for c in cells if "parameters" in c.metadata.get("tags", []))
    found: dict = {}
    exec(cell.source, found)
    return {name: value for name, value in found.items() if not name.startswith("_")}


def recorded(notebook: Path) -> list[dict]:
    """Return what an executed notebook recorded."""
    cells = nbformat.read(notebook, as_version=4).cells
    outputs = (out for cell in cells for out in cell.get("outputs", []))
    return [out.metadata["record"] for out in outputs if "record" in out.get("metadata", {})]


@pytest.fixture(scope="module")
def small_build(tmp_path_factory):
    build = tmp_path_factory.mktemp("small")
    done = make(build, SMALL)
    assert done.returncode == 0, done.stdout + done.stderr
    return build


def test_every_notebook_and_page_is_built_at_another_size(small_build):
    for notebook in NOTEBOOKS:
        assert (small_build / f"executed/{notebook.stem}.ipynb").exists()
        assert (small_build / f"html/notebooks/{notebook.stem}.html").exists()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_no_notebook_looks_for_a_file_itself(notebook):
    """So that it matters to none where it runs: networks and tables are found by `emt`."""
    code = [c.source for c in jupytext.read(notebook).cells if c.cell_type == "code"]
    assert not re.search(r"\bopen\(|\bPath\b|getcwd|chdir|read_csv|\.\./|\bos\b", "\n".join(code))


def test_a_notebook_runs_from_the_root(small_build, tmp_path, monkeypatch):
    """One that trains, and reads a committed table."""
    notebook = ROOT / "notebooks/lifetime.md"
    monkeypatch.setenv("EMT_STORE", str(small_build / "networks"))
    trained = {p.name: p.stat().st_mtime_ns for p in (small_build / "networks").iterdir()}
    source, target = tmp_path / "source.ipynb", tmp_path / "target.ipynb"
    jupytext.write(jupytext.read(notebook), source)
    papermill.execute_notebook(
        source, target, SMALL, kernel_name="python3", cwd=ROOT, progress_bar=False
    )
    after = {p.name: p.stat().st_mtime_ns for p in (small_build / "networks").iterdir()}
    networks = {name for name in after if name.endswith(".safetensors")}
    assert {n: after[n] for n in networks} == {n: trained.get(n) for n in networks}


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


def test_elsewhere_the_claims_page_says_which_are_met(small_build):
    page = (small_build / "source/claims.md").read_text(encoding="utf-8")
    assert page.index("run with other parameters") < page.index("| Value |")
    for notebook in NOTEBOOKS:
        given = set(parameters(notebook)) & set(SMALL)
        free = [
            r for r in recorded(small_build / f"executed/{notebook.stem}.ipynb") if "holds" in r
        ]
        assert bool(free) == bool(given)
        for claim in free:
            (line,) = (x for x in page.splitlines() if x.startswith(f"| `{claim['id']}` |"))
            assert (", met |" in line) == bool(claim["expect"] and claim["holds"])
            assert (", **not met** |" in line) == bool(claim["expect"] and not claim["holds"])


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_no_claim_rests_on_rounding(notebook, small_build):
    for claim in recorded(small_build / f"executed/{notebook.stem}.ipynb"):
        low, high = claim["expect"] or (None, None)
        if low is not None and low != high and (low > 0 or high < 0):
            assert min(abs(end) for end in (low, high) if end is not None) >= 1e-12, claim


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


def test_a_network_that_cannot_learn_stops_the_build(small_build, tmp_path):
    """Of the chapters that train, the shortest is run: what stops it stops them all."""
    page, executed = tmp_path / "html/index.html", tmp_path / "executed"
    page.parent.mkdir()
    page.write_text("the old page", encoding="utf-8")
    for name in ("executed", "live"):
        shutil.copytree(small_build / name, tmp_path / name)
    (executed / "rules.ipynb").unlink()
    (tmp_path / "CACHEDIR.TAG").touch()
    done = make(tmp_path, {**SMALL, "learning_rate": 0}, "--keep-going")
    assert done.returncode != 0
    assert "ClaimError: rules.learned: " in done.stderr
    assert page.read_text(encoding="utf-8") == "the old page"
    assert not (executed / "rules.ipynb").exists()
