"""The pages that the build writes: claims, equations, verdicts, five claims, run times.

Each function takes what the chapters recorded and returns Markdown.
"""

import re
from collections import defaultdict

import nbformat
import pandas as pd
from glued import written

SLOW = 1.0  # seconds above which a cell is listed
ANCHOR = re.compile(r"^\(eq-(\d+)\)=", re.MULTILINE)
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
