"""Check the built pages: a green build with missing pages or pictures must not pass as a book.

Usage: check.py SOURCE HTML. One line a fault; the exit status says whether there was any.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from assemble import chapters
from bs4 import BeautifulSoup

FIGURE = re.compile(r"^\s*(?:`{3,}|:{3,})\{(?:picture|figure|image|live)\}", re.MULTILINE)
FIGURE_JSON = re.compile(r'"\s*(?:`{3,}|:{3,})\{(?:picture|figure|image|live)\}')
OUTSIDE = re.compile(r"^\s*(?:[a-z]+:)?//", re.IGNORECASE)
FILE_NAME = re.compile(r"\.(?:svg|png|jpe?g|gif)$", re.IGNORECASE)
TAG = re.compile(r"\\tag\{([^}]*)\}")


def figures_in(source: Path, page: str) -> int:
    """Count the figures that the page's source asks for."""
    notebook = source / f"{page}.ipynb"
    if notebook.exists():
        return len(FIGURE_JSON.findall(notebook.read_text(encoding="utf-8")))
    return len(FIGURE.findall((source / f"{page}.md").read_text(encoding="utf-8")))


def equations(article: BeautifulSoup) -> Iterator[str]:
    """Yield tags without their `(eq-n)=` target and targets without their tag."""
    claimed = set()
    for maths in article.select("div.math"):
        tags = TAG.findall(maths.get_text())
        near = [maths, *maths.select("[id]"), *maths.find_parents(id=True, limit=1)]
        before = maths.find_previous_siblings()
        while before and before[0].name == "span":
            near.append(before.pop(0))
        ids = {e.get("id") for e in near}
        claimed |= ids
        yield from (f"\\tag{{{t}}} has no target (eq-{t})=" for t in tags if f"eq-{t}" not in ids)
        lone = {i for i in ids if i and i.startswith("eq-")} - {f"eq-{t}" for t in tags}
        yield from (f"target ({i})= stands over no \\tag of its number" for i in sorted(lone))
    for element in article.select("[id^=eq-]"):
        if element["id"] not in claimed:
            yield f"target ({element['id']})= stands over no equation"


def faults(source: Path, html: Path, page: str) -> Iterator[str]:
    """Yield what is wrong with one page."""
    path = html / f"{page}.html"
    if not path.exists():
        yield "is in the table of contents and was not built"
        return
    soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    article = soup.find("article")
    images = article.find_all("img")
    if len(images) < figures_in(source, page):
        yield f"shows {len(images)} images, and its source has {figures_in(source, page)} figures"
    for image in images:
        alt = (image.get("alt") or "").strip()
        if not alt or FILE_NAME.search(alt):
            yield f"image without alt text of its own: {image.get('src')}"
    for element in soup.find_all(lambda e: e.name != "a"):
        for name in ("src", "href", "srcset", "data", "poster"):
            if OUTSIDE.match(element.get(name) or ""):
                yield f"<{element.name}> asks another host for {element[name]}"
    yield from equations(article)


def main(source: Path, html: Path) -> int:
    """Print every fault; return the exit status."""
    found = [f"{page}: {f}" for page in chapters(source) for f in faults(source, html, page)]
    lychee = [Path(sys.executable).with_name("lychee"), "--offline", "--include-fragments"]
    options = ["--no-progress", "--quiet", "--exclude-path", "_static|_sources"]
    links = subprocess.run([*lychee, *options, html], capture_output=True, encoding="utf-8")
    if links.returncode:
        found.append(f"broken links:\n{links.stdout}{links.stderr}")
    print("".join(f"check: {fault}\n" for fault in found), end="", file=sys.stderr)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
