"""The pipeline on a tiny book of its own: what it promises when a run succeeds or fails."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent

NOTEBOOK = r"""---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# Tiny chapter

```{code-cell} ipython3
:tags: [parameters]

scale = 1
```

```{code-cell} ipython3
:tags: [remove-output]

from IPython.display import display

svg = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"
line = {"id": "line", "data": "# one\n1,2\n", "narrow": svg}
# As record.figure("line", fig) does
display({"image/svg+xml": svg, "text/plain": ""}, raw=True, metadata={"figure": line})
deviation = {"id": "eq.1", "value": 2.34e-15, "expect": [0, 1e-12]}
for record in (deviation, {"id": "tiny.value", "value": 0.25 * scale}):
    display({"text/plain": ""}, raw=True, metadata={"record": record})
```

```{glue:figure} line
:alt: A picture of nothing
:name: fig-line

Scale {glue:text}`tiny.value:.3f`.
```

(eq-1)=
$$ x = 1 \tag{1} $$
"""
INDEX = "1: [One, as ever, tasks.continuation]\n"


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


class Tiny:
    """A one-chapter book in a scratch folder, built by the project's own Makefile."""

    def __init__(self, folder: Path):
        self.folder, self.build = folder, folder / "build"
        self.notebook = folder / "notebooks/tiny.md"
        self.executed, self.html = self.build / "executed/tiny.ipynb", self.build / "html"
        self.notebook.parent.mkdir()
        self.notebook.write_text(NOTEBOOK, encoding="utf-8")
        shutil.copytree(ROOT / "book", folder / "book", ignore=shutil.ignore_patterns("_scripts"))
        (folder / "book/equations.yml").write_text(INDEX, encoding="utf-8")
        files = "notebooks/tiny", "equations", "claims", "run-times"
        toc = "format: jb-book\nroot: intro\nchapters:\n"
        toc += "".join(f"- file: {f}\n" for f in files)
        (folder / "book/_toc.yml").write_text(toc, encoding="utf-8")
        (folder / "book/intro.md").write_text("# Tiny\n\n[the line](#fig-line)\n", encoding="utf-8")

    def make(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run make in the environment of this very interpreter."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        folders = [f"{n.upper()}={self.folder / n}" for n in ("build", "notebooks", "book")]
        command = ["make", f"BIN={BIN}", "READY=", *folders, *(arguments or ["book"])]
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, encoding="utf-8")

    def assemble(self, book: Path, executed: Path, source: Path) -> subprocess.CompletedProcess:
        """Run assemble.py on a book and its executed notebooks."""
        script = ROOT / "book/_scripts/assemble.py"
        command = [sys.executable, script, book, executed, source]
        return subprocess.run(command, capture_output=True, encoding="utf-8")

    def check(self, html: Path) -> subprocess.CompletedProcess:
        """Run check.py on some pages."""
        script = ROOT / "book/_scripts/check.py"
        command = [sys.executable, script, self.build / "source", html]
        return subprocess.run(command, capture_output=True, encoding="utf-8")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    tiny = Tiny(tmp_path_factory.mktemp("tiny"))
    done = tiny.make()
    assert done.returncode == 0, done.stdout + done.stderr
    return tiny


def test_pages_are_there(book):
    page = (book.html / "notebooks/tiny.html").read_text(encoding="utf-8")
    assert "A picture of nothing" in page and "Scale 0.250." in page
    assert (book.html / "index.html").exists()


def test_a_figure_comes_with_its_files(book):
    page = (book.html / "notebooks/tiny.html").read_text(encoding="utf-8")
    files = {p.name: p.read_text(encoding="utf-8") for p in book.html.rglob("figures/line.*")}
    assert set(files) == {"line.svg", "line.narrow.svg", "line.csv"}
    assert files["line.csv"] == "# one\n1,2\n" and "width='9'" in files["line.svg"]
    assert all(f"../_static/figures/{name}" in page for name in files)
    nb = json.loads((book.html / "_sources/notebooks/tiny.ipynb").read_text(encoding="utf-8"))
    assert not any("figure" in o["metadata"] for c in nb["cells"] for o in c.get("outputs", []))


def test_what_a_reader_takes_along_is_whole(book):
    with zipfile.ZipFile(book.html / "notebooks.zip") as archive:
        names = archive.namelist()
    (wheel,) = book.html.rglob("*.whl")
    assert sorted(names) == sorted(["notebooks/tiny.ipynb", f"notebooks/{wheel.name}"])
    with zipfile.ZipFile(book.html / "site.zip") as archive:
        held = {n.removeprefix("book/"): archive.read(n) for n in archive.namelist()}
    assert {"index.html", "notebooks/tiny.html", "_static/figures/line.svg"} <= set(held)
    assert all((book.html / name).read_bytes() == data for name, data in held.items())


def test_a_published_book_has_buttons_and_an_address(book, tmp_path):
    script, folder = ROOT / "book/_scripts/assemble.py", tmp_path / "source"
    command = [sys.executable, script, book.folder / "book", book.executed.parent, folder]
    where = "https://github.com/somebody/opened"
    subprocess.run([*command, "--repository", where], check=True)
    config = yaml.safe_load((folder / "_config.yml").read_text(encoding="utf-8"))
    assert config["repository"]["url"] == where
    assert set(config["launch_buttons"]) >= {"binderhub_url", "colab_url"}
    assert config["sphinx"]["config"]["ogp_site_url"] == "https://somebody.github.io/opened/"


def test_a_notebook_is_offered_with_the_package_it_needs(book, tmp_path):
    page = (book.html / "notebooks/tiny.html").read_text(encoding="utf-8")
    (wheel,) = book.html.rglob("*.whl")
    assert f'href="../{wheel.relative_to(book.html)}"' in page and "emt.Network" not in page
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    ours = {p.relative_to(ROOT).as_posix() for p in (ROOT / "emt").rglob("*") if p.is_file()}
    assert {n for n in names if n.startswith("emt/")} == {n for n in ours if "__pycache" not in n}
    nb = json.loads((book.html / "_sources/notebooks/tiny.ipynb").read_text(encoding="utf-8"))
    (cell,) = (c for c in nb["cells"] if c["id"] == "package")
    (tmp_path / "emt").mkdir()
    (tmp_path / "emt/__init__.py").touch()  # another package of that name, or none
    said = [
        subprocess.run(
            [sys.executable, *options, "-c", "".join(cell["source"])],
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": str(path)},
        ).stderr
        for path, options in ((ROOT, []), (tmp_path, ["-S"]), (tmp_path / "emt", ["-S"]))
    ]
    assert said[0] == ""
    for error in said[1:]:
        last = error.splitlines()[-1]
        assert last.startswith("ImportError: this page needs the emt that the book offers")
        assert f"pip install '{wheel.name}[book,torch]'" in last


def test_an_unchanged_tree_does_nothing(book):
    assert book.make().returncode == 0  # another test may have touched it
    before = tree(book.build)
    assert "Nothing to be done" in book.make().stdout
    assert tree(book.build) == before


def test_the_same_tree_gives_the_same_bytes(book):
    assert book.make().returncode == 0
    executed, pages = book.executed.read_bytes(), tree(book.html)
    book.notebook.touch()
    assert book.make().returncode == 0
    assert book.executed.read_bytes() == executed
    differing = {name for name, data in tree(book.html).items() if pages.get(name) != data}
    assert differing <= {"run-times.html", "_sources/run-times.md"}
    assert tree(book.html).keys() == pages.keys()


def test_parameters_reach_the_notebook(book):
    other = book.build / "scaled"
    target = other / "executed/tiny.ipynb"
    assert book.make(f"BUILD={other}", "PARAMETERS=-p scale 3", str(target)).returncode == 0
    assert "0.75" in target.read_text(encoding="utf-8")


def test_a_broken_reference_leaves_the_old_pages(book):
    pages, intro = tree(book.html), book.folder / "book/intro.md"
    text = intro.read_text(encoding="utf-8")
    intro.write_text(text + "\n[gone](#nowhere)\n", encoding="utf-8")
    done = book.make()
    intro.write_text(text, encoding="utf-8")
    assert done.returncode != 0 and "nowhere" in done.stderr
    assert tree(book.html) == pages


def test_an_equation_without_deviation_leaves_the_old_pages(book):
    pages, folder, index = tree(book.html), book.folder / "book", book.folder / "book/equations.yml"
    index.write_text(INDEX + "2: [Two, tasks.driven]\n", encoding="utf-8")
    done = book.make()
    index.write_text(INDEX, encoding="utf-8")
    assert done.returncode != 0 and 'Eq. (2) needs one record("eq.2", ...)' in done.stderr
    assert tree(book.html) == pages
    assert book.assemble(folder, book.executed.parent, book.build / "source").returncode == 0


def test_a_raising_cell_stops_the_build(book):
    pages = tree(book.html)
    cell = '\n```{code-cell} ipython3\nraise ValueError("planted")\n```\n'
    book.notebook.write_text(NOTEBOOK + cell, encoding="utf-8")
    done = book.make()
    book.notebook.write_text(NOTEBOOK, encoding="utf-8")
    assert done.returncode != 0
    for part in ("tiny.md", 'raise ValueError("planted")', "ValueError: planted"):
        assert part in done.stderr
    assert "papermill/" not in done.stderr, "papermill's own traceback is noise"
    assert book.executed.with_suffix(".failed.ipynb").exists()
    assert tree(book.html) == pages


def test_the_equation_index_says_where_each_equation_is(book):
    text = (book.build / "source/equations.md").read_text(encoding="utf-8")
    row = (
        "| [(1)](#eq-1) | One, as ever<br>[Tiny chapter](notebooks/tiny.ipynb) "
        "| {py:obj}`tasks.continuation <emt.tasks.continuation>`<br>`test_equation_1` | 2 × 10⁻¹⁵ |"
    )
    assert text.startswith("(equation-index)=\n# Equations\n") and text.splitlines()[-1] == row
    assert 'href="notebooks/tiny.html#eq-1"' in (book.html / "equations.html").read_text(
        encoding="utf-8"
    )
    assert not list(book.build.rglob("equations.yml"))


def without_range(cell: dict) -> dict:
    return json.loads(json.dumps(cell).replace('"expect"', '"unexpected"'))


ONCE = {
    # what becomes of the executed cells with the record and with the anchor, and the fault
    "no anchor": (lambda code, prose: [code], "one anchor (eq-1)= in the notebooks, not 0"),
    "two anchors": (
        lambda code, prose: [code, prose, prose],
        "one anchor (eq-1)= in the notebooks, not 2",
    ),
    "no deviation": (
        lambda code, prose: [prose],
        'one record("eq.1", ...) in the notebooks, not 0',
    ),
    "two deviations": (
        lambda code, prose: [code, code, prose],
        'one record("eq.1", ...) in the notebooks, not 2',
    ),
    "no range": (
        lambda code, prose: [without_range(code), prose],
        "an expected range for its deviation",
    ),
}


@pytest.mark.parametrize("fault", ONCE)
def test_an_equation_is_shown_and_measured_once(book, tmp_path, fault):
    change, message = ONCE[fault]
    nb = json.loads(book.executed.read_text(encoding="utf-8"))
    nb["cells"][2:] = [cell | {"id": f"a{i}"} for i, cell in enumerate(change(*nb["cells"][2:]))]
    (tmp_path / "tiny.ipynb").write_text(json.dumps(nb), encoding="utf-8")
    done = book.assemble(book.folder / "book", tmp_path, tmp_path / "source")
    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == [f"Eq. (1) needs {message}"]


def test_a_deviation_of_another_chapter_counts(book, tmp_path):
    folder = tmp_path / "book"
    shutil.copytree(book.folder / "book", folder)
    with (folder / "_toc.yml").open("a", encoding="utf-8") as toc:
        toc.write("- file: notebooks/other\n")
    for name in ("tiny", "other"):
        shutil.copy(book.executed, tmp_path / f"{name}.ipynb")
        shutil.copy(book.executed.with_suffix(".timing.json"), tmp_path / f"{name}.timing.json")
    done = book.assemble(folder, tmp_path, tmp_path / "source")
    assert done.returncode == 1 and done.stderr.count("not 2") == 2


def test_a_book_without_index_has_no_page_of_equations(book, tmp_path):
    folder, source = tmp_path / "book", tmp_path / "source"
    shutil.copytree(book.folder / "book", folder, ignore=shutil.ignore_patterns("equations.yml"))
    assert book.assemble(folder, book.executed.parent, source).returncode == 0
    assert (source / "claims.md").exists() and not (source / "equations.md").exists()


FAULTS = {
    "missing page": ("notebooks/tiny.html", None, None, "was not built"),
    "missing alt": ("notebooks/tiny.html", "A picture of nothing", "", "without alt text"),
    "file name as alt": (
        "notebooks/tiny.html",
        "A picture of nothing",
        "a.svg",
        "without alt text",
    ),
    "missing figure": ("notebooks/tiny.html", "<img", "<b", "has 1 figures"),
    "outside script": (
        "intro.html",
        "</head>",
        "<script src='//cdn.org/x.js'></script>",
        "cdn.org",
    ),
    "wrong tag": ("notebooks/tiny.html", r"\tag{1}", r"\tag{2}", "no target (eq-2)="),
    "broken link": ("intro.html", 'href="claims.html"', 'href="gone.html"', "gone.html"),
    "broken fragment": ("intro.html", "#fig-line", "#fig-gone", "fig-gone"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_check_catches(book, tmp_path, fault):
    page, old, new, message = FAULTS[fault]
    html = tmp_path / "html"
    shutil.copytree(book.html, html)
    if old is None:
        (html / page).unlink()
    else:
        text = (html / page).read_text(encoding="utf-8")
        assert old in text
        (html / page).write_text(text.replace(old, new), encoding="utf-8")
    done = book.check(html)
    assert done.returncode == 1 and message in done.stderr
