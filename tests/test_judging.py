"""Networks of which the right verdict is known, and the bounds that were frozen before them."""

import ast
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import verdicts

import emt
from emt.verdict import criteria
from emt.workshop import tables

ROOT = Path(__file__).parents[1]
FROZEN = re.search(
    r"frozen in commit `(\w+)`", (ROOT / "notebooks/your_network.md").read_text(encoding="utf-8")
)[1]
PLANTED = (
    verdicts.planted_linear,
    verdicts.planted_biased,
    verdicts.planted_overwriting,
    verdicts.products,
)


def bounds(source: str) -> list[float]:
    """Return the bounds of a source, in their order, however they are written there."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and node.name == "Criteria":
            found += [a.value.value for a in node.body if isinstance(a, ast.AnnAssign)]
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CRITERIA":
            if isinstance(node.value, ast.Dict):
                found += [value.value for value in node.value.values]
    return found


def test_the_bounds_are_those_that_were_frozen():
    command = ["git", "-C", str(ROOT), "show", f"{FROZEN}:emt/verdict/criteria.py"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    if done.returncode:
        pytest.skip("this checkout has not the whole history")
    assert bounds(done.stdout) == list(criteria.CRITERIA.values())


def test_every_bound_says_what_it_asks():
    assert list(criteria.CRITERIA) == list(criteria.SAID)


def test_the_table_was_made_after_that():
    made = tables.committed("verdicts").made["commit"]
    command = ["git", "-C", str(ROOT), "merge-base", "--is-ancestor", FROZEN, made]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    if done.returncode == 128:
        pytest.skip("this checkout has not the whole history")
    assert done.returncode == 0


@pytest.mark.parametrize("make", PLANTED)
@pytest.mark.parametrize("seed", range(4))
def test_a_planted_network_does_its_task(make, seed):
    network, task = make(seed)
    assert emt.accuracy(network, task, last=2 * task.s, sequences=200).value > 0.95


def test_products_of_bits_are_kept_and_no_bit_alone():
    network, task = verdicts.products(0)
    u = emt.random_bits(task, 500, np.random.default_rng(1))
    h = emt.run(network, u)[0][:, -1]
    held = h.reshape(len(h), task.s, task.kappa)
    np.testing.assert_allclose(held, np.cumprod(u[:, ::-1], axis=1)[:, ::-1])
    older = u[:, :-1].reshape(len(h), -1)
    assert abs(older.T @ h).max() / len(h) < 0.25


@pytest.mark.parametrize("made", verdicts.MADE)
def test_a_network_comes_out_again(made):
    make, known = verdicts.MADE[made]
    assert set(known) <= set(criteria.VERDICTS)
    if "trained" in made or make in (verdicts.turned, verdicts.mixed, verdicts.wrong_rule):
        return  # every second of them is trained
    first, second = (make(6) for _ in range(2))
    u = emt.random_bits(first.task, 3, np.random.default_rng(0))
    np.testing.assert_array_equal(emt.run(first.network, u)[0], emt.run(second.network, u)[0])


@pytest.mark.parametrize(
    "made, word, outcome",
    [
        ("planted, linear", criteria.LINEAR, "right"),
        ("planted, linear", criteria.OVERWRITING, "wrong"),
        ("planted, linear", criteria.NOT_FOUND, "wrong"),
        ("planted, linear", criteria.PARTLY, "undecided"),
        ("planted, linear", criteria.CANNOT_TELL, "undecided"),
        ("planted, products of bits", criteria.NOT_FOUND, "right"),
        ("planted, products of bits", criteria.PARTLY, "wrong"),
        ("planted, products of bits", criteria.CANNOT_TELL, "undecided"),
        ("planted, linear in part", criteria.PARTLY, "right"),
        ("planted, linear in part", criteria.LINEAR, "wrong"),
        ("planted, delay line", criteria.NOT_FOUND, "right"),
    ],
)
def test_what_is_certain_and_false_is_wrong(monkeypatch, made, word, outcome):
    monkeypatch.setattr(verdicts, "judged", lambda evidence: criteria.Verdict(word, ("so",)))
    found = verdicts.outcome(made, 2)
    assert (found["verdict"], found["outcome"]) == (word, outcome)
    assert not any(isinstance(x, float) and np.isnan(x) for x in found.values())
