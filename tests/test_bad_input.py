"""Bad input to each public function: a ValueError names the argument, what it was, must be."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from conftest import known_network, straight

import emt
from emt import (
    Network,
    Stage,
    Task,
    TrainingConfig,
    VariableMemories,
    basis,
    checks,
    gsemm,
    impulse,
    linear_network,
    network,
    spectrum,
)
from emt import algorithm1 as vm
from emt import evidence as ev
from emt import linear_network as vb
from emt.gsemm import GSEMM, State
from emt.network import ACTIVATIONS
from emt.training.recipes import three_stages
from emt.workshop import store
from emt.workshop.claims import record

NAN, INF = float("nan"), float("inf")
RNG = np.random.default_rng(0)


pytestmark = pytest.mark.usefixtures("_no_shape_hook")


def spoilt(value, *shape):
    result = np.ones(shape)
    result.flat[-1] = value
    return result


NET = known_network(3, 2, 4)
TASK, W = NET.task, NET.network
SMALL = Network(*(RNG.normal(size=n) for n in ((5, 5), (5, 2), (2, 5))))
MEMORIES = VariableMemories(NET.Psi, NET.Psi_dual, np.ones((6, 2), int))
SPACE = ev.NonMemorySpace(np.zeros((10, 4)), np.zeros(4), 4)
DEPENDENT = np.ones((3, 2))
SINGULAR = np.ones((10, 10))
ROTATED = Network(np.eye(10), W.W_uh, W.W_r)
SIGNS = Task(3, 2, TASK.F, threshold=True)
BIASED = Network(W.W_hh, W.W_uh, W.W_r, np.ones(10))
XI, PHI_PRIME = RNG.normal(size=(4, 2)), RNG.normal(size=(2, 2))
MODEL = GSEMM(XI, XI.T, PHI_PRIME)
EXPLODING = GSEMM(XI, XI.T, PHI_PRIME, sigma_f=lambda x: 10 * x, sigma_h=lambda x: x**3)
START, TIMES = State(np.ones(4), np.ones(2), np.ones(4)), np.array([0.0, 1.0, 50.0])


def silent_network():
    """Return a network whose outputs read what no input reaches, but for rounding."""
    T = np.eye(6) + 0.1 * RNG.normal(size=(6, 6))
    A, first = np.kron(np.eye(2), RNG.normal(size=(3, 3))), np.arange(6) < 3
    B, C = first[:, None] * 1.0, ~first[None, :] * 1.0
    return Network(T @ A @ np.linalg.inv(T), T @ B, C @ np.linalg.inv(T))


def spoilt_model(**options):
    return GSEMM(**{"Xi": XI, "Xi_dagger": XI.T, "Phi_prime": PHI_PRIME, **options})


def rnn(**options):
    return torch.nn.RNN(2, 3, **options), torch.nn.Linear(3, 2, bias=False)


# What is done: the call, then parts of the message.
TABLE = {
    "Task": [
        (lambda: Task(0, 2, TASK.F), "s must be", "at least 1", "not 0"),
        (lambda: Task(-3, 2, TASK.F), "s must be", "not -3"),
        (lambda: Task(2.0, 2, TASK.F), "s must be", "whole number", "not 2.0"),
        (lambda: Task(True, 2, np.ones((1, 2, 2))), "s must be", "not True"),
        (lambda: Task("3", 2, TASK.F), "s must be", "not '3'"),
        (lambda: Task(3, 0, TASK.F), "kappa must be", "not 0"),
        (lambda: Task(3, False, TASK.F), "kappa must be", "not False"),
        (lambda: Task(3, 2, np.ones((2, 3, 2))), "F must have shape (3, 2, 2)", "(2, 3, 2)"),
        (lambda: Task(3, 2, np.ones((3, 2))), "F must have shape (3, 2, 2)", "(3, 2)"),
        (lambda: Task(3, 2, spoilt(NAN, 3, 2, 2)), "F must be finite", "nan", "[2, 1, 1]"),
        (lambda: Task(3, 2, np.full((3, 2, 2), "x")), "F must be an array of real numbers"),
        (lambda: Task(3, 2, 1j * TASK.F), "F must be an array of real numbers"),
    ],
    "repeat_copy": [
        (lambda: emt.repeat_copy(0, 2), "s must be", "not 0"),
        (lambda: emt.repeat_copy(2, 0), "kappa must be", "not 0"),
        (lambda: emt.repeat_copy(True, 2), "s must be", "not True"),
        (lambda: emt.repeat_copy(2, 1.5), "kappa must be", "not 1.5"),
    ],
    "continuation": [
        (lambda: emt.continuation(TASK, np.ones((2, 2)), 4), "x must have shape (..., 3, 2)"),
        (lambda: emt.continuation(TASK, np.ones(2), 4), "x must have shape", "not (2,)"),
        (lambda: emt.continuation(TASK, spoilt(INF, 3, 2), 4), "x must be finite", "inf"),
        (lambda: emt.continuation(TASK, np.ones((3, 2)), 0), "steps must be", "not 0"),
        (lambda: emt.continuation(TASK, np.ones((3, 2)), True), "steps must be", "not True"),
    ],
    "driven": [
        (lambda: emt.driven(SIGNS, np.ones((4, 2))), "task must be linear", "threshold=False"),
        (lambda: emt.driven(TASK, np.ones((4, 3))), "u must have shape (..., any, 2)", "(4, 3)"),
        (lambda: emt.driven(TASK, np.ones(2)), "u must have shape", "not (2,)"),
        (lambda: emt.driven(TASK, spoilt(NAN, 4, 2)), "u must be finite", "nan", "[3, 1]"),
        (lambda: emt.driven(TASK, 1j * np.ones((4, 2))), "u must be", "real", "not complex"),
    ],
    "selection": [
        (lambda: emt.selection(0, [1]), "s must be", "at least 1", "not 0"),
        (lambda: emt.selection(True, [1]), "s must be", "not True"),
        (lambda: emt.selection(3, []), "length of delay", "at least 1", "not 0"),
        (lambda: emt.selection(3, None), "delay must be an array of real numbers", "not None"),
        (lambda: emt.selection(3, [[1, 2]]), "delay must have shape (2)", "(1, 2)"),
        (lambda: emt.selection(3, "ab"), "delay must be an array of real numbers", "'ab'"),
        (lambda: emt.selection(3, [1.0, 2]), "delay must be whole numbers", "not [1.0, 2]"),
        (lambda: emt.selection(3, [True, True]), "delay must be whole numbers", "[True, True]"),
        (lambda: emt.selection(3, [1, 0]), "delay must be", "range(1, 4)", "not 0"),
        (lambda: emt.selection(3, [4, 1]), "delay must be", "range(1, 4)", "not 4"),
        (lambda: emt.selection(3, [1, 2], [1]), "component must have shape (2)", "(1,)"),
        (lambda: emt.selection(3, [1, 2], [1, 3]), "component must be", "range(1, 3)", "not 3"),
        (lambda: emt.selection(3, [1, 2], [0, 1]), "component must be", "not 0"),
        (lambda: emt.selection(3, [1, 2], [1, 1.5]), "component must be whole", "1.5"),
        (lambda: emt.selection(3, [1, 2], None, [1]), "sign must have shape (2)", "(1,)"),
        (lambda: emt.selection(3, [1, 2], None, [1, 0]), "sign must be", "(-1, 1)", "not 0"),
        (lambda: emt.selection(3, [1, 2], None, [2, 1]), "sign must be", "(-1, 1)", "not 2"),
        (lambda: emt.selection(3, [1, 2], None, [1.0, -1.0]), "sign must be whole", "-1.0"),
    ],
    "named rules": [
        (lambda: emt.compose_copy(0), "kappa must be", "at least 1", "not 0"),
        (lambda: emt.compose_copy(True), "kappa must be", "not True"),
        (lambda: emt.compose_copy(2.0), "kappa must be", "not 2.0"),
        (lambda: emt.running_sums(0, 2), "s must be", "not 0"),
        (lambda: emt.running_sums(2, -1), "kappa must be", "not -1"),
        (lambda: emt.running_sums(2, False), "kappa must be", "not False"),
        (lambda: emt.running_sums(2, 2, NAN), "gain must be", "finite", "nan"),
        (lambda: emt.running_sums(2, 2, True), "gain must be", "not True"),
        (lambda: emt.running_sums(2, 2, "1"), "gain must be", "not '1'"),
    ],
    "random_bits": [
        (lambda: emt.random_bits(TASK, 0, RNG), "sequences must be", "not 0"),
        (lambda: emt.random_bits(TASK, 2.0, RNG), "sequences must be", "not 2.0"),
    ],
    "with_silence": [
        (lambda: emt.with_silence(np.ones(3), 2), "u must have shape", "not (3,)"),
        (lambda: emt.with_silence(spoilt(NAN, 3, 2), 2), "u must be finite", "nan"),
        (lambda: emt.with_silence(np.ones((3, 2)), -1), "steps must be", "least 0", "not -1"),
    ],
    "bitmap": [
        (lambda: emt.bitmap("3141", 15), "s must be at least 4 * 4", "'3141'", "not 15"),
        (lambda: emt.bitmap("", 16), "text must be digits and letters", "not ''"),
        (lambda: emt.bitmap("a-b", 16), "text must be digits and letters", "not 'a-b'"),
        (lambda: emt.bitmap("1", 16, kappa=4), "kappa must be", "at least 5", "not 4"),
        (lambda: emt.bitmap("1", 0), "s must be", "not 0"),
        (lambda: emt.bitmap("1", 16.0), "s must be", "not 16.0"),
    ],
    "Network": [
        (lambda: Network(np.ones((3, 2)), W.W_uh, W.W_r), "W_hh must have shape", "(3, 2)"),
        (lambda: Network(W.W_hh, W.W_uh[:4], W.W_r), "W_uh must have shape (10, any)", "(4, 2)"),
        (lambda: Network(W.W_hh, W.W_uh, W.W_r.T), "W_r must have shape (any, 10)", "(10, 2)"),
        (lambda: Network(W.W_hh, W.W_uh, W.W_r, np.ones(9)), "b must have shape (10)", "(9,)"),
        (lambda: Network(spoilt(NAN, 10, 10), W.W_uh, W.W_r), "W_hh must be finite", "nan"),
        (lambda: Network(W.W_hh, spoilt(INF, 10, 2), W.W_r), "W_uh must be finite", "inf"),
        (lambda: Network(W.W_hh, W.W_uh, spoilt(NAN, 2, 10)), "W_r must be finite", "[1, 9]"),
        (lambda: Network(W.W_hh, W.W_uh, W.W_r, spoilt(NAN, 10)), "b must be finite", "[9]"),
        (lambda: Network(None, W.W_uh, W.W_r), "W_hh must"),
    ],
    "run": [
        (lambda: emt.run(W, np.ones((4, 3))), "u must have shape (..., any, 2)", "(4, 3)"),
        (lambda: emt.run(W, np.ones(2)), "u must have shape", "not (2,)"),
        (lambda: emt.run(W, spoilt(NAN, 4, 2)), "u must be finite", "nan"),
        (lambda: emt.run(W, np.ones((0, 2))), "steps of u must be", "at least 1", "not 0"),
        (lambda: list(network.states(W, np.ones((4, 3)))), "u must have shape", "(4, 3)"),
        (lambda: list(network.states(W, spoilt(INF, 4, 2))), "u must be finite", "inf"),
    ],
    "sample_states": [
        (lambda: emt.sample_states(W, emt.repeat_copy(3, 1), 4), "kappa = 1", "not 2"),
        (lambda: emt.sample_states(W, TASK, -1), "steps must be", "not -1"),
        (lambda: emt.sample_states(W, TASK, 4, 0), "sequences must be", "not 0"),
    ],
    "accuracy": [
        (partial(f, W, emt.repeat_copy(3, 1)), "network must have kappa = 1", "not 2")
        for f in (emt.accuracy, emt.correct_bits, partial(emt.accuracy_around, step=1))
    ]
    + [
        (lambda f=f, k=k: f(W, TASK, **k), *parts)
        for f in (emt.accuracy, emt.correct_bits)
        for k, *parts in (
            ({"first": 0}, "first must be", "not 0"),
            ({"first": 5, "last": 4}, "last must be", "at least 5", "not 4"),
            ({"sequences": 0}, "sequences must be", "not 0"),
            ({"last": True}, "last must be", "not True"),
        )
    ]
    + [(lambda: emt.accuracy_around(W, TASK, 0), "must be", "at least 1", "not 0")],
    "from_torch": [
        (lambda: emt.from_torch(*rnn(num_layers=2)), "rnn must have one layer"),
        (lambda: emt.from_torch(*rnn(bidirectional=True)), "rnn must have one", "direction"),
        (lambda: emt.to_torch(straight(W)), "network must have tanh or ReLU"),
        (lambda: emt.to_torch(replace(W, leak=0.5)), "network must have", "no leak"),
        (
            lambda: emt.from_torch(rnn()[0], torch.nn.Linear(4, 2, bias=False)),
            "W_r must have shape (any, 3)",
            "(2, 4)",
        ),
    ],
    "basis": [
        (lambda: basis.dual(DEPENDENT), "vectors must be linearly independent", "2", "rank 1"),
        (lambda: basis.dual(np.ones(3)), "vectors must have shape", "(3,)"),
        (lambda: basis.dual(spoilt(NAN, 3, 2)), "vectors must be finite", "nan"),
        (lambda: basis.orthogonal_projector(DEPENDENT), "vectors must be", "rank 1"),
        (lambda: basis.orthogonal_projector(spoilt(INF, 3, 2)), "vectors must be finite"),
        (lambda: basis.complement(np.ones(3)), "covectors must have shape", "(3,)"),
        (lambda: basis.complement(spoilt(NAN, 2, 3)), "covectors must be finite"),
        (lambda: basis.in_basis(np.eye(3), np.eye(2)), "basis must have shape (3, 3)", "(2, 2)"),
        (lambda: basis.in_basis(np.eye(3), np.ones((3, 3))), "basis must be linearly"),
        (lambda: basis.in_basis(np.ones((3, 2)), np.eye(3)), "W must have shape", "(3, 2)"),
        (lambda: basis.in_basis(spoilt(NAN, 3, 3), np.eye(3)), "W must be finite"),
    ]
    + [
        (partial(f, *arguments), *parts)
        for f in (basis.invariant_subspaces, basis.spectral_projector)
        for arguments, *parts in (
            ((np.ones((3, 2)),), "W must have shape (3, 3)", "(3, 2)"),
            ((spoilt(NAN, 3, 3),), "W must be finite", "nan"),
            ((np.eye(3), -0.5), "threshold must be", "[0.0, inf]", "-0.5"),
            ((np.eye(3), NAN), "threshold must be", "nan"),
            ((np.eye(3), "high"), "threshold must be", "'high'"),
        )
    ],
    "components": [
        (lambda: basis.components(np.ones(3), W.W_r), "v must have shape (..., 10)", "(3,)"),
        (lambda: basis.components(spoilt(NAN, 2, 10), W.W_r), "v must be finite", "[1, 9]"),
        (lambda: basis.components(np.ones(10), np.ones(10)), "covectors must have shape", "(10,)"),
        (lambda: basis.components(np.ones(3), spoilt(INF, 2, 3)), "covectors must be finite"),
        (lambda: basis.vector(np.ones(3), W.W_uh), "components must have shape (..., 2)", "(3,)"),
        (lambda: basis.vector(spoilt(NAN, 2), W.W_uh), "components must be finite", "nan"),
        (lambda: basis.vector(np.ones(2), np.ones(2)), "basis must have shape", "(2,)"),
        (lambda: basis.vector(np.ones(2), spoilt(INF, 3, 2)), "basis must be finite"),
        (lambda: basis.operator(np.ones((2, 3)), XI, XI.T), "Phi must have shape (2, 2)", "(2, 3)"),
        (lambda: basis.operator(np.ones((0, 0)), XI, XI.T), "Phi must have at least one row"),
        (lambda: basis.operator(spoilt(NAN, 2, 2), XI, XI.T), "Phi must be finite"),
        (lambda: basis.operator(np.eye(3), XI, XI.T), "vectors must have shape (any, 3)", "(4, 2)"),
        (lambda: basis.operator(np.eye(2), spoilt(INF, 4, 2), XI.T), "vectors must be finite"),
        (lambda: basis.operator(np.eye(2), XI, XI), "covectors must have shape (2, 4)", "(4, 2)"),
        (lambda: basis.operator(np.eye(2), XI, spoilt(NAN, 2, 4)), "covectors must be finite"),
    ],
    "GSEMM": [
        (partial(spoilt_model, **{name: value}), f"{name} must be", f"not {value!r}")
        for name, value in (
            ("alpha_s", -0.1),
            ("alpha_s", NAN),
            ("alpha_s", "1"),
            ("alpha_c", INF),
            ("alpha_c", True),
            ("T_f", 0.0),
            ("T_h", 0.0),
            ("T_h", -1.0),
            ("T_h", True),
            ("T_d", 0),
            ("T_d", NAN),
        )
    ]
    + [
        (partial(spoilt_model, **{name: value}), *parts)
        for name, value, *parts in (
            ("Xi", np.ones(4), "Xi must have shape (any, any)", "(4,)"),
            ("Xi", np.ones((0, 2)), "size of Xi, (0, 2)", "at least 1", "not 0"),
            ("Xi", np.ones((4, 0)), "size of Xi, (4, 0)", "at least 1", "not 0"),
            ("Xi", spoilt(NAN, 4, 2), "Xi must be finite", "nan at index [3, 1]"),
            ("Xi", 1j * XI, "Xi must be an array of real numbers, not complex"),
            ("Xi_dagger", XI, "Xi_dagger must have shape (2, 4)", "not (4, 2)"),
            ("Xi_dagger", spoilt(INF, 2, 4), "Xi_dagger must be finite"),
            ("Phi_prime", np.eye(4), "Phi_prime must have shape (2, 2)", "not (4, 4)"),
            ("Phi_prime", spoilt(NAN, 2, 2), "Phi_prime must be finite"),
            ("Phi_prime", 1j * PHI_PRIME, "Phi_prime must be", "not complex"),
            ("sigma_f", 3, "sigma_f must be a function", "not 3"),
            ("sigma_h", None, "sigma_h must be a function", "not None"),
        )
    ],
    "simulate": [
        (partial(simulation, *arguments, **options), *parts)
        for simulation, start in ((gsemm.simulate, START), (gsemm.simulate_reduced, np.ones(4)))
        for arguments, options, *parts in (
            ((MODEL, start, TIMES[:1]), {}, "times must be at least two"),
            ((MODEL, start, TIMES[::-1]), {}, "times must", "each later than the one before"),
            ((MODEL, start, np.zeros(3)), {}, "times must", "each later than the one before"),
            ((MODEL, start, np.eye(2)), {}, "times must have shape (any)", "(2, 2)"),
            ((MODEL, start, np.array([0, NAN])), {}, "times must be finite", "nan"),
            ((MODEL, start, TIMES), {"accuracy": 0.0}, "accuracy must", "1e-13", "not 0.0"),
            ((MODEL, start, TIMES), {"accuracy": 2.0}, "accuracy must be", "not 2.0"),
            ((MODEL, start, TIMES), {"accuracy": True}, "accuracy must be", "not True"),
            ((EXPLODING, start, TIMES), {}, "the integration of the model failed", "step size"),
        )
    ]
    + [
        (partial(gsemm.simulate, MODEL, start, TIMES), *parts)
        for start, *parts in (
            (START._replace(V_f=np.ones(2)), "start.V_f must have shape (4)", "(2,)"),
            (START._replace(V_h=np.ones(4)), "start.V_h must have shape (2)", "(4,)"),
            (START._replace(V_d=np.ones((4, 1))), "start.V_d must have shape (4)", "(4, 1)"),
            (START._replace(V_h=spoilt(NAN, 2)), "start.V_h must be finite", "nan"),
            (START._replace(V_d=1j * np.ones(4)), "start.V_d must be", "not complex"),
        )
    ],
    "features": [
        (partial(f, MODEL, V_f, *others), *parts)
        for f, *others in (
            (gsemm.at_rest,),
            (gsemm.reduced_flow,),
            (gsemm.simulate_reduced, TIMES),
            (gsemm.euler_step, 0.5),
        )
        for V_f, *parts in (
            (np.ones(2), "V_f must have shape (4)", "(2,)"),
            (np.ones((2, 4)), "V_f must have shape (4", "(2, 4)"),
            (np.ones((4, 3, 2)), "V_f must have shape (4)", "(4, 3, 2)"),
            (spoilt(NAN, 4), "V_f must be finite", "nan at index [3]"),
            (1j * np.ones(4), "V_f must be", "not complex"),
        )
    ]
    + [
        (
            lambda: gsemm.simulate_reduced(MODEL, np.ones((4, 1)), TIMES),
            "V_f must have shape (4)",
            "(4, 1)",
        ),
        (lambda: gsemm.euler_step(MODEL, np.ones(4), 0.0), "step must be", "not 0.0"),
        (lambda: gsemm.euler_step(MODEL, np.ones(4), -1.0), "step must be", "not -1.0"),
        (lambda: gsemm.euler_step(MODEL, np.ones(4), True), "step must be", "not True"),
    ],
    "steps": [
        (partial(f, *arguments, *others), *parts)
        for f, name, *others in (
            (gsemm.memory_step, "V"),
            (gsemm.elman_step, "h"),
            (gsemm.conjugated, "V", ACTIVATIONS["tanh"]),
        )
        for arguments, *parts in (
            ((np.ones((3, 2)), np.ones(2)), "W must have shape (3, 3)", "(3, 2)"),
            ((np.ones((0, 0)), np.ones(0)), "W must have at least one row"),
            ((spoilt(NAN, 2, 2), np.ones(2)), "W must be finite", "nan"),
            ((np.eye(2), np.ones(3)), f"{name} must have shape (2)", "(3,)"),
            ((np.eye(2), np.ones((2, 2))), f"{name} must have shape (2)", "(2, 2)"),
            ((np.eye(2), spoilt(NAN, 2)), f"{name} must be finite", "nan"),
            ((np.eye(2), 1j * np.ones(2)), f"{name} must be", "not complex"),
        )
    ]
    + [
        (partial(f, np.eye(2), np.ones(2), ACTIVATIONS["ReLU"]), "sigma must have an inverse")
        for f in (gsemm.conjugated, lambda W, *rest: gsemm.conditioning(*rest))
    ]
    + [
        (lambda: gsemm.memory_step(np.eye(2), np.ones(2), T_f=0.0), "T_f must be", "not 0.0"),
        (lambda: gsemm.memory_step(np.eye(2), np.ones(2), T_f=True), "T_f must be", "not True"),
        (lambda: gsemm.conditioning(spoilt(NAN, 2), ACTIVATIONS["tanh"]), "x must be finite"),
    ],
    "retrieval": [
        (lambda: gsemm.overlaps(np.ones(4), np.ones(4)), "Xi must have shape", "(4,)"),
        (lambda: gsemm.overlaps(spoilt(NAN, 4, 2), np.ones(4)), "Xi must be finite"),
        (lambda: gsemm.overlaps(np.eye(4, 2) * [1, 0], np.ones(4)), "Xi must", "column 1 is zero"),
        (lambda: gsemm.overlaps(XI, np.ones((3, 4))), "V_f must have shape (4, any)", "(3, 4)"),
        (lambda: gsemm.overlaps(XI, np.ones(3)), "V_f must have shape (4)", "not (3,)"),
        (lambda: gsemm.overlaps(XI, np.ones((4, 3, 2))), "V_f must have shape", "(4, 3, 2)"),
        (lambda: gsemm.overlaps(XI, 1.0), "V_f must have shape (4)", "not ()"),
        (lambda: gsemm.overlaps(XI, spoilt(NAN, 4, 3)), "V_f must be finite", "index [3, 2]"),
        (lambda: gsemm.overlaps(XI, 1j * np.ones(4)), "V_f must be", "not complex"),
        (lambda: gsemm.retrieved(np.ones(4)), "overlaps must have shape", "(4,)"),
        (lambda: gsemm.retrieved(np.ones((0, 4))), "memories in overlaps", "least 1", "not 0"),
        (lambda: gsemm.retrieved(spoilt(NAN, 2, 4)), "overlaps must be finite"),
        (lambda: gsemm.retrieved(np.ones((2, 4)), -0.1), "least must be", "not -0.1"),
        (lambda: gsemm.retrieved(np.ones((2, 4)), 1.5), "least must be", "not 1.5"),
        (lambda: gsemm.retrieved(np.ones((2, 4)), True), "least must be", "not True"),
    ],
    "realisation": [
        (lambda: linear_network.coefficients(TASK, 0), "steps must be", "not 0"),
        (lambda: linear_network.coefficients(TASK, True), "steps must be", "not True"),
        (lambda: linear_network.coefficients(TASK, 2.0), "steps must be", "not 2.0"),
        (
            lambda: linear_network.innovations(TASK, np.ones((2, 2))),
            "x must have shape (..., 3, 2)",
        ),
        (lambda: linear_network.innovations(TASK, np.ones(2)), "x must have shape", "not (2,)"),
        (lambda: linear_network.innovations(TASK, spoilt(NAN, 3, 2)), "x must be finite", "nan"),
        (
            lambda: linear_network.innovations(TASK, 1j * np.ones((3, 2))),
            "x must be",
            "not complex",
        ),
        (lambda: impulse.minimal_realisation(BIASED), "network must rest at the origin"),
        (lambda: impulse.minimal_realisation(W, 0.0), "tolerance must", "1e-15", "not 0.0"),
        (lambda: impulse.minimal_realisation(W, 1.0), "tolerance must", "0.1", "not 1.0"),
        (lambda: impulse.minimal_realisation(W, True), "tolerance must be", "not True"),
    ]
    + [
        (partial(impulse.minimal_realisation, weights), "network must", "response is zero")
        for weights in (
            Network(W.W_hh, 0 * W.W_uh, W.W_r),
            Network(W.W_hh, W.W_uh, 0 * W.W_r),
            silent_network(),
        )
    ],
    "closed form": [
        (partial(vb.repeat_copy_state, *arguments), *parts)
        for arguments, *parts in (
            ((NET.Psi, np.ones((3, 2)), 0, 1), "s must be", "at least 1", "not 0"),
            ((NET.Psi, np.ones((3, 2)), True, 1), "s must be", "not True"),
            ((NET.Psi, np.ones((3, 2)), 3, 0), "t must be", "at least 1", "not 0"),
            ((NET.Psi, np.ones((3, 2)), 3, 1.0), "t must be", "not 1.0"),
            ((NET.Psi, np.ones((3, 2)), 2, 1), "Psi must have shape (any, 4)", "(10, 6)"),
            ((NET.Psi, np.ones(3), 3, 1), "u must have shape", "(3,)"),
            ((NET.Psi, spoilt(NAN, 3, 2), 3, 1), "u must be finite", "nan"),
            ((spoilt(INF, 10, 6), np.ones((3, 2)), 3, 1), "Psi must be finite", "inf"),
        )
    ],
    "program and trace": [
        (partial(f, *arguments, u), *parts)
        for f, *arguments in ((vb.program, TASK), (vb.run_by_line, straight(W), NET.Psi_dual))
        for u, *parts in (
            (np.ones((4, 3)), "u must have shape (any, 2)", "(4, 3)"),
            (np.ones((2, 4, 2)), "u must have shape (any, 2)", "(2, 4, 2)"),
            (np.ones((0, 2)), "number of steps of u must be", "at least 1", "not 0"),
            (spoilt(NAN, 4, 2), "u must be finite", "nan"),
            (1j * np.ones((4, 2)), "u must be", "not complex"),
        )
    ]
    + [
        (lambda: vb.program(SIGNS, np.ones((4, 2))), "task must be linear", "threshold=False"),
        (lambda: vb.run_by_line(BIASED, NET.Psi_dual, np.ones((4, 2))), "network must be linear"),
        (
            lambda: vb.run_by_line(straight(W), NET.Psi, np.ones((4, 2))),
            "Psi_dual must have shape (any, 10)",
            "(10, 6)",
        ),
        (
            lambda: vb.run_by_line(straight(W), spoilt(NAN, 6, 10), np.ones((4, 2))),
            "Psi_dual must be finite",
        ),
    ],
    "empty": [
        (lambda: Network(np.ones((0, 0)), np.ones((0, 2)), np.ones((2, 0))), "W_hh must", "(0, 0)"),
        (lambda: Network(W.W_hh, np.ones((10, 0)), np.ones((0, 10))), "W_uh must", "(10, 0)"),
        (lambda: ev.agreement(np.ones(0), np.ones(0)), "theory must"),
        (lambda: ev.non_memory_space(MEMORIES, np.ones((0, 10))), "h must be", "not 0"),
    ],
    "constructed": [
        (lambda: emt.constructed(TASK, np.ones((8, 5))), "Psi must have shape (any, 6)", "(8, 5)"),
        (lambda: emt.constructed(TASK, np.ones((8, 6))), "linearly independent", "rank 1"),
        (lambda: emt.constructed(TASK, np.eye(4, 6)), "linearly independent", "rank 4"),
        (lambda: emt.constructed(TASK, spoilt(NAN, 8, 6)), "Psi must be finite", "nan"),
        (lambda: emt.constructed(TASK, NET.Psi, NET.Psi), "Psi_dual must have shape (6, 10)"),
        (lambda: emt.constructed(TASK, NET.Psi, 2 * NET.Psi_dual), "Psi_dual @ Psi = I", "1.0e+00"),
    ],
    "TrainingConfig": [
        (partial(TrainingConfig, **{name: value}), f"{name} must be", f"not {value!r}")
        for name, value in (
            ("hidden", 0),
            ("hidden", 12.0),
            ("hidden", True),
            ("seed", -1),
            ("seed", 0.5),
            ("initialisation", "zeros"),
            ("write_scale", 0.0),
            ("write_scale", -0.1),
            ("write_scale", NAN),
            ("write_scale", True),
            ("clip", 0.0),
            ("clip", INF),
            ("batch", 0),
            ("warmup", -1),
            ("decay", "linear"),
            ("decay", None),
            ("advance", -0.1),
            ("advance", 1.5),
            ("advance", NAN),
            ("advance", "x"),
            ("advance", True),
            ("updates", 0),
            ("updates", -1),
            ("updates", 2.5),
            ("updates", True),
        )
    ]
    + [
        (partial(TrainingConfig, stages=(Stage(*stage),)), f"{name} must be", f"not {value!r}")
        for stage, name, value in (
            ((0, 1, 0.1), "horizon", 0),
            ((1, 0, 0.1), "steps", 0),
            ((1, 1, -0.1), "learning_rate", -0.1),
            ((1, 1, NAN), "learning_rate", NAN),
            ((True, 1, 0.1), "horizon", True),
        )
    ]
    + [
        (lambda: TrainingConfig(stages=three_stages(3, -1.0)), "learning_rate must be", "not -1.0"),
        (lambda: TrainingConfig(stages=three_stages(3, 1.0, (1, -1, 1))), "steps must", "not -1"),
        (lambda: TrainingConfig(stages=three_stages(3, 1.0, (0, 0, 0))), "stages must hold", "()"),
        (lambda: three_stages(0), "s must be", "at least 1", "not 0"),
        (lambda: three_stages(True), "s must be", "not True"),
        (lambda: three_stages(2.0), "s must be", "not 2.0"),
        (lambda: emt.train(TASK, TrainingConfig(), every=0), "every must be", "1", "not 0"),
        (lambda: emt.train(TASK, TrainingConfig(), every=2.0), "every must be", "not 2.0"),
        (lambda: emt.untrained(TASK, TrainingConfig(hidden=1)), "hidden must be", "kappa = 2", "1"),
    ],
    "spectrum": [
        (lambda: spectrum.roots_of_unity(0, 2), "s must be", "not 0"),
        (lambda: spectrum.roots_of_unity(2, 0), "kappa must be", "not 0"),
        (lambda: spectrum.compare(np.ones((10, 9)), TASK), "W_hh must have shape", "(10, 9)"),
        (lambda: spectrum.compare(spoilt(NAN, 10, 10), TASK), "W_hh must be finite", "nan"),
        (lambda: spectrum.compare(np.eye(5), TASK), "W_hh must", "s * kappa = 6", "not 5"),
        (lambda: spectrum.compare(W, TASK, -1.0), "threshold must be", "not -1.0"),
        (lambda: spectrum.characteristic(TASK, spoilt(NAN, 3) * (1 + 0j)), "z must be", "[2]"),
        (lambda: spectrum.characteristic(TASK, spoilt(INF, 2, 2)), "z must be finite", "inf"),
    ],
    "Algorithm 1": [
        (partial(f, *arguments, **options), *parts)
        for f in (emt.corrected, emt.as_printed)
        for arguments, options, *parts in (
            ((W, 0), {}, "task must be", "not 0"),
            ((W, True), {}, "task must be", "not True"),
            ((W, 3, -0.1), {}, "alpha must be", "[0.0, 1.0]", "not -0.1"),
            ((W, 3, 1.1), {}, "alpha must be", "[0.0, 1.0]", "not 1.1"),
            ((W, 3, NAN), {}, "alpha must be", "not nan"),
            ((W, 3, "write"), {}, "alpha must be", "not 'write'"),
            ((W, 3, True), {}, "alpha must be", "not True"),
            ((SMALL, 3), {}, "network must", "s * kappa = 6", "not 5"),
            ((W, 3), {"threshold": 1.5}, "threshold = 1.5", "0 long-lived", "s * kappa = 6"),
            ((W, 3), {"threshold": -1.0}, "threshold must be", "not -1.0"),
        )
    ]
    + [
        (lambda: emt.as_printed(W, 3, 0.5, "inverse"), "must be one of", "transpose", "'inverse'"),
        (lambda: vm.read_dual(W, 3, "inverse"), "kind must be one of", "dual", "'inverse'"),
        (lambda: vm.read_dual(W, 2, "dual"), "6 long-lived", "s * kappa = 4"),
        (lambda: vm.read_dual(W, 0), "task must be", "not 0"),
        (lambda: emt.corrected(ROTATED, 3), "10 long-lived", "s * kappa = 6"),
        (lambda: emt.corrected(W, 2), "6 long-lived", "s * kappa = 4"),
        (lambda: emt.as_printed(ROTATED, 3, removal="none"), "linearly independent", "rank 2"),
    ],
    "blocks": [
        (partial(f, *arguments), f"{name} must be", "at least 1", "not 0")
        for f, arguments, name in (
            (vm.forward_blocks, (W, 0), "task"),
            (vm.read_covectors, (W, 0), "task"),
            (vm.backward_blocks, (W, 0, W.W_uh), "s"),
            (vm.read_write_product, (W, 0), "task"),
        )
    ]
    + [
        (lambda: vm.backward_blocks(W, 3, W.W_r), "W_r_star must have shape (10, 2)", "(2, 10)"),
        (lambda: vm.backward_blocks(W, 3, spoilt(NAN, 10, 2)), "W_r_star must be finite"),
        (lambda: impulse.impulse_response(W, 0), "steps must be", "not 0"),
        (lambda: ev.norms_of_powers(np.ones((3, 2)), 4), "block must have shape (3, 3)"),
        (lambda: ev.norms_of_powers(spoilt(NAN, 2, 2), 4), "block must be finite"),
        (lambda: ev.norms_of_powers(np.eye(2), 0), "steps must be", "not 0"),
    ],
    "VariableMemories": [
        (
            lambda: VariableMemories(NET.Psi, NET.Psi, MEMORIES.labels),
            "Psi_dual must have shape (6, 10)",
        ),
        (
            lambda: VariableMemories(NET.Psi, 2 * NET.Psi_dual, MEMORIES.labels),
            "Psi_dual @ Psi = I",
            "off by 1.0e+00",
        ),
        (
            lambda: VariableMemories(NET.Psi, NET.Psi_dual, np.ones((5, 2), int)),
            "labels must have shape (6, 2)",
            "(5, 2)",
        ),
        (
            lambda: VariableMemories(spoilt(NAN, 10, 6), NET.Psi_dual, MEMORIES.labels),
            "Psi must be finite",
        ),
        (lambda: vm.contents(MEMORIES, np.ones((4, 9))), "h must have shape (..., 10)", "(4, 9)"),
        (lambda: vm.contents(MEMORIES, spoilt(NAN, 4, 10)), "h must be finite"),
        (
            lambda: ev.non_memory_space(MEMORIES, np.ones((4, 9))),
            "h must have shape (any, 10)",
            "(4, 9)",
        ),
        (lambda: ev.non_memory_space(MEMORIES, np.ones(10)), "h must have shape", "(10,)"),
        (lambda: ev.non_memory_space(MEMORIES, spoilt(INF, 4, 10)), "h must be finite"),
        (lambda: ev.learned_interactions(W, MEMORIES, SPACE), "linearly independent", "rank 6"),
        (lambda: ev.learned_interactions(SMALL, MEMORIES, SPACE), "must have shape (5, 5)"),
    ],
    "comparisons": [
        (lambda: ev.agreement(np.ones(3), np.ones(2)), "measured must have shape (2)", "(3,)"),
        (lambda: ev.agreement(spoilt(NAN, 2), np.ones(2)), "measured must be finite"),
        (lambda: ev.agreement(np.ones(2), spoilt(INF, 2)), "theory must be finite"),
        (lambda: ev.agreement(np.ones(2), np.zeros(2)), "theory must not be zero"),
        (lambda: ev.wrap_around(np.eye(5), TASK), "Phi_learned must have shape (6, 6)", "(5, 5)"),
        (lambda: ev.wrap_around(spoilt(NAN, 6, 6), TASK), "Phi_learned must be finite"),
        (lambda: ev.hops(np.ones((9, 5)), np.ones((3, 2))), "contents must have shape (any, 6)"),
        (lambda: ev.hops(np.ones((3, 6)), np.ones((3, 2))), "steps of contents must", "not 3"),
        (lambda: ev.hops(np.ones((9, 6)), np.ones(6)), "u must have shape", "(6,)"),
    ],
    "others": [
        (lambda: emt.from_torch(torch.nn.LSTM(2, 3), torch.nn.Linear(3, 2)), "rnn must be", "LSTM"),
        (lambda: TrainingConfig(stages=()), "stages must hold at least one", "()"),
        (lambda: ev.open_network(W, MEMORIES, np.ones((4, 9))), "h must have shape", "(4, 9)"),
    ],
    "record": [
        (lambda: record("a.b", True), "must be a number", "True"),
        (lambda: record("a.b", "high"), "must be a number", "'high'"),
        (lambda: record("a.b", 1j), "must be a number", "1j"),
        (lambda: record("a.b", np.ones(2)), "must be a number"),
        (lambda: record("a.b", 1.0, control=0.5), "a.b", "range"),
    ],
}
CASES = [
    pytest.param(call, parts, id=f"{name} {number}")
    for name, cases in TABLE.items()
    for number, (call, *parts) in enumerate(cases)
]


@pytest.mark.parametrize("call, parts", CASES)
def test_bad_input_is_named(call, parts):
    with pytest.raises(ValueError) as caught:
        call()
    message = str(caught.value)
    assert all(part in message for part in parts), message


def test_numpys_whole_numbers_are_whole_numbers():
    task, config = emt.repeat_copy(np.int64(3), 2), TrainingConfig(hidden=np.int64(128))
    assert store.key(task, config) == store.key(TASK, TrainingConfig())


def test_the_valid_neighbours_pass():
    emt.corrected(W, 3, 0.5)
    emt.corrected(W, 3, 0)
    emt.as_printed(ROTATED, 1)
    assert checks.integer("n", np.int64(3)) == 3 and checks.real("x", np.float32(0.5)) == 0.5
    assert emt.with_silence(np.ones((3, 2)), 0).shape == (3, 2)
    basis.orthogonal_projector(np.ones((3, 0)))
    assert checks.whole_numbers("n", [2, 1], 2, range(1, 3)).tolist() == [2, 1]
    assert not gsemm.recurrent_weights(spoilt_model(alpha_s=0.0)).any()
    assert gsemm.simulate(MODEL, START, TIMES[:2], 1.0).V_h.shape == (2, 2)
    assert gsemm.retrieved(np.ones((2, 4)), 1.0) == ([], [])
    assert emt.driven(TASK, np.ones((0, 2))).shape == (0, 2)
    assert not vb.repeat_copy_state(NET.Psi, np.ones((0, 2)), 3, 1).any()
    TrainingConfig(seed=0, warmup=0, stages=(Stage(1, 1, 0.0),))
    TrainingConfig(decay="none", advance=0, updates=1)
    TrainingConfig(decay="cosine", advance=1, updates=np.int64(1))
    assert three_stages(np.int64(1)) == three_stages(1)
