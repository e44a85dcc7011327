"""Put the book's source tree together: prose, executed notebooks, generated pages, MathJax.

The generated pages (`pages.py`) are `claims.md`, the ledger of every value that the notebooks
recorded; `verdicts.md`, what follows from them for the claims in the book's `verdicts.yml`;
`equations.md`, the index of equations if the book has an `equations.yml`; and `run-times.md`, the
only page whose bytes differ between two builds on the same kind of processor (and so not in the
search). Each notebook is offered with the package that it needs.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import distribution
from pathlib import Path

import nbformat
import pages
import yaml
from glued import resolved

from emt.workshop import tables

HIDDEN = {"tags": ["remove-cell"]}
OURS = """try:
    from emt import Network as _
except ImportError:
    message = "this page needs the emt that the book offers, not another package: {install}"
    raise ImportError(message) from None"""
MATHJAX = distribution("sphinx-mathjax-offline").locate_file(
    "sphinx-mathjax-offline/static/mathjax/tex-svg-full.js"
)

GLUED = re.compile(r"^(`{3,}|:{3,})(\{glue:figure\}) (\S+)$", re.MULTILINE)
DRAWN = re.compile(r"""record\.figure\(\s*["']([\w.]+)""")


def chapters(book: Path) -> list[str]:
    """Return the names of the pages in the table of contents, in its order."""
    toc = yaml.safe_load((book / "_toc.yml").read_text(encoding="utf-8"))
    parts = toc.get("parts", [toc])
    return [toc["root"], *(c["file"] for part in parts for c in part.get("chapters", []))]


def package(root: Path, folder: Path) -> str:
    """Build the package into a folder, the same bytes from the same sources; return its name."""
    code = "import setuptools.build_meta as b, sys; print(b.build_wheel(sys.argv[1]))"
    with tempfile.TemporaryDirectory() as aside:  # setuptools writes beside what it builds
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(root / name, aside)
        shutil.copytree(root / "emt", Path(aside) / "emt")
        command = [sys.executable, "-c", code, str(folder.resolve())]
        old = os.environ | {"SOURCE_DATE_EPOCH": "315532800", "PYTHONPATH": ""}
        made = subprocess.run(command, cwd=aside, env=old, capture_output=True, encoding="utf-8")
    if made.returncode:
        raise SystemExit(f"the package cannot be built:\n{made.stdout}{made.stderr}")
    return made.stdout.splitlines()[-1]


def beside(nb: nbformat.NotebookNode, folder: Path) -> list[Path]:
    """Return the modules beside the notebooks that one of them imports."""
    code = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "code")
    names = re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE)
    return sorted({p for n in names if (p := folder / f"{n}.py").exists()})


def figures(nb: nbformat.NotebookNode, folder: Path) -> set[str]:
    """Write the files of a notebook's figures, and leave the pictures alone in it.

    Returns the ids of those that have a narrow form.
    """
    folder.mkdir(parents=True, exist_ok=True)
    narrow = set()
    for out in (out for cell in nb.cells for out in cell.get("outputs", [])):
        if figure := out.get("metadata", {}).pop("figure", None):
            files = {".svg": out["data"]["image/svg+xml"], ".csv": figure["data"]}
            if figure["narrow"]:
                files[".narrow.svg"] = figure["narrow"]
                narrow.add(figure["id"])
            for end, text in files.items():
                (folder / f"{figure['id']}{end}").write_text(text, encoding="utf-8")
    return narrow


def marked(nb: nbformat.NotebookNode) -> None:
    """Put a place to link to before each cell that draws a figure."""
    cells = []
    for cell in nb.cells:
        if cell.cell_type == "code":
            for id in DRAWN.findall(cell.source):
                place = f'<a id="code-{id}"></a>'
                cells.append(nbformat.v4.new_markdown_cell(place, id=f"code-{len(cells)}"))
        cells.append(cell)
    nb.cells = cells


def pictured(text: str, narrow: set[str]) -> str:
    """Ask for figures by their files instead of by the notebook's output."""

    def picture(match: re.Match) -> str:
        option = "\n:narrow:" if match[3] in narrow else ""
        return f"{match[1]}{{picture}} {match[3]}{option}"

    return GLUED.sub(picture, text)


def offered(nb: nbformat.NotebookNode, wheel: str, needed: list[str]) -> None:
    """Say in a notebook how to run it elsewhere, and look first whether the package is there."""
    install = f'pip install "{wheel}[book,torch]"'
    code = OURS.format(install=install.replace('"', "'"))
    nb.cells.insert(1, nbformat.v4.new_code_cell(code, id="package", metadata=HIDDEN))
    files = [f"[the package]({wheel})", *(f"[{n}]({n})" for n in needed)]
    text = f"*To run this page, download it (above) and {' and '.join(files)}: `{install}`.*"
    nb.cells.append(nbformat.v4.new_markdown_cell(text, id="how-to-run"))


def published(source: Path, repository: str) -> None:
    """Let the pages know where they are published, and give them buttons to open them there.

    The site is the branch ``gh-pages`` of the repository, where the notebooks lie in ``_sources``.
    """
    path = source / "_config.yml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    owner, name = repository.rstrip("/").split("/")[-2:]
    config["repository"] = {
        "url": repository,
        "branch": "gh-pages",
        "path_to_book": "_sources",
    }
    config["launch_buttons"] = {
        "binderhub_url": "https://mybinder.org",
        "colab_url": "https://colab.research.google.com",
        "notebook_interface": "jupyterlab",
    }
    config["html"]["use_repository_button"] = True
    config["sphinx"]["config"]["ogp_site_url"] = f"https://{owner}.github.io/{name}/"
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def main(
    book: Path, executed: Path, source: Path, live: Path | None = None, repository: str = ""
) -> None:
    """Write the tree from nothing.

    `live` is the data of the live figures, if a page has one; `repository` the address where the
    book is published from, if it is.
    """
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(
        book, source, ignore=shutil.ignore_patterns("_scripts", "equations.yml", "verdicts.yml")
    )
    names = [n for n in chapters(book) if n.startswith("notebooks/")]
    paths = {n: executed / f"{Path(n).name}.ipynb" for n in names}
    (source / "notebooks").mkdir()
    (source / "_assets").mkdir(exist_ok=True)
    shutil.copy(MATHJAX, source / "_assets")
    if live:
        shutil.copytree(live.parent, source / "_assets/live", dirs_exist_ok=True)
    notebooks = {n: nbformat.read(p, as_version=4) for n, p in paths.items()}
    nulls = pages.met_by(tables.committed("nulls").rows)
    rows = [row for n, nb in notebooks.items() for row in pages.ledger(n, nb, nulls)]
    free = any("holds" in record for nb in notebooks.values() for record in pages.records(nb))
    claims = (
        pages.CLAIMS
        + pages.OTHER * free
        + pages.FILTER
        + pages.table(list(pages.COLUMNS), list(map(pages.claim, rows)))
    )
    (source / "claims.md").write_text(claims, encoding="utf-8")
    (source / "_assets/claims.csv").write_text(pages.as_csv(rows), encoding="utf-8")
    if (book / "equations.yml").exists():
        index = yaml.safe_load((book / "equations.yml").read_text(encoding="utf-8"))
        (source / "equations.md").write_text(
            pages.EQUATIONS + pages.equations(index, notebooks, "modules" in chapters(book)),
            encoding="utf-8",
        )
    if "verdicts" in chapters(book):
        rows = yaml.safe_load((book / "verdicts.yml").read_text(encoding="utf-8"))
        text = pages.VERDICTS + pages.OTHER * free + pages.verdicts(rows, notebooks)
        (source / "verdicts.md").write_text(text, encoding="utf-8")
        first = source / f"{chapters(book)[0]}.md"
        text = first.read_text(encoding="utf-8").replace(
            "{five}", pages.five(rows, notebooks, not free)
        )
        first.write_text(text, encoding="utf-8")
    timings = {
        n: json.loads(p.with_suffix(".timing.json").read_text(encoding="utf-8"))
        for n, p in paths.items()
    }
    head = "---\nno-search: true\n---\n\n# Run times\n\n"
    (source / "run-times.md").write_text(head + pages.run_times(timings), encoding="utf-8")
    values = {n: {r["id"]: r["value"] for r in pages.records(nb)} for n, nb in notebooks.items()}
    for page in chapters(source):
        if (path := source / f"{page}.md").exists():
            text = path.read_text(encoding="utf-8")
            path.write_text(resolved(text, page, values), encoding="utf-8")
    root = Path(__file__).parents[2]
    wheel = package(root, source / "notebooks")
    for name, nb in notebooks.items():
        narrow = figures(nb, source / "_assets/figures")
        for cell in nb.cells:
            if cell.cell_type == "markdown":
                cell.source = pictured(resolved(cell.source, name, values), narrow)
        marked(nb)
        needed = beside(nb, root / "notebooks")
        for path in needed:
            shutil.copy(path, source / "notebooks")
        offered(nb, wheel, [path.name for path in needed])
        nbformat.write(nb, source / f"{name}.ipynb")
    if repository:
        published(source, repository)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for folder in ("book", "executed", "source"):
        parser.add_argument(folder, type=Path)
    parser.add_argument("--live", type=Path)
    parser.add_argument("--repository", default="")
    main(**vars(parser.parse_args()))
