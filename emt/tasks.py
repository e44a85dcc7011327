"""Tasks: a linear rule f that continues a sequence of vectors (section 5.1, Eq. (5))."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from emt import checks

# A glyph is five rows of three pixels, one octal digit a row; a blank fourth column separates.
GLYPHS = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (
            "75557 26227 71747 71717 55711 74717 74757 71111 75757 75717 "
            "25755 65656 34443 65556 74647 74644 34553 55755 72227 11152 55655 44447 57755 "
            "65555 25552 65644 25563 65655 34216 72222 55557 55552 55775 55255 55222 71247"
        ).split(),
        strict=True,
    )
)


ROUNDING = 1e-10


@dataclass(frozen=True, eq=False)
class Trials:
    """Somebody's own trials: what a network is given, and what it should say.

    Attributes
    ----------
    inputs
        All channels, data and cues, over all time steps.
    targets
        What each output should be; its sign against `middle` counts.
    mask
        Which steps are scored, by default all: so gaps, delimiters and lengths are left out. The
        output phase of a trial begins at its first such step.
    decision
        An output above this says yes: 0 for signs and logits, one half for bits as 0 and 1.
    middle
        A target above this is a yes: 0 for targets of -1 and 1, one half for 0 and 1.
    """

    inputs: Float[np.ndarray, "batch T m"]
    targets: Float[np.ndarray, "batch T p"]
    mask: Bool[np.ndarray, "batch T"] | None = None
    decision: float = 0.0
    middle: float = 0.0

    def __post_init__(self):
        """Check the record once, here."""
        inputs = checks.array("inputs", self.inputs, None, None, None)
        targets = checks.array("targets", self.targets, *inputs.shape[:2], None)
        for name, channels in (("inputs", inputs), ("targets", targets)):
            checks.integer(f"the number of channels of {name}", channels.shape[2])
        mask = np.ones(inputs.shape[:2], bool) if self.mask is None else self.mask
        mask = checks.numbers("mask", mask, "b")
        if mask.shape != inputs.shape[:2]:
            raise ValueError(f"mask must have shape {inputs.shape[:2]}, not {mask.shape}")
        checks.integer("the number of scored steps of mask", int(mask.sum()))
        held = {"inputs": inputs, "targets": targets, "mask": mask}
        held |= {name: checks.real(name, getattr(self, name)) for name in ("decision", "middle")}
        for name, value in held.items():
            object.__setattr__(self, name, value)

    @property
    def signs(self) -> Float[np.ndarray, "batch T p"]:
        """The targets as -1 and 1."""
        return np.where(self.targets > self.middle, 1.0, -1.0)


@dataclass(frozen=True, eq=False)
class Task:
    """A rule ``x(t) = f(x(t-1), ..., x(t-s)) = sum_k F_k x(t-s+k-1)`` of Eq. (5).

    Attributes
    ----------
    s
        Number of input vectors, and of earlier vectors that f may read; at least 1.
    kappa
        Components of each vector; at least 1.
    F
        Coefficients, oldest first: ``F[0]`` acts on ``x(t-s)``, ``F[-1]`` on ``x(t-1)``.
    threshold
        Whether the sign of f is taken.
    trials
        One's own trials, by default random bits, s vectors and then silence. Whatever draws inputs
        of the task takes these, all of them, and draws none; see `emt.scoring.centred`.
    """

    s: int
    kappa: int
    F: Float[np.ndarray, "s kappa kappa"]
    threshold: bool = False
    trials: Trials | None = None

    def __post_init__(self):
        """Check the record once, here."""
        checks.integer("s", self.s)
        checks.integer("kappa", self.kappa)
        F = checks.array("F", self.F, self.s, self.kappa, self.kappa)
        object.__setattr__(self, "F", F)

    @property
    def n(self) -> int:
        """Number of components of all memories, s * kappa."""
        return self.s * self.kappa

    @property
    def labels(self) -> Int[np.ndarray, "n 2"]:
        """(memory, component) of each of them, both from 1."""
        return np.stack(np.divmod(np.arange(self.n), self.kappa), axis=1) + 1

    @property
    def Phi(self) -> Float[np.ndarray, "n n"]:
        """What one step does to the memories. k moves to k-1, f of all of them enters memory s.

        Eq. (9); for repeat copy Eq. (12), and the first line of Eq. (25). The last block row is
        ``[F_1 ... F_s]``.
        """
        Phi = np.eye(self.n, k=self.kappa)
        Phi[self.n - self.kappa :] = np.concatenate(self.F, axis=1)
        return Phi

    @property
    def persistent(self) -> Bool[np.ndarray, " n"]:
        """Which components matter for ever; the others, soon forgotten, are dead.

        Repeat copy needs all s * kappa, compose copy kappa (kappa + 1) / 2. A component is dead if
        ``Phi^n`` maps it to 0; one that fades, however fast, is not.
        """
        return np.linalg.norm(self._rows, axis=1) > ROUNDING

    @property
    def modes(self) -> int:
        """How many modes persist, the rank of ``Phi^n``: the others are 0."""
        return self._rows.shape[1]

    @property
    def _rows(self) -> Float[np.ndarray, "n modes"]:
        """Orthonormal basis of the rows of ``Phi^n``, found without a power, which would fade."""
        A, rows = self.Phi.T, np.eye(self.n)
        if (np.count_nonzero(A, axis=0) <= 1).all():  # then no two components can cancel
            alive = np.ones(self.n, bool)
            for _ in range(self.n):
                alive, before = (A[:, alive] != 0).any(axis=1), alive
                if (alive == before).all():
                    break
            return rows[:, alive]
        least = ROUNDING * np.linalg.norm(A, 2)
        while len(A):
            U, singular, _ = np.linalg.svd(A)
            U = U[:, singular > least]
            if U.shape[1] == len(A):
                break
            A, rows = U.T @ A @ U, rows @ U
        return rows

    @property
    def repeats(self) -> bool:
        """Whether ``F_1 = I`` and all else is 0, which is repeat copy."""
        return bool((self.F[0] == np.eye(self.kappa)).all() and not self.F[1:].any())


def variables(task: Task) -> Bool[np.ndarray, " n"]:
    """Return which components the memories of a task hold: those that are `Task.persistent`.

    Parameters
    ----------
    task
        The rule f.

    Raises
    ------
    ValueError
        If what persists is not single components, but fewer combinations of them.
    """
    live = task.persistent
    if live.sum() != task.modes:
        raise ValueError(
            f"task must keep single components, but of the {live.sum()} that matter for ever it "
            f"keeps {task.modes} combinations only: write f in a basis in which F has no others"
        )
    return live


def repeat_copy(s: int, kappa: int) -> Task:
    """Return the repeat-copy task, ``x(t) = x(t-s)`` (section 5.2, Eq. (12)).

    Parameters
    ----------
    s, kappa
        Number of vectors and components of each; at least 1.
    """
    F = np.zeros((checks.integer("s", s), checks.integer("kappa", kappa), kappa))
    F[0] = np.eye(kappa)
    return Task(s, kappa, F)


def selection(
    s: int,
    delay: Int[np.ndarray, " kappa"],
    component: Int[np.ndarray, " kappa"] | None = None,
    sign: Int[np.ndarray, " kappa"] | None = None,
) -> Task:
    """Return a task whose every component is one earlier one, perhaps with its sign turned.

    Component c of the next vector is ``sign[c]`` times component ``component[c]`` of the vector
    ``delay[c]`` steps back.

    Parameters
    ----------
    s
        Number of input vectors; at least 1.
    delay
        In 1 ... s; s is the oldest vector.
    component
        In 1 ... kappa; by default component c reads component c.
    sign
        -1 or 1; by default 1.
    """
    checks.integer("s", s)
    kappa = checks.integer("the length of delay", np.size(delay))
    component = np.arange(1, kappa + 1) if component is None else component
    sign = np.ones(kappa, int) if sign is None else sign
    F = np.zeros((s, kappa, kappa))
    checks.whole_numbers("delay", delay, kappa, range(1, s + 1))
    checks.whole_numbers("component", component, kappa, range(1, kappa + 1))
    checks.whole_numbers("sign", sign, kappa, (-1, 1))
    F[s - np.asarray(delay), np.arange(kappa), np.asarray(component) - 1] = sign
    return Task(s, kappa, F)


def compose_copy(kappa: int) -> Task:
    """Return compose copy, s = kappa: component j is that of the j-th oldest of the last s vectors.

    The paper announces the task and does not define it; this is the book's definition.

    Parameters
    ----------
    kappa
        Number of vectors, and of components of each; at least 1.
    """
    checks.fits("kappa", checks.integer("kappa", kappa), kappa, kappa)
    return selection(kappa, np.arange(kappa, 0, -1))


def from_operator(operator: Float[np.ndarray, "n kappa"]) -> Task:
    """Return the task whose next vector is ``concatenate([oldest, ..., newest]) @ operator``.

    So the authors' public program writes a rule: each ``F_k`` is a block of rows, transposed.

    Parameters
    ----------
    operator
        n = s * kappa rows.
    """
    operator = checks.array("operator", operator, None, None)
    n, kappa = operator.shape
    s = n // checks.integer("the number of columns of operator", kappa)
    if s < 1 or n != s * kappa:
        raise ValueError(f"operator must have s * kappa rows, kappa columns, not {operator.shape}")
    return Task(s, kappa, operator.reshape(s, kappa, kappa).transpose(0, 2, 1))


def running_sums(s: int, kappa: int, gain: float = 1.0) -> Task:
    """Return the task in which the next vector is `gain` times the sum of the last s.

    Parameters
    ----------
    s, kappa
        Number of vectors and components of each; at least 1.
    gain
        ``1 / s`` makes it the mean.
    """
    checks.integer("s", s)
    F = checks.real("gain", gain) * np.eye(checks.integer("kappa", kappa))
    return Task(s, kappa, np.tile(F, (s, 1, 1)))


def continuation(
    task: Task, x: Float[np.ndarray, "*batch s kappa"], steps: int
) -> Float[np.ndarray, "*batch steps kappa"]:
    """Continue plain inputs by Eq. (5): the targets of steps s+1 ... s+steps.

    Parameters
    ----------
    task
        The rule f.
    x
        The s input vectors of each sequence, oldest first.
    steps
        How many vectors to append; at least 1.
    """
    s, kappa = task.s, task.kappa
    x = checks.array("x", x, ..., s, kappa)
    checks.fits("steps", *x.shape[:-2], checks.integer("steps", steps), kappa)
    if task.repeats:
        return np.take(x, np.arange(steps) % s, axis=-2)
    result = np.concatenate([x, np.zeros((*x.shape[:-2], steps, kappa))], axis=-2)
    read = [k for k in range(s) if task.F[k].any()]
    # Vectors that lie within the shortest delay of each other do not depend on each other.
    delay = s - max(read, default=0)
    for t in range(s, s + steps, delay):
        n = min(delay, s + steps - t)
        value = sum(result[..., t - s + k : t - s + k + n, :] @ task.F[k].T for k in read)
        result[..., t : t + n, :] = np.sign(value) if task.threshold else value
    return result[..., s:, :]


def driven(
    task: Task, u: Float[np.ndarray, "*batch T kappa"]
) -> Float[np.ndarray, "*batch T kappa"]:
    """Return ``v(t) = u(t) + f(v(t-1), ..., v(t-s))``, v = 0 before t = 1: Eq. (5), driven.

    This is what the linear network of Eqs. (9), (10), (11) computes, in both phases.

    Parameters
    ----------
    task
        The rule f; it must be linear.
    u
        Inputs u(1) ... u(T), of any length.

    Raises
    ------
    ValueError
        If the task takes signs.
    """
    if task.threshold:
        raise ValueError("task must be linear (threshold=False) to be driven by its inputs")
    s = task.s
    u = checks.array("u", u, ..., None, task.kappa)
    v = np.concatenate([np.zeros((*u.shape[:-2], s, task.kappa)), u], axis=-2)
    read = [k for k in range(s) if task.F[k].any()]
    for t in range(s, v.shape[-2]):
        v[..., t, :] += sum(v[..., t - s + k, :] @ task.F[k].T for k in read)
    return v[..., s:, :]


def random_bits(
    task: Task, sequences: int, rng: np.random.Generator
) -> Float[np.ndarray, "sequences s kappa"]:
    """Draw input sequences of independent fair bits, -1 or +1.

    Parameters
    ----------
    task
        Gives s and kappa.
    sequences
        How many; at least 1.
    rng
        Source of randomness.

    Raises
    ------
    ValueError
        If the task has trials of its own.
    """
    if task.trials is not None:
        raise ValueError("task must have no trials of its own where bits are drawn: trials=None")
    shape = (checks.integer("sequences", sequences), task.s, task.kappa)
    return rng.choice([-1.0, 1.0], size=shape)


def with_silence(
    u: Float[np.ndarray, "*batch s kappa"], steps: int
) -> Float[np.ndarray, "*batch T kappa"]:
    """Append `steps` zero vectors to the inputs: the output phase of section 5.1.

    Parameters
    ----------
    u
        Input vectors.
    steps
        Length of the output phase; at least 0.
    """
    u = checks.array("u", u, ..., None, None)
    padding = [(0, 0)] * (u.ndim - 2) + [(0, checks.integer("steps", steps, least=0)), (0, 0)]
    return np.pad(u, padding)


def bitmap(text: str, s: int, kappa: int = 5) -> Float[np.ndarray, "s kappa"]:
    """Draw text as input vectors of -1 and +1, one image column a vector (Fig. 3C, D).

    Parameters
    ----------
    text
        Digits and letters; each takes four columns.
    s
        Columns of the image; at least ``4 * len(text)``; what is left over stays blank.
    kappa
        Rows of the image, top first; at least 5.

    Raises
    ------
    ValueError
        If the text does not fit or holds anything but digits and letters.
    """
    if not text or set(text.upper()) - set(GLYPHS):
        raise ValueError(f"text must be digits and letters, at least one, not {text!r}")
    text = text.upper()
    if checks.integer("s", s) < 4 * len(text):
        raise ValueError(f"s must be at least 4 * {len(text)} to hold {text!r}, not {s}")
    checks.integer("kappa", kappa, least=5)
    image = -np.ones((s, kappa))
    for position, character in enumerate(text):
        rows = [[int(pixel) for pixel in f"{int(row):03b}"] for row in GLYPHS[character]]
        image[4 * position : 4 * position + 3, :5] += 2.0 * np.transpose(rows)
    return image


checks.guard(globals())
