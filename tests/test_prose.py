"""The prose holds no typed result: numbers come from the run, by glue.

Decimal numbers are allowed in maths, in code, in the options and arguments of directives and
roles, in addresses, and where the list below gives a reason.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("notebooks/*.md"), *ROOT.glob("book/*.md")])
ALLOWED = {
    # text of the page that may hold a number: the reason why
    "Python 3.11 or later": "the version that is needed, not a result",
    "ection 5.2": "a section of the paper",
    "ection 5.1": "a section of the paper",
    "Theorem 3.1": "of another paper",
}
FENCES = r"^(`{3,}|:{3,})\{[^}]*\}[^\n]*\n(?P<body>.*?)^\1 *$"  # of directives; their body is prose
NOT_PROSE = [
    r"\A---\n.*?\n---\n",  # the header
    r"^(`{3,}|~{3,})\{code-cell\}.*?^\1",  # code that runs
    r"^(`{3,}|:{3,})\{math\}.*?^\1",
    r"^:[\w-]+:.*?$",  # directives' options
    FENCES,
    r"^(`{3,}|~{3,})(?!\{)[^\n]*\n.*?^\1",  # code that is shown
    r"^\+\+\+.*?$",  # cell breaks with metadata
    r"^(`{3,}|:{3,})\{[^}]*\}.*?$",  # directives' arguments
    r"\$\$.*?\$\$",
    r"(?<![\\$])\$[^$\n]+(?:\n[^$\n]+)*\$",
    r"\\begin\{(\w+\*?)\}.*?\\end\{\1\}",
    r"\{[\w:.-]+\}`[^`]*`",  # roles
    r"(`+).+?\1",
    r"\]\([^)]*\)",  # addresses
    r"https?://\S+",
]
DECIMAL = re.compile(r"(?<![\w.])[-−+]?\d+\.\d+(?:[eE][-−+]?\d+)?(?![\w]|\.\d)|\d+(?:\.\d+)?\s*%")
FORBIDDEN = re.compile(r"raises-exception|skip-execution|^\s*except\s*:", re.MULTILINE)


def typed_numbers(text: str) -> list[str]:
    """Return the prose around each decimal number or percentage of a page."""
    for pattern in NOT_PROSE:
        kept = r" \g<body>" if pattern == FENCES else " "
        text = re.sub(pattern, kept, text, flags=re.MULTILINE | re.DOTALL)
    for phrase in ALLOWED:
        text = text.replace(phrase, " ")
    found = (text[max(0, m.start() - 30) : m.end() + 30] for m in DECIMAL.finditer(text))
    return [" ".join(f.split()) for f in found]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_prose_holds_no_typed_result(page):
    assert typed_numbers(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_no_notebook_hides_a_failure(page):
    assert not FORBIDDEN.search(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "planted",
    ["accuracy is 0.98 here", "an error of -1.5e-3.", "**99.9**", "in 97% of runs", "| 0.5 | x |"],
)
def test_a_planted_number_is_caught(planted):
    assert len(typed_numbers(f"# T\n\nBefore\n{planted}\n\n$x = 0.1$ after")) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_no_line_of_prose_is_a_blind_spot(page):
    lines = page.read_text(encoding="utf-8").split("\n")
    blind, inside = [], None
    for n, line in enumerate(lines):
        fence = re.match(r"---|\$\$|`{3,}(?:\{\S+\})?", line)
        if fence and inside:
            inside = None if line[:2] == inside[:2] else inside
        elif fence:
            inside = line
        prose = not inside or inside.startswith("```{glue")
        if prose and line.endswith((".", ":")) and not re.match(r":\w+:", line):
            planted = [*lines[:n], f"{line} It is 0.987 now.", *lines[n + 1 :]]
            if not any("0.987" in found for found in typed_numbers("\n".join(planted))):
                blind.append((n + 1, line))
    assert blind == []


@pytest.mark.parametrize(
    "clean",
    [
        "---\nversion: 0.13\n---\n",
        "```{code-cell}\nlr = 0.01\n```",
        "$0.5$ and $$\nx = 0.25 \\tag{13}\n$$",
        "{glue:text}`a.b:.3f` and `0.5`",
        "```{glue:figure} a.b\n:alt: At 0.5\n:width: 0.5\n\nText\n```",
        "[x](https://example.org/1.2) and <https://arxiv.org/abs/2212.05563>",
        "section 5, Eq. (13), 80 eigenvalues, s = 16",
        "\\begin{align}\nx = 0.5\n\\end{align}",
    ],
)
def test_what_is_not_prose_is_left_alone(clean):
    assert typed_numbers(clean) == []
