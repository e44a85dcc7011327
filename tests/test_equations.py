"""Eqs. (1) to (37), one test each: the function that the index names against a second route.

The second route is the paper's formula, corrected where the errata say so, written out with numpy
alone: sums over indices, loops, direct recursion. A test takes from the module under test nothing
but that function and the records needed to call it.
"""

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.linalg import inv, matrix_power
from scipy.integrate import solve_ivp

SIZES = [(1, 1), (1, 3), (2, 1), (2, 3), (3, 2), (4, 3)]  # s, kappa
SIGMAS = {  # function and inverse
    "tanh": (np.tanh, np.arctanh),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), lambda y: np.log(y) - np.log1p(-y)),
    "leaky ReLU": (lambda x: np.where(x > 0, x, x / 10), lambda y: np.where(y > 0, y, y * 10)),
}


def close(got, expected) -> None:
    """Demand the same shape, and equality to 1e-12 of the largest entry."""
    expected = np.asarray(expected)
    assert np.shape(got) == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12 * abs(expected).max())


def to(n: int) -> range:
    """Return 1 ... n, as the paper counts."""
    return range(1, n + 1)


def counted(rows: np.ndarray) -> dict[int, np.ndarray]:
    """Return the rows, counted from 1."""
    return dict(enumerate(rows, start=1))


def oblique(rng, H: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return n of H basis vectors at odd angles, and their covectors in that basis."""
    B = np.linalg.qr(rng.normal(size=(H, H)))[0] + 0.3 * rng.normal(size=(H, H)) / np.sqrt(H)
    return B[:, :n], inv(B)[:n]


def networks() -> Iterator:
    """Yield s, kappa, memories, covectors and inputs u(1) ... u(s) of every size."""
    for seed, (s, kappa) in enumerate(SIZES):
        rng = np.random.default_rng(seed)
        Psi, dual = oblique(rng, s * kappa + 3, s * kappa)
        yield s, kappa, Psi, dual, rng.normal(size=(s, kappa))


def rules() -> Iterator:
    """Yield s, kappa, coefficients F_1 ... F_s and a generator of every size."""
    for seed, (s, kappa) in enumerate(SIZES):
        rng = np.random.default_rng(seed)
        yield s, kappa, rng.normal(size=(s, kappa, kappa)), rng


def second_inputs(s: int, kappa: int, u: np.ndarray) -> np.ndarray:
    """Return u, or two inputs where s is 1: Eqs. (30), (31) hold there too."""
    return u if s > 1 else np.vstack([u, np.cos(to(kappa))])


def learned() -> Iterator:
    """Yield s, kappa and W_hh, W_uh, W_r without any structure, and the pseudoinverse of W_r."""
    for seed, (s, kappa) in enumerate(SIZES):
        rng = np.random.default_rng(seed)
        H = s * kappa + 3
        shapes = (H, H), (H, kappa), (kappa, H)
        W_hh, W_uh, W_r = (rng.normal(size=shape) / np.sqrt(H) for shape in shapes)
        yield s, kappa, (W_hh, W_uh, W_r), W_r.T @ inv(W_r @ W_r.T)


def memory_models() -> Iterator:
    """Yield Xi, its pseudoinverse, Phi', alpha_s, alpha_c and a generator."""
    for seed, (N_f, N_h) in enumerate([(3, 1), (4, 2), (5, 3), (6, 4), (8, 5)]):
        rng = np.random.default_rng(seed)
        Xi = rng.normal(size=(N_f, N_h)) / np.sqrt(N_f)
        Phi_prime = rng.normal(size=(N_h, N_h))
        yield Xi, inv(Xi.T @ Xi) @ Xi.T, Phi_prime, *rng.uniform(0.4, 2.5, size=2).tolist(), rng


def weights_of(Xi, Xi_dagger, Phi_prime, alpha_s, alpha_c) -> np.ndarray:
    """Return ``Xi Phi Xi^dagger`` with ``Phi = alpha_s I + sqrt(alpha_s) alpha_c Phi'^T``."""
    within = alpha_s * np.einsum("im,mj->ij", Xi, Xi_dagger)
    between = np.einsum("im,nm,nj->ij", Xi, Phi_prime, Xi_dagger)
    return within + math.sqrt(alpha_s) * alpha_c * between


def square_matrices() -> Iterator:
    """Yield W, a vector, and a generator."""
    for seed, N in enumerate([1, 2, 3, 5, 8]):
        rng = np.random.default_rng(seed)
        yield 1.3 * rng.normal(size=(N, N)) / np.sqrt(N), rng.normal(size=N), rng


def applied(W, x) -> np.ndarray:
    """Return ``sum_j W_ij x_j``, entry by entry."""
    return np.array([math.fsum(W[i, j] * x[j] for j in range(len(x))) for i in range(len(W))])


def copying(s: int, kappa: int, ket, bra) -> np.ndarray:
    """Return the two sums of Eq. (12) over kets and bras counted from 1."""
    n = s * kappa
    down = (np.outer(ket[mu], bra[mu + kappa]) for mu in to(n - kappa))
    round_ = (np.outer(ket[mu], bra[mu - n + kappa]) for mu in range(n - kappa + 1, n + 1))
    return sum(down) + sum(round_)


def recursion(Psi, dual, u, s: int, t: int) -> np.ndarray:
    """Return h(t) of ``h(t) = W_hh h(t-1) + W_uh u(t)``, step by step."""
    kappa = u.shape[1]
    W_hh = Psi @ np.roll(np.eye(s * kappa), kappa, axis=1) @ dual
    h = np.zeros(len(Psi))
    for step in range(t):
        h = W_hh @ h
        if step < len(u):
            h = h + Psi[:, -kappa:] @ u[step]
    return h


def literal_flow(t, y, Xi, Xi_dagger, Phi_prime, alpha_s, alpha_c, T_f, T_h, T_d):
    """Return the right-hand sides of Eq. (1), unit by unit; sigma_f is arctan, sigma_h tanh."""
    N_f, N_h = Xi.shape
    V_f, V_h, V_d = y[:N_f], y[N_f : N_f + N_h], y[N_f + N_h :]
    root, features, hidden = math.sqrt(alpha_s), range(N_f), range(N_h)
    f, g = [math.atan(v) for v in V_f], [math.tanh(v) for v in V_h]
    dV_f = [(sum(root * Xi[i, m] * g[m] for m in hidden) - V_f[i]) / T_f for i in features]
    within = [sum(root * Xi_dagger[m, i] * f[i] for i in features) for m in hidden]
    delayed = [sum(Xi_dagger[n, i] * V_d[i] for i in features) for n in hidden]
    between = [sum(alpha_c * Phi_prime[n, m] * delayed[n] for n in hidden) for m in hidden]
    dV_h = [(within[m] + between[m] - V_h[m]) / T_h for m in hidden]
    dV_d = [(f[i] - V_d[i]) / T_d for i in features]
    return np.array([*dV_f, *dV_h, *dV_d])


def test_equation_1():
    """Unit by unit, and the slope of a solution found by an explicit integrator."""
    from emt.gsemm import GSEMM, State, flow

    for *arrays, rng in memory_models():
        N_f, N_h = arrays[0].shape
        arguments = *arrays, *rng.uniform(0.4, 2.5, size=3).tolist()
        model = GSEMM(*arguments, np.arctan, np.tanh)
        y = rng.normal(size=2 * N_f + N_h)
        rates = flow(model, State(*np.split(y, [N_f, N_f + N_h])))
        close(np.concatenate(rates), literal_flow(0, y, *arguments))
        e, exact = 1e-4, {"method": "DOP853", "args": arguments, "rtol": 1e-13, "atol": 1e-13}
        solution = solve_ivp(literal_flow, (0, 2 * e), y, t_eval=[0, e, 2 * e], **exact)
        before, now, after = solution.y.T
        rates = flow(model, State(*np.split(now, [N_f, N_f + N_h])))
        np.testing.assert_allclose(np.concatenate(rates), (after - before) / (2 * e), atol=1e-6)


def test_equation_2():
    """Five steps, against the discrete model run one layer of units after the other."""
    from emt.gsemm import elman_step

    for Xi, Xi_dagger, Phi_prime, alpha_s, alpha_c, rng in memory_models():
        W = weights_of(Xi, Xi_dagger, Phi_prime, alpha_s, alpha_c)
        got = h = rng.uniform(-1, 1, size=len(Xi))
        for _ in range(5):
            overlap = applied(Xi_dagger, h)
            V_h = math.sqrt(alpha_s) * overlap + alpha_c * applied(Phi_prime.T, overlap)
            h = np.arctan(math.sqrt(alpha_s) * applied(Xi, V_h))
            got = elman_step(W, got, np.arctan)
            close(got, h)


def test_equation_3():
    """The coefficients that a vector was put together with, and those of a linear system."""
    from emt.basis import components

    for seed, (H, n) in enumerate([(1, 1), (3, 3), (5, 3), (8, 8), (9, 4)]):
        rng = np.random.default_rng(seed)
        basis, covectors = oblique(rng, H, n)
        v_i = rng.normal(size=n)
        v = sum(v_i[i] * basis[:, i] for i in range(n))
        close(components(v, covectors), v_i)
        close(components(v, covectors), np.linalg.lstsq(basis, v)[0])
        many = rng.normal(size=(2, 3, H))
        close(components(many, covectors), np.einsum("ih,abh->abi", covectors, many))


def test_equation_4():
    """The sum over mu and nu, entry by entry, and five steps of the recurrence."""
    from emt.basis import operator

    for seed, (N_f, N_h) in enumerate([(1, 1), (3, 2), (4, 4), (6, 3)]):
        rng = np.random.default_rng(seed)
        (xi, xi_dagger), Phi = oblique(rng, N_f, N_h), rng.normal(size=(N_h, N_h))
        both = [(mu, nu) for mu in range(N_h) for nu in range(N_h)]
        W = np.zeros((N_f, N_f))
        for i in range(N_f):
            for j in range(N_f):
                W[i, j] = sum(xi[i, mu] * Phi[mu, nu] * xi_dagger[nu, j] for mu, nu in both)
        close(operator(Phi, xi, xi_dagger), W)
        got = h = rng.normal(size=N_f)
        for _ in range(5):
            h = np.tanh(np.einsum("im,mn,nj,j->i", xi, Phi, xi_dagger, h))
            got = np.tanh(operator(Phi, xi, xi_dagger) @ got)
            close(got, h)


def test_equation_5():
    """A loop over time and over k, with and without signs, alone and in a batch."""
    from emt.tasks import Task, continuation

    for s, kappa, F, rng in rules():
        given = rng.normal(size=(2, s, kappa))
        for threshold in (False, True):
            expected = []
            for u in map(counted, given):
                for t in range(s + 1, 3 * s + 4):
                    f = sum(applied(F[k - 1], u[t - s + k - 1]) for k in to(s))
                    u[t] = np.where(f > 0, 1.0, -1.0) if threshold else f
                expected.append([u[t] for t in range(s + 1, 3 * s + 4)])
            task = Task(s, kappa, F, threshold)
            close(continuation(task, given, 2 * s + 3), expected)
            close(continuation(task, given[1], 2 * s + 3), expected[1])


def test_equation_6():
    """A loop in the paper's time, driven at every step, without bias and with."""
    from emt.network import Network, run

    for seed, (H, kappa, T) in enumerate([(1, 1, 3), (4, 2, 7), (7, 3, 9)]):
        rng = np.random.default_rng(seed)
        W_hh, W_uh, W_r = (rng.normal(size=k) for k in ((H, H), (H, kappa), (kappa, H)))
        u = rng.normal(size=(2, T, kappa))
        for b in (None, rng.normal(size=H)):
            bias = np.zeros(H) if b is None else b
            h, y = np.zeros((2, T + 1, H)), np.zeros((2, T, kappa))
            for n in range(2):
                for t in range(T):
                    h[n, t + 1] = np.tanh(applied(W_hh, h[n, t]) + applied(W_uh, u[n, t]) + bias)
                    y[n, t] = applied(W_r, h[n, t + 1])
            got_h, got_y = run(Network(W_hh, W_uh, W_r, b), u)
            close(got_h, h[:, 1:])
            close(got_y, y)
            close(run(Network(W_hh, W_uh, W_r, b), u[1])[1], y[1])


def test_equation_7():
    """Three operators one after the other: read the components, let them interact, write."""
    from emt.basis import operator

    for s, kappa, xi, xi_dagger, _ in networks():
        rng = np.random.default_rng(s)
        Phi, h = rng.normal(size=(s * kappa, s * kappa)), rng.normal(size=len(xi))
        close(operator(Phi, xi, xi_dagger) @ h, applied(xi, applied(Phi, applied(xi_dagger, h))))


def test_equation_8():
    """The sum of outer products; in the new basis the components go through Phi alone."""
    from emt.basis import operator

    for s, kappa, Psi, dual, _ in networks():
        n, rng = s * kappa, np.random.default_rng(s)
        Phi, h_psi = rng.normal(size=(n, n)), rng.normal(size=n)
        ket, bra = counted(Psi.T), counted(dual)
        W = sum(Phi[mu - 1, nu - 1] * np.outer(ket[mu], bra[nu]) for mu in to(n) for nu in to(n))
        close(operator(Phi, Psi, dual), W)
        h = sum(h_psi[mu - 1] * ket[mu] for mu in to(n))
        h = operator(Phi, Psi, dual) @ h
        close(np.array([bra[mu] @ h for mu in to(n)]), applied(Phi, h_psi))


def test_equation_9():
    """Both sums, with f in the components of the last kappa rows; and what they do to a history."""
    from emt.tasks import Task

    for s, kappa, F, rng in rules():
        n = s * kappa
        e = counted(np.eye(n))
        Phi = np.zeros((n, n))
        for mu in to(n - kappa):
            Phi += np.outer(e[mu], e[mu + kappa])
        for i in to(kappa):
            for k in to(s):
                for j in to(kappa):
                    outer = np.outer(e[n - kappa + i], e[(k - 1) * kappa + j])
                    Phi += F[k - 1, i - 1, j - 1] * outer
        got = Task(s, kappa, F).Phi
        close(got, Phi)
        u = rng.normal(size=(s, kappa))
        f = sum(applied(F[k], u[k]) for k in range(s))
        close(got @ u.ravel(), np.concatenate([*u[1:], f]))


def test_equation_10():
    """The sum of outer products, with given covectors and with those of the span."""
    from emt.linear_network import constructed
    from emt.tasks import Task

    for (s, kappa, F, _), (_, _, Psi, dual, _) in zip(rules(), networks(), strict=True):
        e = counted(np.eye(kappa))
        last = range((s - 1) * kappa + 1, s * kappa + 1)
        for given, rows in ((dual, dual), (None, inv(Psi.T @ Psi) @ Psi.T)):
            bra = counted(rows)
            W_r = sum(np.outer(e[mu - (s - 1) * kappa], bra[mu]) for mu in last)
            close(constructed(Task(s, kappa, F), Psi, given).W_r, W_r)


def test_equation_11():
    """The sum of outer products."""
    from emt.linear_network import constructed
    from emt.tasks import Task

    for (s, kappa, F, _), (_, _, Psi, dual, _) in zip(rules(), networks(), strict=True):
        ket, e = counted(Psi.T), counted(np.eye(kappa))
        W_uh = sum(np.outer(ket[(s - 1) * kappa + j], e[j]) for j in to(kappa))
        close(constructed(Task(s, kappa, F), Psi, dual).W_uh, W_uh)


def test_equation_12():
    """Both sums in the standard basis."""
    from emt.tasks import Task

    for s, kappa in SIZES:
        e, F = counted(np.eye(s * kappa)), np.zeros((s, kappa, kappa))
        F[0] = np.eye(kappa)
        close(Task(s, kappa, F).Phi, copying(s, kappa, e, e))


def test_equation_13():
    """Direct recursion over three cycles, and the sum over mu and i with its index corrected."""
    from emt.linear_network import repeat_copy_state

    for s, kappa, Psi, dual, u in networks():
        ket = counted(Psi.T)
        for t in range(3 * s + 2):
            h = sum(
                u[mu - 1, i - 1] * ket[((mu - t - 1) % s) * kappa + i]
                for mu in to(s)
                for i in to(kappa)
            )
            close(repeat_copy_state(Psi, u, s, s + t), h)
            close(repeat_copy_state(Psi, u, s, s + t), recursion(Psi, dual, u, s, s + t))


def test_equation_14():
    """The weighted average, as the last block of Psi."""
    from emt.algorithm1 import as_printed
    from emt.network import Network

    for s, kappa, arrays, star in learned():
        for alpha in (0.0, 0.3, 0.5, 1.0):
            Psi = as_printed(Network(*arrays), s, alpha, "pseudoinverse", removal="none").Psi
            close(Psi[:, (s - 1) * kappa :], alpha * arrays[1] + (1 - alpha) * star)


def test_equation_15():
    """The weighted average of two matrix powers, for every k below s."""
    from emt.algorithm1 import as_printed
    from emt.network import Network

    for s, kappa, arrays, star in learned():
        W_hh, W_uh, _ = arrays
        for alpha in (0.0, 0.3, 0.5, 1.0):
            Psi = as_printed(Network(*arrays), s, alpha, "pseudoinverse", removal="none").Psi
            assert Psi.shape == (len(W_hh), s * kappa)
            for k in range(1, s):
                forward = matrix_power(W_hh, s - k) @ W_uh
                backward = matrix_power(W_hh.T, k) @ star
                block = Psi[:, (k - 1) * kappa : k * kappa]
                close(block, alpha * forward + (1 - alpha) * backward)


def test_equation_16():
    """The three lines, one after the other, for activations and constants that all matter."""
    from emt.gsemm import GSEMM, euler_step

    for Xi, Xi_dagger, Phi_prime, alpha_s, alpha_c, rng in memory_models():
        T_f = rng.uniform(1.2, 3.0)
        model = GSEMM(
            Xi, Xi_dagger, Phi_prime, alpha_s, alpha_c, T_f, sigma_f=np.arctan, sigma_h=np.tanh
        )
        V_f = rng.normal(size=len(Xi))
        V_d = np.arctan(V_f)
        V_h = math.sqrt(alpha_s) * applied(Xi_dagger, np.arctan(V_f))
        V_h = V_h + alpha_c * applied(Phi_prime.T, applied(Xi_dagger, V_d))
        change = math.sqrt(alpha_s) * applied(Xi, np.tanh(V_h)) - V_f
        close(T_f * (euler_step(model, V_f, 1.0) - V_f), change)


def test_equation_17():
    """The two lines that are left when V_d is put into the second, as sums over indices."""
    from emt.gsemm import GSEMM, euler_step

    for Xi, Xi_dagger, Phi_prime, alpha_s, alpha_c, rng in memory_models():
        T_f, N_h = rng.uniform(1.2, 3.0), Xi.shape[1]
        model = GSEMM(
            Xi, Xi_dagger, Phi_prime, alpha_s, alpha_c, T_f, sigma_f=np.arctan, sigma_h=np.tanh
        )
        V_f = rng.normal(size=len(Xi))
        synapses = math.sqrt(alpha_s) * np.eye(N_h) + alpha_c * Phi_prime.T
        V_h = np.einsum("mn,ni,i->m", synapses, Xi_dagger, np.arctan(V_f))
        pull = np.einsum("im,m->i", math.sqrt(alpha_s) * Xi, np.tanh(V_h))
        for step in (1.0, 0.3):
            close(euler_step(model, V_f, step), (1 - step / T_f) * V_f + step * pull / T_f)


def test_equation_18():
    """The two lines, with the hidden units linear."""
    from emt.gsemm import memory_step

    for Xi, Xi_dagger, Phi_prime, alpha_s, alpha_c, rng in memory_models():
        W = weights_of(Xi, Xi_dagger, Phi_prime, alpha_s, alpha_c)
        V_f, T_f = rng.normal(size=len(Xi)), rng.uniform(1.2, 3.0)
        overlap = applied(Xi_dagger, np.arctan(V_f))
        V_h = math.sqrt(alpha_s) * overlap + alpha_c * applied(Phi_prime.T, overlap)
        change = math.sqrt(alpha_s) * applied(Xi, V_h) - V_f
        close(T_f * (memory_step(W, V_f, np.arctan, T_f) - V_f), change)


def test_equation_19():
    """One line, entry by entry, for any W and time constant."""
    from emt.gsemm import memory_step

    for W, V, rng in square_matrices():
        for sigma, _ in SIGMAS.values():
            T_f = rng.uniform(1.2, 3.0)
            change = applied(W, sigma(V)) - V
            close(T_f * (memory_step(W, V, sigma, T_f) - V), change)


def test_equation_20():
    """Five steps from the memories to the memories, T_f being 1."""
    from emt.gsemm import memory_step

    for Xi, Xi_dagger, Phi_prime, alpha_s, alpha_c, rng in memory_models():
        W = weights_of(Xi, Xi_dagger, Phi_prime, alpha_s, alpha_c)
        Phi = alpha_s * np.eye(len(Phi_prime)) + math.sqrt(alpha_s) * alpha_c * Phi_prime.T
        got = V = rng.normal(size=len(Xi))
        for _ in range(5):
            V = sum(Xi[:, m] * (Phi[m] @ Xi_dagger @ np.arctan(V)) for m in range(len(Phi)))
            got = memory_step(W, got, np.arctan)
            close(got, V)


def test_equation_21():
    """The inverse of sigma takes the step back to ``W h(t)``."""
    from emt.gsemm import elman_step

    for W, h, _ in square_matrices():
        h = np.tanh(h)
        close(np.arctanh(elman_step(W, h)), applied(W, h))


def test_equation_22():
    """The same for other activations, step after step in the new variable."""
    from emt.gsemm import elman_step

    for W, V, _ in square_matrices():
        for name in ("leaky ReLU", "sigmoid"):
            sigma, inverse = SIGMAS[name]
            h = sigma(V)
            for _ in range(4):
                after = elman_step(W, h, sigma)
                close(after, sigma(applied(W, h)))
                close(inverse(after), applied(W, h))
                h = after


def test_equation_23():
    """Four steps, unit by unit."""
    from emt.gsemm import elman_step

    scalar = {
        "tanh": math.tanh,
        "sigmoid": lambda x: 0.5 + 0.5 * math.tanh(x / 2),
        "leaky ReLU": lambda x: max(x, x / 10),
    }
    for W, h, _ in square_matrices():
        for name, (sigma, _) in SIGMAS.items():
            steps = [h]
            for _ in range(4):
                steps.append(np.array([scalar[name](x) for x in applied(W, steps[-1])]))
            for now, then in pairwise(steps):
                close(elman_step(W, now, sigma), then)


def test_equation_24():
    """The composition is ``W sigma(V)``, up to arguments of 4, where tanh is already flat."""
    from emt.gsemm import conjugated
    from emt.network import ACTIVATIONS

    for W, V, rng in square_matrices():
        for name, (sigma, _) in SIGMAS.items():
            for largest in (rng.uniform(0.1, 3.9), 4.0):
                scaled = largest * W / abs(applied(W, sigma(V))).max()
                got, f = conjugated(scaled, V, ACTIVATIONS[name]), applied(scaled, sigma(V))
                np.testing.assert_allclose(got, f, rtol=0, atol=1e-12, err_msg=name)


def test_equation_25():
    """All three operators as sums of outer products."""
    from emt.linear_network import constructed
    from emt.tasks import repeat_copy

    for s, kappa, Psi, dual, _ in networks():
        ket, bra, e = counted(Psi.T), counted(dual), counted(np.eye(kappa))
        got = constructed(repeat_copy(s, kappa), Psi, dual)
        close(got.W_hh, copying(s, kappa, ket, bra))
        close(got.W_uh, sum(np.outer(ket[(s - 1) * kappa + j], e[j]) for j in to(kappa)))
        close(got.W_r, sum(np.outer(e[j], bra[(s - 1) * kappa + j]) for j in to(kappa)))


def test_equation_26():
    """The write operator, summed over j, on the input, summed over i."""
    from emt.linear_network import repeat_copy_state

    for s, kappa, Psi, dual, u in networks():
        ket, e = counted(Psi.T), counted(np.eye(kappa))
        write = sum(np.outer(ket[(s - 1) * kappa + j], e[j]) for j in to(kappa))
        h = write @ sum(u[0, i - 1] * e[i] for i in to(kappa))
        close(repeat_copy_state(Psi, u, s, 1), h)
        close(repeat_copy_state(Psi, u, s, 1), recursion(Psi, dual, u, s, 1))


def test_equation_27():
    """The double sum with ``<e^j|e_i>`` as a product of vectors."""
    from emt.linear_network import repeat_copy_state

    for s, kappa, Psi, dual, u in networks():
        ket, e = counted(Psi.T), counted(np.eye(kappa))
        pairs = [(i, j) for i in to(kappa) for j in to(kappa)]
        h = sum(u[0, i - 1] * ket[(s - 1) * kappa + j] * (e[j] @ e[i]) for i, j in pairs)
        close(repeat_copy_state(Psi, u, s, 1), h)
        close(repeat_copy_state(Psi, u, s, 1), recursion(Psi, dual, u, s, 1))


def test_equation_28():
    """The double sum with a Kronecker delta."""
    from emt.linear_network import repeat_copy_state

    for s, kappa, Psi, dual, u in networks():
        ket = counted(Psi.T)
        pairs = [(i, j) for i in to(kappa) for j in to(kappa)]
        h = sum(u[0, i - 1] * ket[(s - 1) * kappa + j] * float(i == j) for i, j in pairs)
        close(repeat_copy_state(Psi, u, s, 1), h)
        close(repeat_copy_state(Psi, u, s, 1), recursion(Psi, dual, u, s, 1))


def test_equation_29():
    """The single sum that is left."""
    from emt.linear_network import repeat_copy_state

    for s, kappa, Psi, dual, u in networks():
        ket = counted(Psi.T)
        h = sum(u[0, i - 1] * ket[(s - 1) * kappa + i] for i in to(kappa))
        close(repeat_copy_state(Psi, u, s, 1), h)
        close(repeat_copy_state(Psi, u, s, 1), recursion(Psi, dual, u, s, 1))


def test_equation_30():
    """Phi, as a dense matrix, on the state of step 1."""
    from emt.linear_network import repeat_copy_state

    for s, kappa, Psi, dual, u in networks():
        u, ket = second_inputs(s, kappa, u), counted(Psi.T)
        Phi = Psi @ np.kron(np.roll(np.eye(s), 1, axis=1), np.eye(kappa)) @ dual
        old = sum(u[0, i - 1] * (Phi @ ket[(s - 1) * kappa + i]) for i in to(kappa))
        new = sum(u[1, i - 1] * ket[(s - 1) * kappa + i] for i in to(kappa))
        close(repeat_copy_state(Psi, u, s, 2), old + new)
        close(repeat_copy_state(Psi, u, s, 2), recursion(Psi, dual, u, s, 2))


def test_equation_31():
    """Phi written out as its two sums of kets and bras, each bra on each ket."""
    from emt.linear_network import repeat_copy_state

    for s, kappa, Psi, dual, u in networks():
        u, n = second_inputs(s, kappa, u), s * kappa
        ket, bra = counted(Psi.T), counted(dual)
        h = sum(u[1, i - 1] * ket[n - kappa + i] for i in to(kappa))
        for i in to(kappa):
            for mu in to(n - kappa):
                h = h + u[0, i - 1] * ket[mu] * (bra[mu + kappa] @ ket[n - kappa + i])
            for mu in range(n - kappa + 1, n + 1):
                h = h + u[0, i - 1] * ket[mu] * (bra[mu - n + kappa] @ ket[n - kappa + i])
        close(repeat_copy_state(Psi, u, s, 2), h)
        close(repeat_copy_state(Psi, u, s, 2), recursion(Psi, dual, u, s, 2))


def test_equation_32():
    """The first input one memory further down, for s of at least 2."""
    from emt.linear_network import repeat_copy_state

    for s, kappa, Psi, dual, u in networks():
        if s == 1:
            continue  # there is no memory s-1
        ket = counted(Psi.T)
        old = sum(u[0, i - 1] * ket[(s - 2) * kappa + i] for i in to(kappa))
        new = sum(u[1, i - 1] * ket[(s - 1) * kappa + i] for i in to(kappa))
        close(repeat_copy_state(Psi, u, s, 2), old + new)
        close(repeat_copy_state(Psi, u, s, 2), recursion(Psi, dual, u, s, 2))


def test_equation_33():
    """Memory mu holds input mu."""
    from emt.linear_network import repeat_copy_state

    for s, kappa, Psi, dual, u in networks():
        ket = counted(Psi.T)
        pairs = [(mu, i) for mu in to(s) for i in to(kappa)]
        h = sum(u[mu - 1, i - 1] * ket[(mu - 1) * kappa + i] for mu, i in pairs)
        close(repeat_copy_state(Psi, u, s, s), h)
        close(repeat_copy_state(Psi, u, s, s), recursion(Psi, dual, u, s, s))


def test_equation_34():
    """Variable mu is in memory number ``[(mu-t-1) mod s] + 1``, over three cycles."""
    from emt.linear_network import repeat_copy_state

    for s, _, Psi, dual, u in networks():
        memory = counted(np.split(Psi, s, axis=1))
        for t in range(3 * s + 2):
            h = sum(memory[(mu - t - 1) % s + 1] @ u[mu - 1] for mu in to(s))
            close(repeat_copy_state(Psi, u, s, s + t), h)
            close(repeat_copy_state(Psi, u, s, s + t), recursion(Psi, dual, u, s, s + t))


def biased() -> Iterator:
    """Yield a step of 5 units as a function of h and u, its weights, and a fixed point h*."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        W, W_u, h = rng.normal(size=(5, 5)) / 2, rng.normal(size=(5, 2)), rng.uniform(-1, 1, size=5)
        b = np.arctanh(h) - W @ h

        def step(h, u, W=W, W_u=W_u, b=b):
            return np.tanh(W @ h + W_u @ u + b)

        yield step, (W, W_u, W_u.T, b), h


def slopes(f, size: float = 1e-3) -> np.ndarray:
    """Return f' at 0 by central differences of two sizes, exact but for the fifth order."""

    def difference(d):
        return (f(d) - f(-d)) / (2 * d)

    return (4 * difference(size) - difference(2 * size)) / 3


def test_equation_35():
    """A small change of h*, one step later, by differences of the full network."""
    from emt.linearization import jacobian
    from emt.network import Network

    for step, weights, h in biased():
        J = jacobian(Network(*weights), h)
        for n, e in enumerate(np.eye(5)):
            after = slopes(lambda d, step=step, h=h, e=e: step(h + d * e, np.zeros(2)))
            np.testing.assert_allclose(J[:, n], after, atol=1e-9)


def test_equation_36():
    """A small change and a small input at h*, by differences of the full network."""
    from emt.linearization import linear_at
    from emt.network import Network

    for step, weights, h in biased():
        linear, (away, u) = (
            linear_at(Network(*weights), h),
            (np.arange(5) - 1.0, np.array([3, -1])),
        )
        after = slopes(lambda d, step=step, h=h, away=away, u=u: step(h + d * away, d * u))
        np.testing.assert_allclose(linear.W_hh @ away + linear.W_uh @ u, after, atol=1e-7)


def test_equation_37():
    """Six steps of small inputs, the linear recursion against differences of the full network."""
    from emt.linearization import linear_at
    from emt.network import Network

    u = np.random.default_rng(0).normal(size=(6, 2))
    for step, weights, h in biased():

        def end(d, step=step, h=h):
            for u_t in u:
                h = step(h, d * u_t)
            return h

        linear, away = linear_at(Network(*weights), h), np.zeros(5)
        for u_t in u:
            away = linear.W_hh @ away + linear.W_uh @ u_t
        np.testing.assert_allclose(away, slopes(end), atol=1e-6)
        assert linear.b is None
