"""Put the book's source tree together: prose, executed notebooks, generated pages, MathJax.

The generated pages are `claims.md`, the ledger of every value that the notebooks recorded, and
`run-times.md`, the only page whose bytes differ between two builds (and so not in the search).
"""

import json
import shutil
import sys
from importlib.metadata import distribution
from pathlib import Path

import nbformat
import yaml

SLOW = 1.0  # seconds above which a cell is listed
MATHJAX = distribution("sphinx-mathjax-offline").locate_file(
    "sphinx-mathjax-offline/static/mathjax/tex-svg-full.js"
)


def chapters(book: Path) -> list[str]:
    """Return the names of the pages in the table of contents, in its order."""
    toc = yaml.safe_load((book / "_toc.yml").read_text())
    parts = toc.get("parts", [toc])
    return [toc["root"], *(c["file"] for part in parts for c in part.get("chapters", []))]


def number(value: float | None) -> str:
    """Write a value for the ledger: four significant digits, integers whole, nothing as a dash."""
    if value is None:
        return "–"
    return f"{value:d}" if isinstance(value, int) else f"{value:.4g}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def records(nb: nbformat.NotebookNode) -> list[dict]:
    """Return what the notebook recorded, in order, the last of each id."""
    outputs = (out for cell in nb.cells for out in cell.get("outputs", []))
    found = [out.metadata["record"] for out in outputs if "record" in out.get("metadata", {})]
    return list({record["id"]: record for record in found}.values())


def ledger(name: str, path: Path) -> str:
    """Return one notebook's section of the claims page."""
    nb = nbformat.read(path, as_version=4)
    title = next(c.source for c in nb.cells if c.cell_type == "markdown" and "# " in c.source)
    title = title[title.index("# ") + 2 :].splitlines()[0]
    rows = []
    for record in records(nb):
        expect = record.get("expect")
        control = record.get("control") or []
        within = f"{number(expect[0])} to {number(expect[1])}" if expect else "–"
        link = f"[`{record['id']}`]({name}.ipynb)"
        rows.append([link, number(record["value"]), within, ", ".join(map(number, control)) or "–"])
    body = table(["Value", "Found", "Expected", "Untrained or other control"], rows)
    return f"## {title}\n\n" + (body if rows else "Nothing recorded.\n")


def run_times(timings: dict[str, dict]) -> str:
    """Return the run-times page from the notebooks' timing files."""
    rows = [[f"[{n}]({n}.ipynb)", f"{t['seconds']:.1f}"] for n, t in timings.items()]
    slow = [
        [n, f"`{c['source'].replace('|', '¦').replace('`', '')}`", f"{c['seconds']:.1f}"]
        for n, t in timings.items()
        for c in t["cells"]
        if (c["seconds"] or 0) >= SLOW
    ]
    some = next(iter(timings.values()), {"cores": "–", "python": "–", "machine": "–"})
    machine = f"{some['machine']}, {some['cores']} cores, Python {some['python']}"
    text = f"Seconds of this build on {machine}, one thread a notebook.\n\n"
    text += table(["Notebook", "Seconds"], rows)
    text += f"\n## Cells of {SLOW:.0f} second or more\n\n"
    return text + (table(["Notebook", "Cell begins", "Seconds"], slow) if slow else "None.\n")


def main(book: Path, executed: Path, source: Path) -> None:
    """Write the tree from nothing."""
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(book, source, ignore=shutil.ignore_patterns("_scripts"))
    names = [n for n in chapters(book) if n.startswith("notebooks/")]
    paths = {n: executed / f"{Path(n).name}.ipynb" for n in names}
    (source / "notebooks").mkdir()
    for path in paths.values():
        shutil.copy(path, source / "notebooks")
    (source / "_assets").mkdir(exist_ok=True)
    shutil.copy(MATHJAX, source / "_assets")
    intro = (
        "Every number that the notebooks recorded in this build. Where a range is given, a value "
        "outside it stops the build, and so does a control inside it.\n\n"
    )
    claims = "\n".join(ledger(n, p) for n, p in paths.items())
    (source / "claims.md").write_text(f"# Claims\n\n{intro}{claims}")
    timings = {n: json.loads(p.with_suffix(".timing.json").read_text()) for n, p in paths.items()}
    head = "---\nno-search: true\n---\n\n# Run times\n\n"
    (source / "run-times.md").write_text(head + run_times(timings))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
