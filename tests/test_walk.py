"""The commands that pages print: found, and each walked at least once."""

import pandas as pd
import pytest
import walk

ROWS = pd.read_csv(walk.TABLE, keep_default_na=False)
PAGE = """A `make` in prose, `make book X="a b"` too, and `emt.load("a")`, but no `emt` and no `x`.

    $ make test   # a comment
    emt open - --s 8
    print(1)

```
pip install .
```

```{code-cell} ipython3
pip install nothing
```

```python
emt.report(network, 3)
```
"""


def test_what_a_page_prints_is_found_in_its_order():
    found = ["make", 'make book X="a b"', 'emt.load("a")', "make test", "emt open - --s 8"]
    assert walk.printed(PAGE) == [*found, "pip install ."]


@pytest.mark.parametrize("page", walk.pages())
def test_each_command_was_walked(page):
    """After changing one: `make walk`."""
    assert set(walk.pages()[page]) <= set(ROWS["command"])


def test_all_that_was_walked_works():
    assert not ROWS["outcome"].str.startswith("exit").any()
    assert (ROWS["outcome"] == "ok").mean() > 0.6


def test_what_is_not_run_as_printed_has_a_reason():
    assert walk.here("make lint") == ("make lint", "")
    assert walk.here("make book", "make (test|book)") == ("make -n book", "left out")
    assert walk.here('make atlas STUDIES="x"') == ('make -n atlas STUDIES="x"', "hours")
    assert walk.here("emt sweep --scheduler x")[0] == ""


def test_a_shell_tells_what_fails_and_keeps_what_is_set(tmp_path, capsys):
    shell = walk.Shell(tmp_path)
    said = [shell.run(c)[0] for c in ("x=3", "echo $x; false", "cat", 'test "$x" = 3 # so')]
    shell.end()
    assert (
        said == ["ok", "exit 1: 3", "ok", "ok"] and "$ echo $x; false\n3" in capsys.readouterr().out
    )
