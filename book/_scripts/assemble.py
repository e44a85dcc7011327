"""Put the book's source tree together: prose, executed notebooks, generated pages, MathJax.

The generated pages are `claims.md`, the ledger of every value that the notebooks recorded;
`verdicts.md`, what follows from them for the claims in the book's `verdicts.yml`; `equations.md`,
the index of equations if the book has an `equations.yml`; and `run-times.md`, the only page whose
bytes differ between two builds on the same kind of processor (and so not in the search). Each
notebook is offered with the package that it needs.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from importlib.metadata import distribution
from pathlib import Path

import nbformat
import pandas as pd
import yaml
from glued import resolved, written

from emt.workshop import tables

SLOW = 1.0  # seconds above which a cell is listed
HIDDEN = {"tags": ["remove-cell"]}
OURS = """try:
    from emt import Network as _
except ImportError:
    message = "this page needs the emt that the book offers, not another package: {install}"
    raise ImportError(message) from None"""
ANCHOR = re.compile(r"^\(eq-(\d+)\)=", re.MULTILINE)
MATHJAX = distribution("sphinx-mathjax-offline").locate_file(
    "sphinx-mathjax-offline/static/mathjax/tex-svg-full.js"
)

CLAIMS = """# Claims

Every number that the notebooks recorded in this build. Where a range is given, a value outside it
stops the build, and so does a control inside it. The last column says which *nulls*, networks that
the claim is *not* about, meet the range too: untrained, barely trained (50 updates), *rotated*
(the trained spectrum alone) or shuffled (all weights). *Any* of them does where
the claim is one of algebra, or says that something fails. A dash: none does, or the claim is about
no trained network.

"""
FILTER = """```{raw} html
<p class="claims-filter"><label>Show only lines with <input type="search"></label>
<span role="status"></span> <a href="_static/claims.csv" download>All as CSV</a></p>
```

"""
COLUMNS = "Value", "Found", "Expected", "Untrained or other control", "Nulls", "Chapter"
OTHER = """:::{warning}
This is a run with other parameters than the published ones, whose claims do not bind: where one is
not met, what the chapter says of it is not so here.
:::

"""
GLUED = re.compile(r"^(`{3,}|:{3,})(\{glue:figure\}) (\S+)$", re.MULTILINE)
DRAWN = re.compile(r"""record\.figure\(\s*["']([\w.]+)""")
VALUE = re.compile(r"\{([\w.]+):([^{}]+)\}")
VERDICTS = """(ch-verdicts)=
# What held, what did not, what is new

One line per claim, with its parts, if it has several, beside it. Verdicts are computed from values
that the chapters recorded in this build. A part *held* if its conditions are met. If a network that
never learned meets them too, it is so *by construction* and carries no weight. If they are not met,
it *did not hold*, or was *not confirmed* where more training might still meet them. The verdict on
a claim is that of its parts; where these differ, the claim held *in part*.

"""
EQUATIONS = """(equation-index)=
# Equations

The numbers are the paper's; the functions are in `emt`, the tests in `tests/test_equations.py`.
The deviation is the largest difference between the function and the second route computed in the
chapter; the build stops if it exceeds the range on the [claims page](claims.md).

"""


def chapters(book: Path) -> list[str]:
    """Return the names of the pages in the table of contents, in its order."""
    toc = yaml.safe_load((book / "_toc.yml").read_text(encoding="utf-8"))
    parts = toc.get("parts", [toc])
    return [toc["root"], *(c["file"] for part in parts for c in part.get("chapters", []))]


def number(value: float | None, digits: int = 4) -> str:
    """Write a value for a table: significant digits, integers whole, nothing as a dash."""
    if value is None:
        return "–"
    return written(value, "d" if isinstance(value, int) else f".{digits}g")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def records(nb: nbformat.NotebookNode) -> list[dict]:
    """Return what the notebook recorded, in order."""
    outputs = (out for cell in nb.cells for out in cell.get("outputs", []))
    return [out.metadata["record"] for out in outputs if "record" in out.get("metadata", {})]


def title(nb: nbformat.NotebookNode) -> str:
    """Return the notebook's first heading."""
    text = next(c.source for c in nb.cells if c.cell_type == "markdown" and "# " in c.source)
    return text[text.index("# ") + 2 :].splitlines()[0]


def met_by(nulls: pd.DataFrame) -> dict[str, str]:
    """Say which nulls meet each claim, from the committed table of nulls."""
    said = {}
    for claim, rows in nulls.groupby("claim"):
        met = list(rows.network[rows.outcome == "met"])
        said[claim] = "any" if met and set(rows.outcome) <= {"met", "same"} else ", ".join(met)
    return said


def ledger(name: str, nb: nbformat.NotebookNode, nulls: dict[str, str]) -> list[dict]:
    """Return what one notebook recorded, the last value of each id, and which nulls meet it."""
    last = {record["id"]: record for record in records(nb)}
    return [{"page": name, "nulls": nulls.get(id), **record} for id, record in last.items()]


def claim(row: dict) -> list[str]:
    """Return a line of the claims page."""
    expect = row.get("expect")
    within = f"{number(expect[0])} to {number(expect[1])}" if expect else "–"
    if expect and "holds" in row:
        within += ", met" if row["holds"] else ", **not met**"
    controls = ", ".join(map(number, row.get("control") or [])) or "–"
    link = f"[{row['page'].split('/')[-1]}]({row['page']}.ipynb)"
    return [f"`{row['id']}`", number(row["value"]), within, controls, row["nulls"] or "–", link]


def as_csv(rows: list[dict]) -> str:
    """Return all claims, a line each, for programs to read."""
    lines = [
        {
            "value": row["id"],
            "found": row["value"],
            "least": (row.get("expect") or (None, None))[0],
            "most": (row.get("expect") or (None, None))[1],
            "control": " ".join(map(str, row.get("control") or [])),
            "nulls": row["nulls"],
            "chapter": row["page"],
        }
        for row in rows
    ]
    return pd.DataFrame(lines).to_csv(index=False)


def equations(
    index: dict[int, list[str]],
    notebooks: dict[str, nbformat.NotebookNode],
    sources: bool = False,
) -> str:
    """Return the equation index; each equation must be shown once and its deviation recorded once.

    A row of the index ends in the function; a comma in what it says has made two entries of it.
    `sources` says whether the book has the pages of source code that functions are linked to.
    """
    places, deviations = defaultdict(list), defaultdict(list)
    for name, nb in notebooks.items():
        prose = "\n".join(c.source for c in nb.cells if c.cell_type == "markdown")
        for n in ANCHOR.findall(prose):
            places[int(n)].append(name)
        for record in records(nb):
            deviations[record["id"]].append(record)
    faults = [
        f"Eq. ({n}) needs one {what} in the notebooks, not {len(found)}"
        for n in index
        for what, found in (
            (f"anchor (eq-{n})=", places[n]),
            (f'record("eq.{n}", ...)', deviations[f"eq.{n}"]),
        )
        if len(found) != 1
    ]
    free = [n for n in index for record in deviations[f"eq.{n}"] if not record.get("expect")]
    faults += [f"Eq. ({n}) needs an expected range for its deviation" for n in free]
    if faults:
        raise SystemExit("\n".join(["equations.yml and the notebooks disagree:", *faults]))
    rows = []
    for n, (*words, function) in index.items():
        (name,), (record,) = places[n], deviations[f"eq.{n}"]
        says = f"{', '.join(words)}<br>[{title(notebooks[name])}]({name}.ipynb)"
        module, _, inside = function.partition(".")
        source = (
            f' (<a href="_modules/emt/{module}.html#{inside.split(".")[0]}">source</a>)' * sources
        )
        code = f"{{py:obj}}`{function} <emt.{function}>`{source}<br>`test_equation_{n}`"
        link, largest = f"[({n})](#eq-{n})", number(record["value"], digits=1)
        rows.append([link, says, code, largest])
    head = ["Equation", "What it says, and where", "Function and test", "Largest deviation"]
    return table(head, rows)


def parts(row: dict) -> list[dict]:
    """Return the parts of a claim; one that has none is its own."""
    return row.get("parts", [row])


def verdict(part: dict, values: dict[str, float | None]) -> str:
    """Return what the recorded values say of one part of a claim.

    `holds` are its conditions, `control` the same for a network that has not learned, `otherwise`
    what is said where the conditions are not met.
    """

    def met(conditions: dict[str, list[float]]) -> bool:
        known = [(values[id], *ends) for id, ends in conditions.items()]
        return all(value is not None and low <= value <= high for value, low, high in known)

    if not met(part["holds"]):
        return part.get("otherwise", "did not hold")
    return "by construction" if "control" in part and met(part["control"]) else "held"


def whole(row: dict, values: dict[str, float | None]) -> str:
    """Return the verdict on a claim: that of its parts. What is by construction has no weight."""
    found = {verdict(part, values) for part in parts(row)}
    telling = found - {"by construction"} or found
    return telling.pop() if len(telling) == 1 else "in part"


def verdicts(rows: dict[str, list[dict]], notebooks: dict[str, nbformat.NotebookNode]) -> str:
    """Return the page of verdicts: the paper's claims, then the book's."""
    every = [(r["claim"], part) for r in (*rows["paper"], *rows["book"]) for part in parts(r)]
    if empty := [claim for claim, part in every if not part["holds"]]:
        raise SystemExit(f"verdicts.yml needs conditions for {empty}")
    values = {r["id"]: r["value"] for nb in notebooks.values() for r in records(nb)}
    used = [
        id
        for _, part in every
        for id in (
            *part["holds"],
            *part.get("control", {}),
            *(id for id, _ in VALUE.findall(part["found"])),
        )
    ]
    if missing := sorted(set(used) - set(values)):
        raise SystemExit(f"verdicts.yml names values that no chapter records: {missing}")

    def says(part: dict) -> str:
        found = VALUE.sub(lambda m: written(values[m[1]], m[2]), part["found"])
        return (
            f"*{part['says']}*: **{verdict(part, values)}**. {found}" if "says" in part else found
        )

    def line(row: dict) -> list[str]:
        claim = f"{row['claim']} ({row['where']})" if "where" in row else row["claim"]
        link = f"[{title(notebooks[row['chapter']])}]({row['chapter']}.ipynb)"
        found = "<br>".join(says(part) for part in parts(row))
        return [claim, f"**{whole(row, values)}**", f"{found} {link}"]

    head = ["Verdict", "What this build found, and where"]
    old, new = ([line(row) for row in rows[name]] for name in ("paper", "book"))
    text = table(["The paper says", *head], old)
    return f"{text}\n## New in this book\n\n" + table(["This book says", *head], new)


def five(
    rows: dict[str, list[dict]], notebooks: dict[str, nbformat.NotebookNode], published: bool
) -> str:
    """Return what the first page says: the paper's main claims, and what was found.

    In the published run each sentence stands only if the verdicts are those that it rests on.
    """
    values = {r["id"]: r["value"] for nb in notebooks.values() for r in records(nb)}
    found = {row["claim"]: whole(row, values) for row in (*rows["paper"], *rows["book"])}
    lines = []
    for number, row in enumerate(rows["five"], start=1):
        for claim, expected in row["rests"].items():
            if published and found[claim] != expected:
                raise SystemExit(f"the first page rests on '{claim}': {expected}, {found[claim]}")
        link = f"[{title(notebooks[row['chapter']])}]({row['chapter']}.ipynb)"
        lines += [f"{number}. **The paper:** {row['says']}", ""]
        lines += [f"   **We found:** {row['found']} *({link})*", ""]
    return "\n".join(lines)


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
    nulls = met_by(tables.committed("nulls").rows)
    rows = [row for n, nb in notebooks.items() for row in ledger(n, nb, nulls)]
    free = any("holds" in record for nb in notebooks.values() for record in records(nb))
    claims = CLAIMS + OTHER * free + FILTER + table(list(COLUMNS), list(map(claim, rows)))
    (source / "claims.md").write_text(claims, encoding="utf-8")
    (source / "_assets/claims.csv").write_text(as_csv(rows), encoding="utf-8")
    if (book / "equations.yml").exists():
        index = yaml.safe_load((book / "equations.yml").read_text(encoding="utf-8"))
        (source / "equations.md").write_text(
            EQUATIONS + equations(index, notebooks, "modules" in chapters(book)), encoding="utf-8"
        )
    if "verdicts" in chapters(book):
        rows = yaml.safe_load((book / "verdicts.yml").read_text(encoding="utf-8"))
        text = VERDICTS + OTHER * free + verdicts(rows, notebooks)
        (source / "verdicts.md").write_text(text, encoding="utf-8")
        first = source / f"{chapters(book)[0]}.md"
        text = first.read_text(encoding="utf-8").replace("{five}", five(rows, notebooks, not free))
        first.write_text(text, encoding="utf-8")
    timings = {
        n: json.loads(p.with_suffix(".timing.json").read_text(encoding="utf-8"))
        for n, p in paths.items()
    }
    head = "---\nno-search: true\n---\n\n# Run times\n\n"
    (source / "run-times.md").write_text(head + run_times(timings), encoding="utf-8")
    values = {n: {r["id"]: r["value"] for r in records(nb)} for n, nb in notebooks.items()}
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
