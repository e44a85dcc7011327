"""The check of the built pages sees each kind of fault, and none where there is none."""

import runpy
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "book/_scripts"))
import browser
import check_page

sys.path.pop(0)

CLEAN = """<!doctype html><html lang="en"><head><title>A page</title></head><body><main>
<article><h1>A page</h1><p>Words.</p><img alt="A dot" src="dot.svg">
<div class="math" style="width: 60px; overflow: hidden"><mjx-container>x</mjx-container></div>
</article></main></body></html>"""
DOT = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4"/></svg>'
FAULTS = {
    # what is put in the place of what, and how the line begins
    "an outside request": (
        "<p>",
        '<p><img alt="x" src="https://outside.invalid/x.png">',
        "outside",
    ),
    "a missing file": ("</head>", '<link rel="stylesheet" href="gone.css"></head>', "missing"),
    "an error": ("</main>", "</main><script>console.error('planted')</script>", "console: planted"),
    "an exception": ("</main>", "</main><script>gone()</script>", "console: gone is not"),
    "a broken picture": ("dot.svg", "gone.svg", "image: gone.svg"),
    "no text": ('alt="A dot"', 'alt=""', "alt: dot.svg"),
    "a file name as text": ('alt="A dot"', 'alt="dot.svg"', "alt: dot.svg"),
    "raw maths": ("Words.", "Words $$x$$.", "maths: raw"),
    "maths that was not typeset": ("<mjx-container>x</mjx-container>", "x", "maths: not typeset"),
    "wrong maths": (
        "<mjx-container>x",
        "<mjx-container><mjx-merror>bad</mjx-merror>",
        "maths: bad",
    ),
    "a clipped equation": (">x</mjx", "><b style='padding: 40px'>x</b></mjx", "clipped"),
    "what is too wide": ("<p>", '<p style="width: 2000px">', "overflow: p"),
    "no language": (' lang="en"', "", "axe: html-has-lang"),
    "no contrast": ("<p>", '<p style="color: #eee; background: #fff">', "axe: color-contrast"),
    "a nameless button": ("<p>", "<button></button><p>", "axe: button-name"),
}


@pytest.fixture(scope="module")
def chromium():
    with browser.opened() as started, pytest.MonkeyPatch.context() as patch:
        patch.setattr(check_page, "SETTLE", 0)  # these pages have no scripts that wait
        yield started


def said(chromium, folder: Path, text: str) -> list[str]:
    """Return what is said of a page."""
    (folder / "dot.svg").write_text(DOT, encoding="utf-8")
    path = folder / "page.html"
    path.write_text(text, encoding="utf-8")
    return list(check_page.looked_at(chromium, path))


@pytest.mark.parametrize("folder", ["", "elsewhere"])
def test_the_browser_is_kept_beside_the_book_and_not_in_it(folder, monkeypatch):
    monkeypatch.setenv("EMT_CACHE", folder)
    place = runpy.run_path(browser.__file__)["HERE"].parent
    assert place == (Path(folder) if folder else Path(__file__).parents[1] / ".cache")


def test_a_clean_page_has_no_fault(chromium, tmp_path):
    assert said(chromium, tmp_path, CLEAN) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_seen(chromium, tmp_path, fault):
    old, new, begins = FAULTS[fault]
    assert CLEAN.count(old) >= 1
    found = said(chromium, tmp_path, CLEAN.replace(old, new, 1))
    assert any(line.startswith(begins) for line in found), found
