"""The backward pass written out: against autograd, finite differences, runs and hand work."""

import math

import numpy as np
import pytest
import torch
import training

from emt import Network, run, to_torch, with_silence
from emt.training.backpropagation import allocate, backpropagate
from emt.training.recipes import LEARNABLE

# s, n, B, H, kappa
SHAPES = [
    (3, 4, 2, 5, 2),
    (1, 1, 1, 1, 1),
    (1, 6, 3, 4, 2),
    (5, 1, 3, 4, 2),
    (4, 5, 1, 6, 3),
    (3, 7, 4, 5, 1),
    (4, 3, 2, 1, 3),
    (2, 3, 5, 3, 6),
    (8, 40, 16, 24, 5),
]
SMALL = [shape for shape in SHAPES if math.prod(shape) < 2000]
DEVICES = [None, "cpu"]
NAMES = ("loss", "y", "W_hh", "W_uh", "W_r")


def problem(s, n, B, H, kappa, seed=0) -> list[np.ndarray]:
    """Network, inputs and targets without symmetry, large enough for tanh to bend."""
    rng = np.random.default_rng(seed)
    shapes = (H, H), (H, kappa), (kappa, H), (s, B, kappa), (n, B, kappa)
    sizes = 1.2 / math.sqrt(H), 0.7, 0.8, 1.0, 1.0
    return [a * rng.normal(size=shape) for a, shape in zip(sizes, shapes, strict=True)]


def like(device=None, dtype=torch.float64):
    """Return an array of the kind and precision."""
    tensor = torch.empty(1, dtype=dtype, device=device)
    return tensor.numpy() if device is None else tensor


def room_for(given, device=None, dtype=torch.float64, extra=0):
    """Buffers full of NaN."""
    u, targets = given[3:]
    steps = len(u) + len(targets) + extra
    room = allocate(steps, u.shape[1], len(given[0]), like(device, dtype))
    for array in room:
        array[:] = float("nan")
    return room


def on(given, device, dtype=torch.float64):
    tensors = [torch.tensor(x, dtype=dtype) for x in given]
    return [x.numpy() for x in tensors] if device is None else [x.to(device) for x in tensors]


def answer(given, device=None, dtype=torch.float64, extra=0) -> list[np.ndarray]:
    got = backpropagate(*on(given, device, dtype), room_for(given, device, dtype, extra))
    return [np.asarray(x) for x in got if x is not None]


def raw(arrays) -> list[bytes]:
    return [np.asarray(x).tobytes() for x in arrays if x is not None]


def loss_of_a_run(W_hh, W_uh, W_r, u, targets) -> tuple[float, np.ndarray]:
    _, y = run(Network(W_hh, W_uh, W_r), with_silence(np.moveaxis(u, 0, 1), len(targets)))
    y = np.moveaxis(y[:, len(u) :], 1, 0)
    return float(((y - targets) ** 2).mean()), y


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gradients_are_those_of_autograd(shape, device):
    given = problem(*shape)
    rnn, readout = to_torch(Network(*given[:3]))
    u, targets = (torch.tensor(np.moveaxis(x, 0, 1)) for x in given[3:])
    silence = u.new_zeros(targets.shape)
    y = readout(rnn(torch.cat([u, silence], dim=1))[0][:, u.shape[1] :])
    loss = torch.nn.functional.mse_loss(y, targets)
    loss.backward()
    W_hh, W_uh, W_r = rnn.weight_hh_l0.grad, rnn.weight_ih_l0.grad, readout.weight.grad
    expected = loss.item(), y.detach().transpose(0, 1), W_hh, W_uh, W_r
    for name, value, right in zip(NAMES, answer(given, device), expected, strict=True):
        right = np.asarray(right)
        np.testing.assert_allclose(
            value, right, rtol=1e-10, atol=1e-12 * abs(right).max(), err_msg=name
        )


@pytest.mark.parametrize("shape", SMALL, ids=str)
def test_gradients_are_central_differences(shape):
    given, step = problem(*shape, seed=1), 1e-5
    for place, got in enumerate(answer(given)[2:]):
        expected = np.empty_like(got)
        for entry in np.ndindex(got.shape):
            losses = []
            for sign in (1, -1):
                moved = [x.copy() for x in given]
                moved[place][entry] += sign * step
                losses.append(loss_of_a_run(*moved)[0])
            expected[entry] = (losses[0] - losses[1]) / (2 * step)
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-8, err_msg=NAMES[place + 2])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_loss_and_outputs_are_those_of_a_run(shape, device):
    given = problem(*shape, seed=2)
    loss, y, *_ = answer(given, device)
    expected, outputs = loss_of_a_run(*given)
    assert loss == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(y, outputs, rtol=1e-11, atol=1e-13)


def test_a_hand_worked_case():
    w, a, r, u, target = 0.8, 1.5, -2.0, 0.6, 0.3
    first = math.tanh(a * u)
    second = math.tanh(w * first)
    error = r * second - target
    by_second = 2 * error * r * (1 - second**2)
    expected = (
        error**2,
        r * second,
        by_second * first,
        by_second * w * (1 - first**2) * u,
        2 * error * second,
    )
    given = [np.full((1, 1), x) for x in (w, a, r)] + [np.full((1, 1, 1), x) for x in (u, target)]
    np.testing.assert_allclose([x.item() for x in answer(given)], expected, rtol=1e-13)


@pytest.mark.parametrize("device", DEVICES)
def test_nothing_is_trained_at_the_input_steps(device):
    given = problem(4, 5, 3, 6, 2)
    given[4] = answer(given, device)[1]
    heard, _ = run(Network(*given[:3]), np.moveaxis(given[3], 0, 1))
    assert (abs(heard @ given[2].T) > 0.01).all()
    loss, y, *gradient = answer(given, device)
    np.testing.assert_array_equal(y, given[4])
    assert loss == 0 and not any(g.any() for g in gradient)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("shape", [SHAPES[0], SHAPES[-1]], ids=str)
def test_room_to_spare_changes_no_bit(shape, dtype, device):
    given = problem(*shape)
    exact = answer(given, device, dtype)
    assert all(np.isfinite(x).all() for x in exact)
    for extra in (1, 7):
        assert raw(answer(given, device, dtype, extra)) == raw(exact)


@pytest.mark.parametrize("device", DEVICES)
def test_a_used_room_changes_no_bit_and_answers_outlive_it(device):
    first, second = problem(3, 9, 4, 5, 2), problem(4, 2, 4, 5, 2, seed=1)
    expected = [raw(answer(given, device)) for given in (first, second)]
    room = room_for(first, device)
    got = [backpropagate(*on(given, device), room) for given in (first, second, first)]
    assert [raw(x) for x in got] == [*expected, expected[0]]


@pytest.mark.parametrize("device", DEVICES)
def test_arguments_are_left_alone(device):
    given = problem(3, 4, 2, 5, 2)
    arguments = on(given, device)
    if device is None:
        for x in arguments:
            x.flags.writeable = False
    backpropagate(*arguments, room_for(given, device))
    for x, before in zip(arguments, given, strict=True):
        np.testing.assert_array_equal(np.asarray(x), before)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_numpy_and_torch_agree(shape):
    given = problem(*shape, seed=3)
    for name, a, b in zip(NAMES, answer(given), answer(given, "cpu"), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_single_precision_is_close_to_double(shape, device):
    given = problem(*shape, seed=4)
    single, double = answer(given, device, torch.float32), answer(given, device)
    for name, a, b in zip(NAMES, single, double, strict=True):
        assert np.linalg.norm(a - b) < 1e-5 * np.linalg.norm(b), name
    assert all(a.dtype == np.float32 for a in single[1:])


@pytest.mark.parametrize("device", DEVICES)
def test_answers_have_the_kind_and_the_shapes_of_the_arguments(device):
    arguments = on(problem(3, 4, 2, 5, 6), device)
    got = backpropagate(*arguments, room_for(arguments, device))
    assert isinstance(got.loss, float)
    for name, like in (("y", 4), ("W_hh", 0), ("W_uh", 1), ("W_r", 2)):
        assert getattr(got, name).shape == arguments[like].shape
        assert type(getattr(got, name)) is type(arguments[like])


@pytest.mark.parametrize("device, kind", [(None, np.ndarray), ("cpu", torch.Tensor)])
def test_buffers_are_of_the_kind_asked_for(device, kind):
    room = allocate(7, 2, 3, like(device, torch.float32))
    assert [tuple(x.shape) for x in room] == [(8, 2, 3), (7, 2, 3), (7, 2, 3), (2, 3), (3, 3)]
    assert all(isinstance(x, kind) for x in room)
    assert {str(x.dtype).removeprefix("torch.") for x in room} == {"float32"}
    double = allocate(1, 1, 1, like(device))
    assert {str(x.dtype).removeprefix("torch.") for x in double} == {"float64"}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_buffers_begin_at_the_width_of_a_register(dtype):
    rooms = [allocate(steps, 3, 5, like(None, dtype)) for steps in range(1, 9)]
    assert not any(x.ctypes.data % 64 for room in rooms for x in room)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("change", ["longer", "flat", "empty", "deeper"])
def test_what_does_not_fit_is_refused_by_name(change, place, device):
    given = problem(3, 4, 2, 5, 6)
    x = given[place]
    changed = {"longer": np.concatenate([x, x]), "flat": x[0], "empty": x[:0], "deeper": x[None]}
    names = "W_hh", "W_uh", "W_r", "u", "targets"
    room = room_for(given, device, extra=9)
    given[place] = changed[change]
    if change == "longer" and names[place] in ("u", "targets"):
        backpropagate(*on(given, device), room)  # more steps, for which there is room
        return
    with pytest.raises(ValueError, match=rf"^({'|'.join(names)}) must have"):
        backpropagate(*on(given, device), room)


def test_a_room_of_another_size_is_refused():
    given = problem(3, 4, 2, 5, 6)
    for others in ((7, 3, 5), (7, 2, 4)):
        with pytest.raises(ValueError, match="room must be for 2 sequences and 5 units"):
            backpropagate(*on(given, None), allocate(*others, like()))


def test_arrays_of_two_libraries_do_not_mix():
    given = problem(3, 4, 2, 5, 2)
    mixed = [torch.tensor(given[0]), *given[1:]]
    with pytest.raises(ValueError, match="must all be of torch, as W_hh is"):
        backpropagate(*mixed, room_for(given, "cpu"))
    with pytest.raises(ValueError, match="W_hh must be an AnyArray"):
        backpropagate(*[x.tolist() for x in given], room_for(given))


def test_too_small_a_room_is_refused():
    W_hh, W_uh, W_r = np.zeros((3, 3)), np.zeros((3, 1)), np.zeros((1, 3))
    u, targets = np.zeros((2, 4, 1)), np.zeros((3, 4, 1))
    room = allocate(4, 4, 3, like())
    with pytest.raises(ValueError, match="room must be for at least 5 steps, not 4"):
        backpropagate(W_hh, W_uh, W_r, u, targets, room)


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("activation", LEARNABLE)
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("shape", SHAPES[:5], ids=str)
def test_with_bias_noise_and_other_activations_the_gradients_are_those_of_autograd(
    shape, device, biased, activation, noisy
):
    given, sigma = problem(*shape), {"tanh": torch.tanh, "ReLU": torch.relu}.get(activation)
    b = 0.5 * np.random.default_rng(9).normal(size=len(given[0]))
    W_hh, W_uh, W_r, bias = (torch.tensor(x, requires_grad=True) for x in (*given[:3], b))
    u, targets = (torch.tensor(x) for x in given[3:])
    h, spoken = torch.zeros(u.shape[1], len(b), dtype=torch.float64), []
    shaken = torch.zeros(len(u) + len(targets), *h.shape, dtype=torch.float64)
    if noisy:
        shaken.normal_(generator=torch.Generator().manual_seed(4))
    for t in range(len(u) + len(targets)):
        h = h @ W_hh.T + (u[t] @ W_uh.T if t < len(u) else 0.0) + (bias if biased else 0.0)
        h = h + shaken[t] if sigma is None else sigma(h + shaken[t])
        spoken.append(h @ W_r.T)
    loss = ((torch.stack(spoken[len(u) :]) - targets) ** 2).mean()
    leaves = (W_hh, W_uh, W_r, bias)[: 4 if biased else 3]
    expected = torch.autograd.grad(loss, leaves)

    *weights, bias, shaken = on([*given, b, shaken.numpy()], device)
    how = {"b": bias if biased else None, "noise": shaken if noisy else None}
    got = backpropagate(*weights, room_for(given, device), activation=activation, **how)
    assert math.isclose(got.loss, loss.item(), rel_tol=1e-12)
    assert (got.b is not None) == biased
    for value, right in zip(got[2:], expected, strict=False):
        np.testing.assert_allclose(np.asarray(value), right, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("idea", [training.autograd, training.silent_products])
def test_the_benchmarks_ways_to_the_gradient_are_called_as_training_calls_it(idea):
    """A row of a table is made again with each of them."""
    rng = np.random.default_rng(0)
    shapes = (6, 6), (6, 2), (2, 6), (3, 4, 2), (5, 4, 2)
    arrays = [0.5 * rng.normal(size=shape).astype(np.float32) for shape in shapes]
    how = {"b": None, "activation": "tanh", "noise": None}
    got, wanted = (f(*arrays, allocate(8, 4, 6, arrays[0]), **how) for f in (idea, backpropagate))
    for a, b in zip(got, wanted, strict=True):
        if b is not None:
            np.testing.assert_allclose(a, b, atol=1e-5)
