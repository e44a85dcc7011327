"""Print the book, built as one page, into a PDF. Usage: print_book.py FOLDER PDF.

The file appears under its name only when it is whole.
"""

import sys
from pathlib import Path

from browser import opened

# Answers and steps that are folded on the site.
OPEN = """() => document.querySelectorAll("details").forEach((part) => { part.open = true; })"""
ONLY_ON_THE_SITE = ["claims", "modules"]  # long lists to search in
SHORTEN = """(names) => names.forEach((name) =>
  document.getElementById(`document-${name}`)?.nextElementSibling.remove())"""
FOOT = """<div style="font-size: 8px; width: 100%; text-align: center">
<span class="pageNumber"></span></div>"""


def main(folder: Path, pdf: Path) -> None:
    """Write the PDF, with bookmarks, tagged for screen readers."""
    aside = pdf.with_suffix(".part.pdf")
    with opened() as browser:
        page = browser.new_page()
        (whole,) = (p for p in folder.glob("*.html") if p.name != "index.html")  # which leads to it
        page.goto(whole.resolve().as_uri())
        page.evaluate(OPEN)
        page.evaluate(SHORTEN, ONLY_ON_THE_SITE)
        page.evaluate("() => globalThis.MathJax?.startup?.promise")
        page.evaluate("() => document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
        page.evaluate("() => Promise.all([...document.images].map(i => i.decode().catch(() => 0)))")
        page.pdf(
            path=aside,
            format="A4",
            scale=0.75,  # so that a line of code fits
            margin={"top": "18mm", "bottom": "18mm", "left": "18mm", "right": "18mm"},
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOT,
            outline=True,
            tagged=True,
        )
    aside.replace(pdf)
    print(f"The book is at {pdf}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
