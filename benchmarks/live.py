"""How the live figures run in a browser: time to open, long tasks while playing, bytes a page.

Usage: python benchmarks/live.py [build/html]. A task of 50 ms or more is long.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "book/_scripts"))
import browser  # noqa: E402

PAGES = "intro", "notebooks/interventions", "notebooks/overwriting", "notebooks/linear_rules"
SECONDS = 10
WATCH = """window.long = []; new PerformanceObserver((list) => list.getEntries()
  .forEach((e) => long.push([e.startTime, e.duration]))).observe({type: "longtask"});"""
READY = """(() => { const f = document.querySelector(".emt-live").emt;
  return !f.views || f.views.every((view) => view.network) && !f.waiting; })()"""


def measure(chromium, page: Path) -> dict[str, float]:
    """Open one page, let its figure play, and return what was seen."""
    tab = chromium.new_page(viewport={"width": 1280, "height": 900})
    weights = {}
    tab.on("request", lambda request: weights.setdefault(request.url.split("?")[0], 0))
    tab.add_init_script(WATCH)
    tab.goto(page.as_uri())
    tab.locator(".emt-live").scroll_into_view_if_needed()
    tab.wait_for_function(READY)
    opened = tab.evaluate("performance.now()")
    tab.wait_for_timeout(3000)
    tab.evaluate(
        "document.querySelectorAll('.emt-live details').forEach((e) => { e.open = true; })"
    )
    tab.evaluate("document.querySelector('.emt-live').emt.player.play(Infinity, 16)")
    playing = tab.evaluate("performance.now()")
    tab.wait_for_timeout(1000 * SECONDS)
    long = [took for at, took in tab.evaluate("long") if at > playing]
    files = [Path(url.removeprefix("file://")) for url in weights if "/_static/live/" in url]
    tab.close()
    return {
        "opened, ms": opened,
        "long tasks": len(long),
        "longest, ms": max(long, default=0),
        "kB": sum(path.stat().st_size for path in files) / 1000,
    }


def main(html: Path) -> None:
    """Print one line a page."""
    with browser.opened() as chromium:
        for name in PAGES:
            found = measure(chromium, html / f"{name}.html")
            print(name, *(f"{key} {value:.0f}" for key, value in found.items()), sep="  ")


if __name__ == "__main__":
    main(Path(*sys.argv[1:] or [ROOT / "build/html"]).resolve())
