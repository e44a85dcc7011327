"""The real notebooks: at other sizes, from other folders, and with a network that cannot learn."""

import os
import subprocess
import sys
from pathlib import Path

import jupytext
import papermill
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.md"))
SMALL = {"s": 8, "kappa": 3, "hidden": 64, "seed": 1}


def make(build: Path, parameters: dict, *arguments: str) -> subprocess.CompletedProcess:
    """Build the book into a scratch folder, in the environment of this interpreter."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    overrides = " ".join(f"-p {name} {value}" for name, value in parameters.items())
    where = [f"BUILD={build}", f"BIN={Path(sys.executable).parent}", "READY="]
    command = ["make", *arguments, "book", *where, f"PARAMETERS={overrides}"]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)


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
def test_a_notebook_runs_from_the_root(notebook, small_build, tmp_path, monkeypatch):
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


def test_a_network_that_cannot_learn_stops_the_build(tmp_path):
    page = tmp_path / "html/index.html"
    page.parent.mkdir()
    page.write_text("the old page")
    done = make(tmp_path, {**SMALL, "learning_rate": 0}, "--keep-going")
    assert done.returncode != 0
    for claim in ("training.accuracy_200", "algorithm1.first_short", "figure3.live"):
        assert f"ClaimError: {claim}: " in done.stderr
    assert page.read_text() == "the old page"
    assert not (tmp_path / "executed/training.ipynb").exists()
