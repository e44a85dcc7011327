"""Algorithm 1 on networks whose memories are known, and the errata on it as tests."""

import numpy as np
import pytest
from conftest import BASES, straight
from hypothesis import given
from hypothesis import strategies as st
from numpy.linalg import matrix_power

from emt import (
    Network,
    Task,
    TrainingConfig,
    VariableMemories,
    as_printed,
    continuation,
    corrected,
    random_bits,
    repeat_copy,
    run,
    sample_states,
    untrained,
    with_silence,
)
from emt.algorithm1 import (
    READ_DUALS,
    backward_blocks,
    contents,
    forward_blocks,
    normalised,
    read_covectors,
    read_dual,
    read_write_product,
)
from emt.evidence import (
    _principal,
    agreement,
    hops,
    non_memory_space,
    norms_of_powers,
    open_network,
    wrap_around,
)
from emt.impulse import impulse_response

sizes = {
    "s": st.integers(1, 4),
    "kappa": st.integers(1, 3),
    "spare": st.integers(0, 5),
    "seed": st.integers(0, 999),
}
bases = {"basis": st.sampled_from(BASES)}


def identity(x):
    return x


def distance(a, b):
    return abs(a - b).max()


def orthogonal(n, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]


def turning_task(s, kappa, seed=0):
    """F_1 orthogonal but not the identity, the rest 0."""
    F = np.zeros((s, kappa, kappa))
    F[0] = orthogonal(kappa, seed) if kappa > 1 else -np.eye(1)
    return Task(s, kappa, F)


def spectral(W, threshold=0.99):
    values, V = np.linalg.eig(W)
    return (V @ np.diag(abs(values) > threshold) @ np.linalg.inv(V)).real


def block(matrix, k, kappa, axis=0):
    """Block k = 1, 2, ... of the rows or columns."""
    return np.take(matrix, range((k - 1) * kappa, k * kappa), axis=axis)


def in_memory_basis(net, memories):
    return open_network(net.network, memories, sample_states(net.network, net.task, 40))


# The corrected form


@given(**sizes, **bases, alpha=st.sampled_from([0.0, 0.5, 1.0]))
def test_corrected_recovers_the_memories(known, s, kappa, spare, seed, basis, alpha):
    net = known(s, kappa, spare, basis, seed)
    got = corrected(net.network, s, alpha)
    assert distance(got.Psi, net.Psi) < 1e-8
    assert distance(got.Psi_dual, net.Psi_dual) < 1e-8
    Phi = got.Psi_dual @ net.network.W_hh @ got.Psi
    assert distance(Phi, net.task.Phi) < 1e-8


@given(**sizes, seed_F=st.integers(0, 9))
def test_write_grounded_vectors_need_only_the_oldest_read(known, s, kappa, spare, seed, seed_F):
    net = known(spare=spare, seed=seed, task=turning_task(s, kappa, seed_F))
    got = corrected(net.network, s)
    assert distance(got.Psi, net.Psi) < 1e-8
    assert distance(got.Psi_dual, net.Psi_dual) < 1e-8


def test_labels_name_memory_and_component(known):
    expected = [(k, i) for k in (1, 2, 3) for i in (1, 2)]
    for memories in (corrected(known().network, 3), as_printed(known().network, 3)):
        np.testing.assert_array_equal(memories.labels, expected)


def test_a_spare_mode_near_one_does_not_hide_the_memories(known):
    net = known(spare=1, radius=0.993)
    assert distance(corrected(net.network, 3).Psi, net.Psi) < 1e-8
    assert distance(as_printed(net.network, 3).Psi_dual, net.Psi_dual) < 1e-8
    np.testing.assert_allclose(read_write_product(net.network, 3), np.eye(6), atol=1e-8)


def test_a_spare_mode_too_near_is_shown_with_the_threshold_that_would_do(known):
    net = known(spare=1, radius=0.9995)
    around = "leaves 7 .* the moduli around number 6 are 1, 1, 1, 0.9995; 0.99975 parts it"
    with pytest.raises(ValueError, match=around):
        corrected(net.network, 3)
    assert distance(corrected(net.network, 3, threshold=0.99975).Psi, net.Psi) < 1e-8


@pytest.mark.parametrize("threshold", [0.5, 1.1])
def test_corrected_refuses_another_number_of_modes(known, threshold):
    with pytest.raises(ValueError, match=f"threshold = {threshold} leaves .* s \\* kappa = 6"):
        corrected(known(radius=0.7).network, 3, threshold=threshold)


def test_alpha_moves_from_read_to_write(trained):
    w = trained.network
    P, kappa = spectral(w.W_hh), 2
    write = P @ np.hstack([matrix_power(w.W_hh, 4 - k) @ w.W_uh for k in (1, 2, 3, 4)])
    read = np.vstack([w.W_r @ matrix_power(w.W_hh, k % 4) for k in (1, 2, 3, 4)]) @ P
    ends = corrected(w, 4, 1.0), corrected(w, 4, 0.0)
    np.testing.assert_allclose(ends[0].Psi, write, atol=1e-9)
    np.testing.assert_allclose(ends[1].Psi_dual, read, atol=1e-7 * abs(read).max())
    half = corrected(w, 4, 0.5)
    root = ends[1].Psi_dual @ half.Psi
    np.testing.assert_allclose(root @ root, read @ write, atol=1e-8)
    assert (np.linalg.eigvals(root).real > 0).all()
    for memories in (*ends, half):
        assert distance(memories.Psi_dual @ memories.Psi, np.eye(4 * kappa)) < 1e-8
        np.testing.assert_allclose(P @ memories.Psi, memories.Psi, atol=1e-8)
        np.testing.assert_allclose(memories.Psi_dual @ P, memories.Psi_dual, atol=1e-6)


def test_alpha_between_needs_a_network_that_reads_what_it_writes(known):
    w = known().network
    swapped = Network(w.W_hh, w.W_uh, -w.W_r)
    assert distance(corrected(swapped, 3).Psi, known().Psi) < 1e-8
    with pytest.raises(ValueError, match="only alpha = 0 or 1 is defined"):
        corrected(swapped, 3, 0.5)
    read = corrected(swapped, 3, 0.0)  # the other end needs no root
    np.testing.assert_allclose(read.Psi, -corrected(w, 3, 0.0).Psi, atol=1e-8)


# Blocks


@given(**sizes)
def test_blocks_are_powers(s, kappa, spare, seed):
    rng = np.random.default_rng(seed)
    H = kappa + spare
    W, W_uh, W_r = (rng.normal(size=n) for n in ((H, H), (H, kappa), (kappa, H)))
    w, star = Network(W, W_uh, W_r), rng.normal(size=(H, kappa))
    forward, reads = forward_blocks(w, s), read_covectors(w, s)
    backward = backward_blocks(w, s, star)
    for k in range(1, s + 1):
        size = 1e-10 * max(1, np.linalg.norm(W, 2) ** s)
        ahead = matrix_power(W, k % s)
        for got, expected in (
            (block(forward, k, kappa, 1), matrix_power(W, s - k) @ W_uh),
            (block(backward, k, kappa, 1), ahead.T @ star),
            (block(reads, k, kappa), W_r @ ahead),
        ):
            np.testing.assert_allclose(got, expected, atol=10 * size)
    assert forward.shape == backward.shape == reads.T.shape == (H, s * kappa)


@given(**sizes, **bases)
def test_the_product_of_reads_and_writes_is_the_identity(known, s, kappa, spare, seed, basis):
    net = known(s, kappa, spare, basis, seed)
    np.testing.assert_allclose(read_write_product(net.network, s), np.eye(s * kappa), atol=1e-8)


def test_the_product_is_the_block_hankel_matrix_of_the_projected_response(trained):
    w, s, kappa = trained.network, 4, 2
    P = spectral(w.W_hh)
    got = read_write_product(w, s)
    for k in range(1, s + 1):
        for j in range(1, s + 1):
            m = (k % s) + s - j
            expected = w.W_r @ matrix_power(w.W_hh, m) @ P @ w.W_uh
            np.testing.assert_allclose(
                block(block(got, k, kappa), j, kappa, 1), expected, atol=1e-8
            )
    assert 1e-4 < distance(got, np.eye(8)) < 0.5


# Algorithm 1 as printed (errata, B2, B4 to B6)


@given(**sizes, **bases)
def test_the_texts_covectors_are_right_and_its_vectors_are_not(known, s, kappa, spare, seed, basis):
    net = known(s, kappa, spare, basis, seed)
    got = as_printed(net.network, s, removal="orthogonal")
    assert distance(got.Psi_dual, net.Psi_dual) < 1e-8
    oblique = basis == "oblique" and spare > 0
    assert (distance(got.Psi, net.Psi) > 1e-5) == oblique
    assert distance(got.Psi_dual @ net.network.W_hh @ got.Psi, net.task.Phi) < 1e-8


@given(**sizes, **bases)
def test_the_boxs_vectors_are_right_and_its_covectors_are_not(known, s, kappa, spare, seed, basis):
    net = known(s, kappa, spare, basis, seed)
    got = as_printed(net.network, s, removal="none")
    assert distance(got.Psi, net.Psi) < 1e-8
    oblique = basis == "oblique" and spare > 0
    assert (distance(got.Psi_dual, net.Psi_dual) > 1e-5) == oblique


def test_text_and_correction_read_a_trained_network_alike(trained):
    text, right = as_printed(trained.network, 4), corrected(trained.network, 4)
    np.testing.assert_allclose(text.Psi_dual, right.Psi_dual, atol=1e-7)
    W = trained.network.W_hh
    np.testing.assert_allclose(
        text.Psi_dual @ W @ text.Psi, right.Psi_dual @ W @ right.Psi, atol=1e-8
    )
    assert np.linalg.norm(text.Psi - right.Psi) > 0.01 * np.linalg.norm(right.Psi)


@pytest.mark.parametrize("kind", READ_DUALS)
@pytest.mark.parametrize("removal", ["none", "orthogonal"])
@pytest.mark.parametrize("alpha", [0.0, 0.25, 1.0])
def test_as_printed_is_the_average_of_equations_14_and_15(known, kind, removal, alpha):
    net = known(basis="oblique")
    w = net.network
    star = {
        "transpose": w.W_r.T,
        "pseudoinverse": w.W_r.T @ np.linalg.inv(w.W_r @ w.W_r.T),
        "dual": net.Psi[:, 4:],
    }[kind]
    write = np.hstack([matrix_power(w.W_hh, 3 - k) @ w.W_uh for k in (1, 2, 3)])
    read = np.hstack([matrix_power(w.W_hh.T, k % 3) @ star for k in (1, 2, 3)])
    expected = alpha * write + (1 - alpha) * read
    if removal == "orthogonal":
        values, V = np.linalg.eig(w.W_hh)
        short = V[:, abs(values) < 0.99]
        hat = short @ np.linalg.inv(short.conj().T @ short) @ short.conj().T
        expected = expected - (hat @ expected).real
    got = as_printed(w, 3, alpha, kind, removal)
    np.testing.assert_allclose(got.Psi, expected, atol=1e-9)
    np.testing.assert_allclose(got.Psi_dual, np.linalg.pinv(expected), atol=1e-8)


def test_any_alpha_will_do_for_orthonormal_memories_only(known):
    for basis, alpha in ((basis, alpha) for basis in BASES for alpha in (0.0, 0.5)):
        net = known(basis=basis)
        error = distance(as_printed(net.network, 3, alpha).Psi, net.Psi)
        assert error < 1e-9 if basis == "orthonormal" else error > 0.01


def test_forward_half_is_wrong_where_f_reads_newer_vectors(known):
    F = 0.3 * np.random.default_rng(1).normal(size=(3, 2, 2))
    net = known(task=Task(3, 2, F))
    W, newest = net.network.W_hh, net.network.W_uh
    blocks = [newest]
    for k in (3, 2):
        blocks.insert(0, W @ blocks[0] - newest @ F[k - 1])
    assert distance(np.hstack(blocks), net.Psi) < 1e-10
    assert distance(W @ blocks[0], newest @ F[0]) < 1e-10
    assert distance(forward_blocks(net.network, 3), net.Psi) > 0.05


def test_backward_half_holds_covectors_not_vectors(known):
    for basis in BASES:
        net = known(basis=basis)
        backward = backward_blocks(net.network, 3, net.network.W_r.T)
        assert distance(backward.T, net.Psi_dual) < 1e-10
        error = distance(backward, net.Psi)
        assert error < 1e-10 if basis == "orthonormal" else error > 0.01
    turned = known(basis="orthonormal", task=turning_task(3, 2))
    backward = backward_blocks(turned.network, 3, turned.network.W_r.T)
    assert distance(backward, turned.Psi) > 0.05
    F_1, reads = turned.task.F[0], read_covectors(turned.network, 3)
    for k in (1, 2):
        np.testing.assert_allclose(
            block(reads, k, 2), F_1 @ block(turned.Psi_dual, k, 2), atol=1e-10
        )


@pytest.mark.parametrize("basis", BASES)
def test_three_readings_of_the_read_dual_differ(known, basis):
    net = known(basis=basis)
    w, newest = net.network, net.Psi[:, -2:]
    readings = {kind: read_dual(w, 3, kind) for kind in READ_DUALS}
    np.testing.assert_array_equal(readings["transpose"], w.W_r.T)
    np.testing.assert_allclose(w.W_r @ readings["pseudoinverse"], np.eye(2), atol=1e-10)
    assert distance(readings["dual"], newest) < 1e-9
    for kind in ("transpose", "pseudoinverse"):
        error = distance(readings[kind], newest)
        assert error < 1e-9 if basis == "orthonormal" else error > 0.01


def test_the_pseudoinverse_is_right_for_a_last_memory_orthogonal_to_all_else(known):
    net = known(basis="orthonormal")
    mixed = net.Psi.copy()
    mixed[:, :4] = mixed[:, :4] @ np.random.default_rng(0).normal(size=(4, 4))
    dual = np.linalg.pinv(mixed)
    w = Network(mixed @ net.task.Phi @ dual, mixed[:, 4:], dual[4:])
    assert distance(read_dual(w, 3), mixed[:, 4:]) < 1e-9
    assert distance(as_printed(w, 3, 0.0).Psi, mixed) > 0.05


# Reading and the rest of the space


def test_contents_undo_the_vectors(known):
    net = known()
    c = np.random.default_rng(0).normal(size=(2, 5, 6))
    np.testing.assert_allclose(contents(corrected(net.network, 3), c @ net.Psi.T), c, atol=1e-9)


def test_the_inputs_hop_through_the_memories(known):
    net = known(4, 2)
    u = random_bits(net.task, 1, np.random.default_rng(0))[0]
    h, _ = run(straight(net.network), with_silence(u, 8))
    held = contents(corrected(net.network, 4), h).reshape(12, 4, 2)
    sequence = np.concatenate([np.zeros((3, 2)), u, continuation(net.task, u, 8)])
    for t in range(1, 13):
        np.testing.assert_allclose(held[t - 1], sequence[t - 1 : t + 3], atol=1e-9)
    assert max(hops(held.reshape(12, 8), u)) < 1e-9


@pytest.mark.parametrize(
    "at, error",
    [
        ((0, 0, 0), {"empty": 0.5}),
        ((1, 1, 0), {"empty": 0.5, "carried": 0.5}),
        ((2, 0, 1), {"empty": 0.5, "carried": 0.5}),
        ((1, 3, 1), {"written": 0.5, "carried": 0.5}),
        ((3, 0, 0), {"carried": 0.5, "returned": 0.5}),
        ((6, 1, 0), {"kept": 0.5}),
        ((9, 3, 0), {"returned": 0.5}),
    ],
)
def test_hops_finds_a_planted_error(at, error):
    u = random_bits(repeat_copy(4, 2), 1, np.random.default_rng(0))[0]
    sequence = np.concatenate([np.zeros((3, 2)), u, u, u])
    held = np.stack([sequence[t : t + 4] for t in range(10)])
    assert hops(held.reshape(10, 8), u) == (0, 0, 0, 0, 0)
    held[at] += 0.5
    got = hops(held.reshape(10, 8), u)._asdict()
    assert got == {**dict.fromkeys(got, 0.0), **error}


def test_normalised_scales_and_changes_nothing_else(known):
    net = known(basis="oblique")
    memories = corrected(net.network, 3)
    scaled = VariableMemories(5 * memories.Psi, memories.Psi_dual / 5, memories.labels)
    got = normalised(scaled)
    assert np.mean([np.linalg.norm(column) for column in got.Psi.T]) == pytest.approx(1)
    factor = got.Psi[0, 0] / memories.Psi[0, 0]
    np.testing.assert_allclose(got.Psi, factor * memories.Psi, atol=1e-12)
    np.testing.assert_allclose(got.Psi_dual @ got.Psi, np.eye(6), atol=1e-10)
    np.testing.assert_array_equal(got.labels, memories.labels)


@pytest.mark.parametrize("analyse", [corrected, as_printed])
def test_non_memory_space_is_the_pca_of_what_memories_leave(known, analyse):
    net = known(spare=4)
    memories = analyse(net.network, 3)
    rng = np.random.default_rng(0)
    h = rng.normal(size=(300, 10)) @ rng.normal(size=(10, 10)) + rng.normal(size=10)
    left = h - (h @ memories.Psi_dual.T) @ memories.Psi.T
    variance, axes = np.linalg.eigh(np.cov(left.T, bias=True))
    space = non_memory_space(memories, h)
    assert space.completion == 0
    np.testing.assert_allclose(space.variance, variance[::-1][:4], rtol=1e-8)
    overlap = space.Psi_perp.T @ axes[:, ::-1][:, :4]
    np.testing.assert_allclose(abs(overlap), np.eye(4), atol=1e-7)
    assert (space.Psi_perp.max(axis=0) > -space.Psi_perp.min(axis=0)).all()  # that is its sign
    np.testing.assert_allclose(memories.Psi_dual @ space.Psi_perp, 0, atol=1e-9)


def test_what_no_state_reaches_is_completed_and_said(known):
    net = known(3, 2, 4)
    memories = corrected(net.network, 3)
    u = random_bits(net.task, 20, np.random.default_rng(0))
    exact = run(straight(net.network), with_silence(u, 9))[0].reshape(-1, 10)
    direction = np.linalg.svd(memories.Psi_dual)[2][-1]
    for h, reached in (
        (exact, 0),
        (exact + np.linspace(-1, 1, len(exact))[:, None] * direction, 1),
        (exact[:1], 0),
    ):
        space = non_memory_space(memories, h)
        assert space.completion == 4 - reached
        assert np.count_nonzero(space.variance) == reached
        np.testing.assert_allclose(space.Psi_perp.T @ space.Psi_perp, np.eye(4), atol=1e-10)
        np.testing.assert_allclose(memories.Psi_dual @ space.Psi_perp, 0, atol=1e-9)


def test_four_blocks_are_the_matrix_in_the_memory_basis(trained):
    w = trained.network
    memories = as_printed(w, 4)
    states = sample_states(w, trained.task, 12)
    space = non_memory_space(memories, states)
    got = open_network(w, memories, states)
    np.testing.assert_allclose(memories.Phi(w), got.Phi_learned, atol=1e-7)
    scale = np.mean([np.linalg.norm(column) for column in memories.Psi.T])
    B = np.hstack([memories.Psi / scale, space.Psi_perp])
    expected = np.linalg.inv(B) @ w.W_hh @ B
    np.testing.assert_allclose(got.matrix, expected, atol=1e-7)
    corners = got.Phi_learned, got.to_memory, got.from_memory, got.rest
    assert [corner.shape for corner in corners] == [(8, 8), (8, 8), (8, 8), (8, 8)]
    np.testing.assert_array_equal(got.to_memory, got.matrix[:8, 8:])
    np.testing.assert_array_equal(got.from_memory, got.matrix[8:, :8])
    np.testing.assert_allclose(
        got.Phi_learned, memories.Psi_dual @ w.W_hh @ memories.Psi, atol=1e-7
    )


# What could have failed, and what could not (errata, B1, B7, B9)


@pytest.mark.parametrize("initialisation", ["orthogonal", "torch"])
def test_an_untrained_network_has_all_of_phi_but_the_wrap_around(initialisation):
    task = repeat_copy(6, 2)
    w = untrained(task, TrainingConfig(hidden=24, initialisation=initialisation))
    memories = as_printed(w, 6, removal="none")
    Phi = task.Phi
    learned = memories.Psi_dual @ w.W_hh @ memories.Psi
    np.testing.assert_allclose(learned[:, 2:], Phi[:, 2:], atol=1e-7)
    assert agreement(learned, Phi).cosine > 0.8
    assert agreement(learned[:, :2], Phi[:, :2]).cosine < 0.5
    assert wrap_around(learned, task) == agreement(learned[:, :2], Phi[:, :2])


def test_a_trained_network_closes_the_loop(trained):
    w = trained.network
    learned = in_memory_basis(trained, corrected(w, 4)).Phi_learned
    assert wrap_around(learned, trained.task).cosine > 0.98
    before = untrained(trained.task, trained.config)
    assert wrap_around(trained.task.Phi, trained.task) == pytest.approx((1, 0))
    theory = np.stack([np.eye(2) * (m % 4 == 0) for m in range(1, 17)])
    assert agreement(impulse_response(w, 16), theory).cosine > 0.95
    assert abs(agreement(impulse_response(before, 16), theory).cosine) < 0.5


FORMS = {
    "box": (lambda w: as_printed(w, 4, removal="none"), {"from_memory"}),
    "text": (lambda w: as_printed(w, 4, removal="orthogonal"), {"to_memory"}),
    "corrected": (lambda w: corrected(w, 4), {"from_memory", "to_memory"}),
}


@pytest.mark.parametrize("form", FORMS)
def test_which_off_diagonal_block_is_zero_by_construction(known, trained, form):
    analyse, zero = FORMS[form]
    exact = known(4, 2, 8, seed=3)
    for net in (exact, trained):
        blocks = in_memory_basis(net, analyse(net.network))
        for name in ("from_memory", "to_memory"):
            size = abs(getattr(blocks, name)).max()
            if name not in zero:
                assert size > 0.01
            elif net is exact or form != "box":  # the box's vectors of a learned network stray
                assert size < 1e-7


def test_off_diagonal_blocks_do_not_depend_on_the_scale_they_are_given(known):
    net = known()
    memories = as_printed(net.network, 3)
    scaled = VariableMemories(9 * memories.Psi, memories.Psi_dual / 9, memories.labels)
    h = sample_states(net.network, net.task, 9)
    for size in (memories, scaled):
        space = non_memory_space(size, h)
        unscaled = np.hstack([size.Psi, space.Psi_perp])
        leak = (np.linalg.inv(unscaled) @ net.network.W_hh @ unscaled)[6:, :6]
        got = open_network(net.network, size, h).from_memory
        length = np.mean([np.linalg.norm(column) for column in size.Psi.T])
        np.testing.assert_allclose(got * length, leak, atol=1e-9)
        assert abs(got).max() > 0.01


# Basis-free measures


def test_impulse_response_is_what_an_impulse_leaves(noise):
    w = Network(noise.W_hh, noise.W_uh, noise.W_r)
    got = impulse_response(w, 5)
    impulses = np.zeros((3, 6, 3))
    impulses[range(3), 0, range(3)] = 1
    _, y = run(straight(w), impulses)
    np.testing.assert_allclose(got, np.moveaxis(y[:, 1:], 0, -1), atol=1e-10)
    assert got.shape == (5, 3, 3)


def test_agreement_is_angle_and_distance():
    theory = np.array([[3.0, 0.0], [0.0, 4.0]])
    assert agreement(2 * theory, theory) == pytest.approx((1.0, 1.0))
    assert agreement(-theory, theory) == pytest.approx((-1.0, 2.0))
    assert agreement(0 * theory, theory) == (0.0, 1.0)
    tilted = np.array([[3.0, 5.0], [0.0, 4.0]])
    assert agreement(tilted, theory) == pytest.approx((np.sqrt(0.5), 1.0))
    assert agreement(theory, tilted) == pytest.approx((np.sqrt(0.5), np.sqrt(0.5)))


def test_norms_are_of_powers_from_the_first():
    block = np.array([[0.5, 4.0, 0], [0, 0.5, 1], [0.1, 0, 0.2]])
    expected = [
        max(np.sqrt(np.linalg.eigvalsh(p.T @ p)))
        for p in (matrix_power(block, n) for n in range(1, 7))
    ]
    np.testing.assert_allclose(norms_of_powers(block, 6), expected, rtol=1e-8)


def test_the_rest_decays(trained):
    rest = in_memory_basis(trained, corrected(trained.network, 4)).rest
    norms = norms_of_powers(rest, 60)
    assert norms[-1] < 0.01 * norms[0]
    assert abs(np.linalg.eigvals(rest)).max() < 0.95


@given(**sizes, seed_h=st.integers(0, 99))
def test_sampled_states_are_runs_on_random_bits(known, s, kappa, spare, seed, seed_h):
    net = known(s, kappa, spare, "oblique", seed)
    got = sample_states(net.network, net.task, 3, 4, seed_h)
    assert got.shape == (4 * (s + 3), s * kappa + spare)
    u = random_bits(net.task, 4, np.random.default_rng(seed_h))
    for n in range(4):
        h, _ = run(net.network, with_silence(u[n], 3))
        np.testing.assert_allclose(got[n * (s + 3) : (n + 1) * (s + 3)], h, atol=1e-12)


def test_weak_directions_are_as_exact_as_strong_ones():
    rng = np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.normal(size=(n, 8)))[0] for n in (8, 20))
    sizes = 10.0 ** -np.arange(8)
    got, singular = _principal(U * sizes @ V.T)
    np.testing.assert_allclose(singular, sizes, rtol=1e-6)
    np.testing.assert_allclose(abs((got * U).sum(axis=0)), 1.0, atol=1e-6)
    np.testing.assert_allclose(got.T @ got, np.eye(8), atol=1e-12)
