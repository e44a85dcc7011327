"""Open every built page in a browser, from its file, with the network shut.

Usage: check_page.py HTML.

Each page is looked at in both themes, on a desktop and on a phone: what it asks of others, what is
not there, what the console says, maths, images and their texts, clipped equations, sideways
scrolling, and the rules of axe (WCAG 2.2, A and AA), of which contrast depends on the theme and the
others on the width. Of the package's code two views are enough. One line a fault; the exit
status says whether there was any. Links are checked by `check.py`.
"""

import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import unquote, urlsplit

import axe_playwright_python
from browser import opened
from playwright.sync_api import Browser, TimeoutError
from tqdm import tqdm

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
EVERY = {"runOnly": {"type": "tag", "values": RULES}}
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
VIEWS = (
    # theme, width, and what axe looks at
    ("light", 1280, EVERY),
    ("light", 390, EVERY | {"rules": {"color-contrast": {"enabled": False}}}),
    ("dark", 390, None),
    ("dark", 1280, CONTRAST),
)
SETTLE = 150  # milliseconds in which the page sees that the window has changed
REACHED = """() => [...document.querySelectorAll(
  "pre, .pst-scrollable-table-container")].every((e) =>
  e.scrollWidth <= e.clientWidth || e.tabIndex >= 0)"""
COLOURS = "figure3"  # one page is enough for the colours of code in the dark
PROBE = Path(__file__).with_name("probe.js").read_text(encoding="utf-8").strip().rstrip(";")
PROBE = PROBE[PROBE.index("async") :]
AXE = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js"))
RUN_AXE = """async ([options, left]) => {
  const where = left ? { exclude: [[left]] } : document;
  const { violations } = await axe.run(where, { ...options, preload: false });
  return violations.map((v) => `axe: ${v.id}: ${v.nodes[0].target} (${v.nodes.length})`);
}"""
PLANTED = """<!doctype html><html lang="en"><head><title>Planted</title>
<link rel="stylesheet" href="gone.css"><script src="https://outside.invalid/x.js"></script></head>
<body><article><img src="gone.png"><p style="width: 3000px">wide $$x$$</p>
<div class="math" style="width: 50px; overflow: auto"><pre style="width: 90px">x</pre></div>
<button></button></article><script>console.error("planted")</script></body></html>"""
SEEN = "missing", "outside", "console", "image", "alt", "maths: raw", "maths: not", "clipped"
SEEN = *SEEN, "overflow", "axe: button-name"


# Of the package's code, which is long and much alike.
SHORT = (VIEWS[0], ("dark", 390, None))


def looked_at(browser: Browser, path: Path) -> Iterator[str]:
    """Yield what is wrong with one page."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, said = context.new_page(), []
    ours = ("file:", "data:", "blob:", "about:")
    page.on("console", lambda m: said.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda error: said.append(f"console: {error}"))

    def asked(route):
        if route.request.url.startswith(ours):
            address = urlsplit(route.request.url)
            if address.scheme == "file" and not Path(unquote(address.path)).exists():
                said.append(f"missing: {address.path}")
            route.continue_()
        else:
            said.append(f"outside: {route.request.url}")
            route.abort()

    context.route("**/*", asked)
    page.goto(path.resolve().as_uri())
    page.evaluate(AXE.read_text(encoding="utf-8"))
    source = "_modules" in path.parts
    for theme, width, rules in VIEWS if not (source or path.stem == "modules") else SHORT:
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(SETTLE)
        with suppress(TimeoutError):  # the theme lets the keyboard scroll what is too wide
            page.wait_for_function(REACHED, timeout=20 * SETTLE or 1)
        found = page.evaluate(PROBE)
        if rules and not source:
            left = None if path.stem == COLOURS or rules is not CONTRAST else "pre"
            found += page.evaluate(RUN_AXE, [rules, left])
        yield from (f"{fault} [{theme}, {width}]" for fault in found)
    yield from said
    context.close()


def checked(paths: list[Path]) -> list[str]:
    """Return the faults of some pages, in a browser of their own."""
    with opened() as browser:
        return [f"{path}: {fault}" for path in paths for fault in looked_at(browser, path)]


def blind() -> list[str]:
    """Return the kinds of planted fault that are not noticed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "planted.html"
        path.write_text(PLANTED, encoding="utf-8")
        faults = "\n".join(checked([path]))
    return [kind for kind in SEEN if f": {kind}" not in faults]


def main(html: Path) -> int:
    """Print every fault; return the exit status."""
    if unseen := blind():
        print(f"check-page: planted faults were not noticed: {unseen}", file=sys.stderr)
        return 1
    pages = [p for p in sorted(html.rglob("*.html")) if "_static" not in p.parts]
    pages = [p for p in pages if 'http-equiv="Refresh"' not in p.read_text(encoding="utf-8")]
    parts = [pages[n : n + 4] for n in range(0, len(pages), 4)]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        done = pool.map(checked, parts)
        bar = tqdm(done, "pages", len(parts), disable=not sys.stderr.isatty())
        faults = [fault for part in bar for fault in part]
    print("".join(f"check-page: {fault}\n" for fault in faults), end="", file=sys.stderr)
    print(f"{len(pages)} pages looked at, {len(faults)} faults")
    return bool(faults) or not pages


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
