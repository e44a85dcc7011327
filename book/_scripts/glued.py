"""How the page writes a number: `{glue:text}` with a format, resolved before Sphinx sees it.

Beside Python's formats: ``%`` is a percentage that is never rounded up to 100 or down to 0, ``~``
says *rounding error* for what is below 1e-12; thousands are set apart; powers of ten are written
as such. The notebooks that readers download then hold numbers, not roles.
"""

import re
from collections.abc import Mapping

ROLE = re.compile(r"\{glue:text\}`(?:([\w./-]+)::)?([\w.-]+)(?::([^`{}]+))?`")
EXPONENT = re.compile(r"(?P<digits>[-\d.]+)e(?P<sign>[-+])0*(?P<power>\d+)")
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
ROUNDING = 1e-12


def percentage(value: float) -> str:
    """Write a share in percent: one digit, or as many as tell it from none and from all."""
    if value in (0, 1):
        return f"{value:.0%}"
    for digits in range(1, 12):
        text = f"{value:.{digits}%}"
        if float(text[:-1]) not in (0.0, 100.0):
            break
    return text.replace(".0%", "%")


def written(value: float | None, form: str = "") -> str:
    """Write a value as a page asks; one that was not finite as a dash.

    Parameters
    ----------
    value
        As it was recorded.
    form
        Python's format, ``%`` or ``~``.
    """
    if value is None:
        return "–"
    if form == "%":
        return percentage(value)
    if form == "~":
        if abs(value) < ROUNDING:
            return "rounding error"
        form = ".0e"
    if form in ("d", "") and isinstance(value, int):
        form = ",d"
    text = format(value, form)
    found = EXPONENT.fullmatch(text)
    if not found:
        return text.replace("-", "−") if re.fullmatch(r"-[\d.,]+%?", text) else text
    power = found["sign"].replace("+", "") + found["power"]
    digits = "" if found["digits"] == "1" else f"{found['digits']} × "
    return f"{digits.replace('-', '−')}10{power.translate(RAISED)}"


def resolved(text: str, page: str, values: Mapping[str, Mapping[str, float | None]]) -> str:
    """Return a page's text with the numbers in the place of the roles.

    Parameters
    ----------
    text
        Markdown.
    page
        Where it stands, as the table of contents names it.
    values
        What every notebook recorded, by the notebook's name.
    """

    def number(match: re.Match) -> str:
        notebook, id, form = match.groups()
        folder = page.rpartition("/")[0]
        where = page if notebook is None else f"{folder}/{notebook}".lstrip("/")
        where = where.removesuffix(".ipynb")
        if id not in values.get(where, {}):
            raise SystemExit(f"{page} shows {id}, which {where} does not record")
        try:
            return written(values[where][id], form or "")
        except ValueError as error:
            raise SystemExit(f"{page} shows {match[0]}: {error}") from None

    return ROLE.sub(number, text)
