"""What else can be wrong than kind, shape and range (`test_arguments`): each refusal is reached.

Every ``raise ValueError`` of the package stands in the table, or in the tests of its own file.
"""

import ast
import traceback
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import known_network

import emt
from emt import (
    IDENTITY,
    Network,
    Task,
    TrainingConfig,
    VariableMemories,
    basis,
    evidence,
    gated,
    gsemm,
    impulse,
    linear_network,
    linearization,
    repeat_copy,
    scoring,
)
from emt.beyond import alignment, bases, faithfulness, fitting, interventions, lifetime, overwriting
from emt.network import RELU
from emt.tasks import Trials
from emt.training import backpropagation
from emt.writing import write_whole

ROOT = Path(emt.__file__).parent
OWN_TESTS = {
    "checks": "test_checks",
    "loading": "test_loading",
    "verdict": "test_verdict, test_command",
    "workshop": "test_claims, test_store, test_parallel, ...",
}
# Inside a helper that catches it, or with a message of the library's.
pytestmark = pytest.mark.usefixtures("_no_shape_hook")

NET = known_network(3, 2, 4)
TASK, W = NET.task, NET.network
EYE, ONES, SIGNS = np.eye(6), np.ones(2), replace(TASK, threshold=True)
MEMORIES, BITS = emt.corrected(W, 3), np.ones((4, 3, 2))
BIASED = replace(W, b=np.ones(10))
UNITS = Network(*3 * (np.eye(1),))  # one unit, one memory, one component
SILENT = replace(W, W_r=0 * W.W_r)
DEAF = replace(W, W_uh=0 * W.W_uh)
SHIFTED = VariableMemories(MEMORIES.Psi, MEMORIES.Psi_dual, MEMORIES.labels - 1)
FIRST = VariableMemories(MEMORIES.Psi[:, :2], MEMORIES.Psi_dual[:2], MEMORIES.labels[:2])
APART = VariableMemories(np.eye(10, 2), np.eye(2, 10), np.array([[1, 1], [2, 2]]))
MODEL = gsemm.GSEMM(np.eye(4, 2), np.eye(2, 4), np.eye(2))
TWICE = emt.selection(3, [1, 2], [1, 1])
ROOTS, TIMES = np.exp(2j * np.pi * np.arange(3) / 3), np.array([1.0, 2.0])
FAR, NEAR = np.full(10, 9.0), TrainingConfig(hidden=2)


def faults(modes=ROOTS, roots=ROOTS, times=TIMES):
    return lifetime.faults(modes, roots, times, 3, 10, 0.01)


def own(**parts):
    """Score one trial of one's own: a bit, then three times what it was."""
    whole = {"inputs": np.eye(4)[0], "targets": np.ones(4), "mask": np.arange(4) > 0} | parts
    inputs, targets, mask = (value[None] for value in whole.values())
    trials = Trials(inputs[..., None], targets[..., None], mask)
    return emt.accuracy(UNITS, replace(repeat_copy(2, 1), trials=trials))


def heard_by_none():
    """Return a network whose outputs read what no input reaches, but for rounding."""
    rng = np.random.default_rng(0)
    T, A = np.eye(6) + 0.1 * rng.normal(size=(6, 6)), rng.normal(size=(3, 3))
    first = (np.arange(6) < 3)[:, None] * 1.0
    rows = np.linalg.inv(T)
    return Network(T @ np.kron(np.eye(2), A) @ rows, T @ first, (1 - first.T) @ rows)


def delayed():
    """Return a register of three vectors that are said once."""
    shift = np.eye(6, k=2)
    return Network(shift, np.eye(6)[:, 4:], np.eye(6)[:2], activation=IDENTITY)


def halves():
    F = np.zeros((3, 2, 2))
    F[0] = 0.5
    return F


def mean_of_four():
    return emt.constructed(emt.tasks.running_sums(4, 1, 1 / 4), np.eye(4))


def on_a_mode():
    """Put the threshold where rounding alone says on which side a mode lies."""
    for seed in range(99):
        W = np.random.default_rng(seed).normal(size=(9, 9))
        for threshold in abs(np.linalg.eigvals(W)):
            basis.invariant_subspaces(W, float(threshold))


def exploding():
    wild = replace(MODEL, sigma_f=lambda x: 10 * x, sigma_h=lambda x: x**3)
    start = gsemm.State(np.ones(4), ONES, np.ones(4))
    return gsemm.simulate(wild, start, np.array([0.0, 1.0, 50.0]))


def stopping(times):
    return gsemm.simulate(MODEL, gsemm.at_rest(MODEL, np.ones(4)), np.array(times))


def learned(task, config):
    return emt.train(task, config, progress=False)


# The call, then what the message says: the argument, what it was, what it must be.
TABLE = {
    "no signs in the program": (lambda: linear_network.program(SIGNS, BITS[0]), "task .* linear"),
    "combinations": (
        lambda: emt.corrected(W, Task(3, 2, halves())),
        "task must keep single components, but of the 6 .* it keeps 3 combinations only",
    ),
    "not dual": (lambda: emt.constructed(TASK, EYE, 2 * EYE), "Psi_dual @ Psi = I.* 1.0e.00"),
    "a program is linear": (
        lambda: linear_network.run_by_line(W, NET.Psi_dual, BITS[0]),
        "network must be linear",
    ),
    "diverging": (
        lambda: learned(TASK, TrainingConfig(hidden=8, stages=((4, 99, 1e30),), warmup=0)),
        "learning diverged: the gradient is not finite",
    ),
    "columns that do not fit": (
        lambda: emt.untrained(repeat_copy(1, 3), NEAR),
        "hidden must be at least kappa = 3, not 2",
    ),
    "no stages": (lambda: TrainingConfig(stages=()), "stages must hold at least one"),
    "little room": (
        lambda: backpropagation.backpropagate(
            *(np.ones(n, "f") for n in ((2, 2), (2, 1), (1, 2), (3, 1, 1), (4, 1, 1))),
            backpropagation.allocate(6, 1, 2, np.ones(1, "f")),
        ),
        "room must be for at least 7 steps, not 6",
    ),
    **{
        f"{name} for a gradient": (
            lambda shapes=shapes, room=room: backpropagation.backpropagate(
                *(np.ones(n, "f") for n in shapes),
                backpropagation.allocate(7, *room, np.ones(1, "f")),
            ),
            message,
        )
        for name, shapes, room, message in (
            (
                "flat",
                ((2,), (2, 1), (1, 2), (3, 1, 1), (4, 1, 1)),
                (1, 2),
                r"W_hh must have 2 axes, none empty, not \(2,\)",
            ),
            (
                "others",
                ((2, 2), (3, 1), (1, 2), (3, 1, 1), (4, 1, 1)),
                (1, 2),
                r"W_uh must have shape \(2, 1\), not \(3, 1\)",
            ),
            (
                "another room",
                ((2, 2), (2, 1), (1, 2), (3, 1, 1), (4, 1, 1)),
                (1, 3),
                "room must be for 1 sequences and 2 units",
            ),
        )
    },
    "two libraries": (
        lambda: backpropagation.backpropagate(
            *(np.ones(n, "f") for n in ((2, 2), (2, 1), (1, 2), (3, 1, 1), (4, 1, 1))),
            backpropagation.allocate(7, 1, 2, torch.ones(1)),
        ),
        "weights, sequences and room must all be of numpy, as W_hh is",
    ),
    "a device that is not there": (
        lambda: emt.train(TASK, TrainingConfig(hidden=6), False, "abacus"),
        "device must be one that PyTorch has here, not 'abacus'",
    ),
    "restless": (lambda: emt.corrected(BIASED, 3), "rest at the origin .* moves it by .* at="),
    "steep": (
        lambda: emt.corrected(replace(W, activation=emt.network.ACTIVATIONS["softplus"]), 3),
        "network must rest at the origin with slope 1",
    ),
    "no inverse": (lambda: linearization.placed(W, 0 * FAR, RELU), "activation must have an inv"),
    "out of reach": (lambda: linearization.placed(W, FAR / 9), "h must be .* reaches, .* not 1.0"),
    "flat": (
        lambda: interventions.surgery(
            replace(W, b=-FAR, activation=RELU), replace(MEMORIES, at=0 * FAR), TASK
        ),
        "network must have a slope .* in every unit",
    ),
    "no fixed point": (lambda: emt.linear_at(W, FAR), "h must be a fixed point, .* fixed_points"),
    "no direction": (
        lambda: linearization.remainder(W, 0 * FAR, 0 * EYE[:1, :1] * np.ones((1, 10)), ONES),
        "directions must not hold a row of zeros",
    ),
    "no logarithm": (lambda: linearization.order(ONES, 0 * ONES), "values must be above 0"),
    "no theory": (lambda: evidence.agreement(ONES, 0 * ONES), "theory must not be zero"),
    "too short": (
        lambda: impulse.estimate_rule(impulse.impulse_response(W, 9)),
        "response must be longer .* 9 steps decide rules of up to 2 memories",
    ),
    "modes that fade apart": (
        lambda: impulse.estimate_rule(impulse.impulse_response(mean_of_four(), 30)),
        "one rule at every step, .* of s = 1, misses 0.26 of step 5: .* a smaller tolerance",
    ),
    "a delay line": (
        lambda: impulse.estimate_rule(impulse.impulse_response(delayed(), 30)),
        "ends after 3 steps: a delay line, whose memories as_printed.network, 3",
    ),
    "a mask of another shape": (
        lambda: scoring.accuracy_on(W, Trials(BITS, BITS, np.ones((4, 2), bool))),
        r"mask must have shape \(4, 3\), not \(4, 2\)",
    ),
    "an operator that lies": (
        lambda: emt.tasks.from_operator(np.ones((2, 6))),
        r"operator must have s . kappa rows, kappa columns, not \(2, 6\)",
    ),
    "no sign": (
        lambda: emt.accuracy(W, Task(3, 2, 0 * TASK.F)),
        "task must have targets with a sign, but all of these are 0",
    ),
    "no sign to the end": (
        lambda: lifetime.accuracy_curve(W, Task(3, 2, 0 * TASK.F), np.array([1.0])),
        "task must have targets with a sign at all of steps",
    ),
    "a swap that shows nothing": (
        lambda: faithfulness.scored(W, Task(3, 2, 0 * TASK.F), MEMORIES),
        "no swap would turn some outputs and leave others",
    ),
    "trials of another rule": (
        lambda: own(targets=np.array([1.0, -1, 1, 1])),
        "targets must follow the rule from the first scored step",
    ),
    "a trial too short": (
        lambda: own(mask=np.array([False, True, False, True])),
        "mask must begin with s = 2 scored steps in a row in every trial",
    ),
    "a cue": (
        lambda: own(inputs=np.ones(4)),
        "inputs and a decision of 0 in the output phase: .*centred",
    ),
    "a cue that changes": (
        lambda: scoring.centred(UNITS, Trials(np.arange(4.0)[None, :, None], np.ones((1, 4, 1)))),
        r"one constant input at all scored steps, .*: input channels \[0\] change",
    ),
    "bits of one's own": (
        lambda: emt.random_bits(
            replace(TASK, trials=Trials(BITS, BITS)), 2, np.random.default_rng()
        ),
        "task must have no trials of its own where bits are drawn",
    ),
    "nothing to predict": (
        lambda: impulse.prediction_error(np.zeros((9, 2, 2)), 1, 2),
        "response must not be zero to the end",
    ),
    "unheard": (lambda: impulse.minimal_realisation(heard_by_none()), "some output show some inp"),
    "no mode at the threshold": (
        on_a_mode,
        r"threshold = \S+ falls on a mode",
    ),
    "dependent": (lambda: basis.dual(np.ones((3, 2))), "vectors must be .* 2 columns have rank 1"),
    "another task's memories": (
        lambda: interventions.surgery(W, MEMORIES, repeat_copy(2, 2)),
        "memories must be of a task with s = 2, kappa = 2",
    ),
    "memories from 0": (lambda: interventions.surgery(W, SHIFTED, TASK), "memories must be of a"),
    "nothing in common": (
        lambda: interventions.interchange(APART, FAR, 1, 2),
        "memories 1 and 2 must have a component in common",
    ),
    "no such memory": (lambda: interventions.read(FIRST, FAR, 2), r"one of \[1\], not 2"),
    "a bias is not rescaled": (lambda: fitting.rescaled(BIASED), "network must have no bias: it"),
    "nothing to rescale": (lambda: fitting.rescaled(SILENT), "W_uh and W_r must not be zero"),
    "one modulus": (
        lambda: fitting.without_spare_modes(W, 5),
        "eigenvalues 5 and 6 have the same modulus, 1",
    ),
    "no signs to fit": (lambda: fitting.identify(SIGNS, W), "task must be linear"),
    "no bias to fit": (lambda: fitting.identify(TASK, BIASED), "network must have no bias$"),
    "no leak to fit": (lambda: fitting.identify(TASK, replace(W, leak=0.5)), "no leak, no rates"),
    "before time": (lambda: faults(times=-TIMES), "times must be at least 0, not -2"),
    "no modes": (lambda: faults(ROOTS[:0], ROOTS[:0]), "modes must be at least one"),
    "a mode of 0": (lambda: faults(modes=0 * ROOTS), "modes must be 3 .* other than 0"),
    "another number": (lambda: faults(modes=ROOTS[:2]), "modes must be 3 finite"),
    "negative variance": (lambda: lifetime.accuracy_of(-ONES), "variance must be at least 0"),
    "a bar of 1": (lambda: lifetime.last_step(TIMES, ONES, 1.0), "bar must lie between 0 and 1"),
    "a bar of 0": (lambda: lifetime.last_step(TIMES, ONES, 0.0), "bar must lie between 0 and 1"),
    "half a step": (
        lambda: lifetime.accuracy_curve(W, TASK, np.array([1.5])),
        "steps must be whole numbers",
    ),
    "a bar of chance": (
        lambda: lifetime.longest_lifetime(0.01, 3, 0.5, 0.5),
        "bar must lie between 0.5 and 1",
    ),
    "no states": (lambda: lifetime.saturation(MEMORIES, 0 * FAR), "preactivation must hold"),
    "descending": (lambda: lifetime.last_step(-TIMES, ONES), "steps must ascend from above 0"),
    "nothing stored": (lambda: lifetime.fidelity(0 * BITS, BITS), "stored must hold a number"),
    "no selection": (
        lambda: faithfulness.erased(*weighted_sum(), sequences=4),
        "task must be a selection",
    ),
    "unread": (
        lambda: bases.labelled(W, TASK, np.eye(10, 6), np.zeros((6, 10))),
        "Psi_dual must read something",
    ),
    "the same twice": (
        lambda: alignment.interchanged(W, TASK, 1, np.ones((10, 2))),
        "basis must have independent columns",
    ),
    "a fourth memory of three": (
        lambda: alignment.probe(W, TASK, 4),
        r"memory must be one of 1 ... 3, not 4",
    ),
    "one memory alone": (
        lambda: alignment.aligned(UNITS, repeat_copy(1, 1), 1, 1),
        "not some outputs would change and others stay",
    ),
    "empty": (lambda: bases.sized(DEAF, TASK, MEMORIES), "memories must hold something"),
    "seventeen bits": (
        lambda: overwriting.margin(Task(17, 1, np.ones((17, 1, 1)))),
        "task must read at most 16 bits a component, not 17",
    ),
    "no dependence": (
        lambda: overwriting.overwrite_index(replace(W, W_hh=W.W_hh / 2), TASK, wait=3000),
        "network must give states that depend on the inputs after wait steps",
    ),
    "nothing to write over": (
        lambda: overwriting.overwrite_index(DEAF, TASK),
        "network must hold what is to be written over, but only 0.00 of its outputs",
    ),
    "one kind of bits": (
        lambda: overwriting.change_by_stored(UNITS, repeat_copy(1, 1), np.ones(1), 1),
        "sequences must be more than 1",
    ),
    "read twice": (lambda: overwriting.overwrite_index(W, TWICE), "reads every component once"),
    "read by a half": (
        lambda: overwriting.overwrite_index(W, Task(3, 2, TASK.F / 2)),
        "task must be a selection that reads every component once",
    ),
    "a memory of 0": (lambda: gsemm.overlaps(0 * NET.Psi, FAR[:, None]), "column 0 is zero"),
    "no change of variable": (
        lambda: gsemm.conjugated(np.eye(2), ONES, RELU),
        "sigma must have an inverse",
    ),
    "one time": (lambda: stopping([0.0]), "times must be at least two"),
    "back in time": (lambda: stopping([0.0, 1.0, 1.0]), "each later than the one before"),
    "exploding": (exploding, "the integration of the model failed: "),
    "not torch's": (lambda: emt.to_torch(replace(W, activation=IDENTITY)), "tanh or ReLU and no"),
    "a cell without a point": (
        lambda: emt.corrected(gated.GRU(np.ones((6, 2)), np.ones((6, 1)), np.ones((1, 2))), 3),
        "around a fixed point only: give at=",
    ),
    "two layers": (
        lambda: emt.from_torch(torch.nn.RNN(2, 3, 2), torch.nn.Linear(3, 2)),
        "model must have one layer and one direction",
    ),
    "both directions": (
        lambda: emt.from_torch(torch.nn.RNN(2, 3, bidirectional=True), torch.nn.Linear(3, 2)),
        "model must have one layer and one direction",
    ),
    "no inputs": (lambda: replace(W, W_uh=W.W_uh[:, :0]), "W_uh must have at least one column"),
    "no leak at all": (lambda: replace(W, leak=0.0), "leak must lie above 0 .* not 0.0"),
    "more outputs": (
        lambda: emt.corrected(replace(W, W_r=np.ones((3, 10))), 3),
        "network must have as many outputs as inputs, not 3 and 2",
    ),
    "another kappa": (lambda: emt.accuracy(W, repeat_copy(3, 1)), "kappa = 1 .* task, not 2"),
    "labels": (
        lambda: VariableMemories(NET.Psi, NET.Psi_dual, MEMORIES.labels[:5]),
        r"labels must have shape \(6, 2\), not \(5, 2\)",
    ),
    "covectors": (
        lambda: VariableMemories(NET.Psi, 2 * NET.Psi_dual, MEMORIES.labels),
        "Psi_dual @ Psi = I, which is off by 1.0e.00",
    ),
    "fewer modes": (
        lambda: emt.as_printed(W, 3, threshold=1.1),
        "threshold = 1.1 leaves 0 long-lived modes, but s . kappa = 6 .* 0.83666 parts it",
    ),
    "other modes": (
        lambda: emt.corrected(W, 3, threshold=0.1),
        r"leaves \d+ long-lived modes, not s . kappa = 6: .* the moduli around number 6 are 1",
    ),
    "few units": (lambda: emt.corrected(W, 6), "at least s . kappa = 12 hidden units, not 10"),
    "read as its negative": (
        lambda: emt.corrected(replace(W, W_r=-W.W_r), 3, 0.5),
        "network must read what they write: .* only alpha = 0 or 1",
    ),
    "no signs to drive": (lambda: emt.driven(SIGNS, BITS), "task must be linear .threshold=False"),
    "no text": (lambda: emt.bitmap("", 4), "text must be digits and letters, .* not ''"),
    "punctuation": (lambda: emt.bitmap("?", 4), "text must be digits and letters, .* not '?"),
    "a folder for a file": (
        lambda: write_whole(ROOT, b"x"),
        "path must be a file in a folder that",
    ),
    "a long name": (
        lambda: write_whole(ROOT / ("x" * 999), b"x"),
        "path must be a file in a folder that",
    ),
    "no room for a file": (
        lambda: write_whole(Path("/proc/x"), b"x"),
        "file that can be written: ",
    ),
    "long text": (lambda: emt.bitmap("31", 7), "s must be at least 4 . 2 to hold '31', not 7"),
}


def weighted_sum():
    """Return a network and memories of a task that reads everything."""
    task = Task(2, 1, np.array([[[1.0]], [[0.3]]]))
    psi = np.eye(2)
    return emt.constructed(task, psi), task, VariableMemories(psi, psi, task.labels)


def raised(call) -> set[tuple[str, int]]:
    """Return where a call raised, and what it raised from."""
    try:
        call()
    except ValueError as error:
        found, link = set(), error
        while link is not None:
            frames = [f for f in traceback.extract_tb(link.__traceback__) if "/emt/" in f.filename]
            found |= {(frames[-1].filename, frames[-1].lineno)} if frames else set()
            link = link.__cause__ or link.__context__
        return found
    raise AssertionError("nothing was raised")


def missing(calls, only: str = "") -> list[str]:
    """Return each ``raise ValueError``, of a room or of all without tests, that is not reached."""
    reached = set().union(*(raised(call) for call in calls))
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        room = path.relative_to(ROOT).parts[0].removesuffix(".py")
        inside = path.relative_to(ROOT).as_posix().startswith(only)
        if not (inside if only else room not in OWN_TESTS):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and "ValueError" in ast.unparse(node):
                lines = range(node.lineno, node.end_lineno + 1)
                if not any((str(path), line) in reached for line in lines):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


@pytest.mark.parametrize("name", TABLE)
def test_what_is_wrong_is_said(name):
    call, message = TABLE[name]
    with pytest.raises(ValueError, match=message):
        call()


def test_every_refusal_is_in_the_table():
    assert missing([call for call, _ in TABLE.values()]) == []
