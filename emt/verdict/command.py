"""The command `emt`: open a network, train one, draw a figure, judge many."""

import csv
import io
import json
import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from enum import StrEnum
from functools import partial
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer
from threadpoolctl import threadpool_limits
from typer.core import TyperGroup

import emt
from emt import checks
from emt.network import EVALUATION_SEED
from emt.tasks import Task, Trials
from emt.training.recipes import TrainingConfig, three_stages, to_overwrite
from emt.writing import write_whole

NAME = "episodic-memory-theory"
KINDS = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}
"""Kinds of picture, and what a file of each would say of the day."""
CHILDREN = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONWARNINGS": "ignore:resource_tracker:UserWarning",
}
"""What processes that a command starts are told: one thread, and no word when it is interrupted."""


class _Rule(StrEnum):
    REPEAT = "repeat-copy"
    COMPOSE = "compose-copy"


class _Commands(TyperGroup):
    """Commands that run on one thread, and say what is wrong in a line."""

    def invoke(self, ctx):
        """Run a command."""
        try:
            with threadpool_limits(1):
                return super().invoke(ctx)
        except BrokenPipeError:  # nobody reads on: typer ends quietly
            raise
        except ModuleNotFoundError as error:
            name = str(error.name).partition(".")[0]
            _note(f"this needs {name}: pip install {name}")
        except (ImportError, OSError, ValueError) as error:
            _note(error)
        raise typer.Exit(2)


app = typer.Typer(
    cls=_Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)

# What several commands take.
FILE = Annotated[str, typer.Argument(metavar="FILE", help="Weights; - is standard input.")]
S = Annotated[int | None, typer.Option(min=1, metavar="N", help="Vectors to be remembered.")]
KAPPA = Annotated[int, typer.Option(min=1, metavar="N", help="Bits of each vector.")]
HIDDEN = Annotated[int, typer.Option(min=1, metavar="N", help="Hidden units.")]
SEED = Annotated[int, typer.Option(min=0, metavar="N", help="Of weights and of inputs.")]
TASK = Annotated[
    _Rule | None,
    typer.Option("--task", metavar="TASK", help="repeat-copy, compose-copy (there s is kappa)."),
]
CHANNELS = Annotated[
    str | None, typer.Option(metavar="LIST", help="Inputs that are data, from 0: 0,1 or 0-3.")
]
ACTIVATION = Annotated[
    str | None, typer.Option(metavar="NAME", help="Of the units: tanh (default), relu, linear, ...")
]
LEAK = Annotated[float, typer.Option(metavar="PART", help="What a step renews of the state.")]
RATES = Annotated[bool, typer.Option("--rates", help="The activation stands inside the sum.")]
LAYOUT = Annotated[
    str | None, typer.Option(metavar="TEXT", help='Order of factors: "h @ W", "reset first", ...')
]
PARTS = Annotated[
    list[str] | None,
    typer.Option("--name", metavar="PART=ARRAY", help="Which array is which: W_r=readout."),
]
IGNORE = Annotated[
    list[str] | None, typer.Option(metavar="ARRAY", help="An array that does not count.")
]


def _out(text: str):
    """Return an option that names a file to write."""
    return typer.Option("--out", metavar="FILE", help=text)


@app.callback(invoke_without_command=True)
def _about(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
):
    """Open a recurrent network and say whether it holds variable memories.

    Each command says more: emt open --help.

    For example:
      emt open weights.npz --s 8
      emt train --s 8 --kappa 3 --hidden 64 --out network.safetensors
      emt figure 3 network.safetensors --s 8 --out figure3.pdf
    """
    if version:
        typer.echo(f"{NAME} {_version()}")
    elif ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


@app.command("open")
def _open(
    file: FILE,
    s: S = None,
    rule: TASK = None,
    trials: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Your own, an npz: inputs, targets, perhaps mask, ..."),
    ] = None,
    channels: CHANNELS = None,
    activation: ACTIVATION = None,
    leak: LEAK = 1.0,
    rates: RATES = False,
    layout: LAYOUT = None,
    names: PARTS = None,
    ignore: IGNORE = None,
    page: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Write a page with figures: report.html."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    seed: SEED = EVALUATION_SEED,
    quick: Annotated[
        bool, typer.Option("--no-alignments", help="Skip what takes longest.")
    ] = False,
):
    """Open a weight file, read its network, and print a verdict.

    Files of safetensors, NumPy, PyTorch, MATLAB, Keras (HDF5) and ONNX are
    read; nothing in them is executed. Say what the network should do: repeat
    s vectors (--s), or compose copy (--task). Without either the rule is
    inferred. Options --name and --ignore can be repeated.

    For example:
      emt open weights.npz --s 8
      emt open model.pt --task compose-copy --report report.html
      emt open weights.mat --s 8 --activation relu --leak 0.2
      emt open weights.npz --s 8 --trials trials.npz --channels 0,1
      cat weights.npz | emt open - --json > report.json
    """
    _writable(page)
    opened = _opened(file, activation, leak, rates, layout, names, ignore)
    task = _asked(rule, s, opened.network.outputs)
    if trials is not None:
        task = _with_trials(task, trials)
    found = emt.report(opened, task, _chosen(channels), seed, not quick)
    if page is not None:
        found.save(page)
        _note(f"{page} is written")
    for note in opened.notes:
        _note(note)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=1, allow_nan=False))
    else:
        _show(found)


@app.command("train")
def _train(
    s: S = None,
    kappa: KAPPA = 5,
    hidden: HIDDEN = 128,
    seed: SEED = 0,
    rule: TASK = _Rule.REPEAT,
    out: Annotated[Path, _out("Where the network goes.")] = Path("network.safetensors"),
):
    """Train a network as the book does, and write it to a file.

    Without --s, repeat copy has s = 16.

    For example:
      emt train --out network.safetensors
      emt train --s 8 --kappa 3 --hidden 64 --seed 1
      emt train --task compose-copy --kappa 4 --hidden 32
    """
    from emt.training.descent import train

    _writable(out)
    task = _learned(rule, s, kappa)
    network = train(task, _recipe(rule, task, hidden, seed)).network
    said = emt.accuracy(network, task)
    emt.save(network, out)
    low, high = said.interval
    typer.echo(
        f"{said.value:.2%} of the answers in the first 200 steps are right\n"
        f"(95 % interval: {low:.2%} to {high:.2%}). The network is in {out}."
    )


@app.command("figure")
def _figure(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="1, 2 or 3.")],
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", help="Weights, for Figure 3; - is standard input."),
    ] = None,
    s: S = None,
    rule: TASK = None,
    kappa: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Bits of each vector.")
    ] = None,
    hidden: HIDDEN = 128,
    seed: SEED = 0,
    channels: CHANNELS = None,
    activation: ACTIVATION = None,
    leak: LEAK = 1.0,
    rates: RATES = False,
    layout: LAYOUT = None,
    names: PARTS = None,
    ignore: IGNORE = None,
    out: Annotated[Path | None, _out("svg, png or pdf; figure3.svg of Figure 3.")] = None,
):
    """Draw a figure of the paper, from a run.

    1: a program, and the network that does the same line by line. 2: what
    one step does to the memories. 3: a network in the basis of its memories;
    without FILE the book's, which is trained if the store lacks it.

    For example:
      emt figure 1 --out figure1.png
      emt figure 3
      emt figure 3 weights.npz --s 8 --out figure3.pdf
    """
    if number not in (1, 2, 3):
        raise ValueError(f"NUMBER must be 1, 2 or 3: there is no figure {number} to draw")
    if file is not None and (number < 3 or kappa is not None):
        raise ValueError("FILE is for Figure 3, and says itself what kappa is")
    out = Path(f"figure{number}.svg") if out is None else out
    kind = checks.choice("the suffix of --out", out.suffix.removeprefix("."), tuple(KINDS))
    _writable(out)
    if number < 3:
        draw, usual = ((_figure_1, 3), (_figure_2, 5))[number - 1]
        draw = partial(draw, s or 4, kappa or usual, seed)
    elif file is None:
        task = _learned(rule, s, kappa or 5)
        draw = partial(_figure_3, _trained(rule, task, hidden, seed), task, None)
    else:
        network = _opened(file, activation, leak, rates, layout, names, ignore).network
        draw = partial(_figure_3, network, _asked(rule, s, network.outputs), _chosen(channels))
    write_whole(out, _drawn(draw, kind))
    typer.echo(f"Figure {number} is in {out}.")


@app.command("sweep")
def _sweep(
    seeds: Annotated[str, typer.Option(metavar="LIST", help="0-4, or 0,3,7.")] = "0-4",
    s: S = None,
    kappa: KAPPA = 5,
    hidden: HIDDEN = 128,
    rule: TASK = _Rule.REPEAT,
    out: Annotated[Path | None, _out("Where the table goes too, as CSV.")] = None,
    workers: Annotated[
        int, typer.Option(min=-1, metavar="N", help="Processes; -1 takes all cores.")
    ] = -1,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep each verdict; go on from them.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of a Dask cluster that computes.")
    ] = None,
):
    """Train a network a seed, and judge each.

    Networks are kept in the store ($EMT_STORE), and trained once. Without
    --s, repeat copy has s = 16. This needs joblib.

    For example:
      emt sweep --seeds 0-9 --s 8 --kappa 3 --hidden 64 --out verdicts.csv
      emt sweep --task compose-copy --kappa 4 --hidden 32
      emt sweep --seeds 0-99 --folder verdicts --scheduler tcp://10.0.0.1:8786
    """
    from rich.table import Table

    from emt.workshop.parallel import sweep

    _writable(out)
    task = _learned(rule, s, kappa)
    judge = partial(_verdict, rule, task.s, task.kappa, hidden)
    rows = sweep(judge, _numbers("seeds", seeds), workers, "judging", folder, scheduler)
    if out is not None:
        write_whole(out, _as_csv(rows))
        _note(f"{out} is written")
    title = f"{rule}, s = {task.s}, kappa = {task.kappa}, {hidden} units"
    table = Table(*rows[0], title=title, box=None, title_justify="left")
    for row in rows:
        cells = (f"{x:.3f}" if isinstance(x, float) else str(x) for x in row.values())
        table.add_row(*("–" if cell == "nan" else cell for cell in cells))
    _show(table)


def _version() -> str:
    """Return the version that is installed."""
    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _note(text: object, *_) -> None:
    """Say something on standard error, in a line."""
    typer.echo(f"emt: {' '.join(str(text).split())}", err=True)


def _show(thing) -> None:
    """Print what rich can print."""
    from rich.console import Console

    Console().print(thing)


def _writable(path: Path | None) -> None:
    """Refuse, before anything takes long, a path to which nothing can be written."""
    if path is not None and (path.is_dir() or not os.access(path.parent, os.W_OK)):
        raise ValueError(f"{path} must be a file in a folder that can be written to")


def _numbers(name: str, text: str) -> list[int]:
    """Return the numbers in a text such as 0-4 or 1,3,5."""
    if not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", text):
        raise ValueError(f"--{name} must be whole numbers, such as 0,1 or 0-4, not {text!r}")
    ends = [[int(n) for n in part.split("-")] for part in text.split(",")]
    parts = [range(end[0], end[-1] + 1) for end in ends]
    if not all(parts):
        raise ValueError(f"--{name} must go up from the first number to the last, not {text!r}")
    checks.fits(f"--{name}", sum(part.stop - part.start for part in parts))
    return [n for part in parts for n in part]


def _chosen(channels: str | None) -> list[int] | None:
    """Return the numbers of the data channels, if they were given."""
    return None if channels is None else _numbers("channels", channels)


def _opened(file: str, activation, leak, rates, layout, names, ignore):
    """Open a weight file, as its options say."""
    parts = [name.partition("=") for name in names or ()]
    if not all(array for _, _, array in parts):
        raise ValueError("--name must be a part and an array, such as W_r=readout")
    parts = {part: array for part, _, array in parts}
    with _on_disk(file) as path:
        return emt.load(path, activation, leak, rates, layout, parts, ignore or ())


@contextmanager
def _on_disk(file: str) -> Iterator[Path]:
    """Return the path of a file; of - that of a copy of standard input, as long as it is used."""
    if file != "-":
        yield Path(file)
        return
    with TemporaryDirectory() as folder:
        path = Path(folder, "standard input")
        path.write_bytes(sys.stdin.buffer.read())
        yield path


def _asked(rule: _Rule | None, s: int | None, kappa: int) -> Task | None:
    """Return the task that a network is asked about, if any."""
    if rule == _Rule.COMPOSE:
        if s not in (None, kappa):
            raise ValueError(f"--s must be kappa = {kappa} in compose copy, or left out, not {s}")
        return emt.compose_copy(kappa)
    if s is None and rule is not None:
        raise ValueError(f"--task {rule} needs --s, the number of vectors")
    return None if s is None else emt.repeat_copy(s, kappa)


def _learned(rule: _Rule | None, s: int | None, kappa: int) -> Task:
    """Return the task that is trained: of repeat copy that of the book, unless s is given."""
    return _asked(rule, s or (None if rule == _Rule.COMPOSE else 16), kappa)


def _recipe(rule: _Rule | None, task: Task, hidden: int, seed: int) -> TrainingConfig:
    """Return how the book trains a network."""
    if rule == _Rule.COMPOSE:
        return to_overwrite(task.s, hidden, seed)
    return TrainingConfig(hidden=hidden, seed=seed, stages=three_stages(task.s))


def _trained(rule: _Rule | None, task: Task, hidden: int, seed: int, progress: bool = True):
    """Return a network from the store, where it is put if it is not there."""
    from emt.workshop.store import trained

    return trained(task, _recipe(rule, task, hidden, seed), progress).network


def _with_trials(task: Task | None, path: Path) -> Task:
    """Return the task with the trials that a file holds."""
    from emt.loading.files import arrays_of

    if task is None:
        raise ValueError("--trials needs --s or --task: the rule that they follow")
    arrays, known = arrays_of(path), [field.name for field in fields(Trials)]
    if not {"inputs", "targets"} <= arrays.keys() <= {*known}:
        raise ValueError(
            f"{path} must hold inputs and targets, perhaps {', '.join(known[2:])}, and nothing "
            f"else, but holds {', '.join(arrays)}"
        )
    arrays = {name: x.item() if x.ndim == 0 else x for name, x in arrays.items()}
    return replace(task, trials=Trials(**arrays))


def _drawn(draw, kind: str) -> bytes:
    """Return what a figure looks like, in a file of this kind."""
    from matplotlib import pyplot as plt

    buffer = io.BytesIO()
    with plt.style.context(["default", "emt.emt"]):
        fig = draw()
        fig.savefig(buffer, format=kind, metadata=KINDS[kind])
        plt.close(fig)
    return buffer.getvalue()


def _figure_1(s: int, kappa: int, seed: int):
    """Draw the paper's Figure 1: a program, and the network that does what it does."""
    from emt import figures, linear_network
    from emt.basis import dual

    task, rng = emt.repeat_copy(s, kappa), np.random.default_rng(seed)
    Psi = rng.normal(size=(task.n + 3, task.n))
    u = emt.with_silence(emt.random_bits(task, 1, rng)[0], s)
    network = linear_network.run_by_line(emt.constructed(task, Psi), dual(Psi), u)
    return figures.figure_1(linear_network.program(task, u), network, u, s, kappa)


def _figure_2(s: int, kappa: int, seed: int):
    """Draw the paper's Figure 2: the last step of an input phase."""
    from emt import figures, linear_network
    from emt.basis import dual

    task, rng = emt.repeat_copy(s, kappa), np.random.default_rng(seed)
    Psi = rng.normal(size=(task.n + 6, task.n))
    u = emt.random_bits(task, 1, rng)[0] * rng.uniform(0.3, 1, size=(s, kappa))
    steps = linear_network.run_by_line(emt.constructed(task, Psi), dual(Psi), u)
    before = steps.written[-2] if s > 1 else 0 * steps.written[0]
    now = steps.composed[-1], steps.written[-1], steps.read[-1]
    return figures.figure_2(before, *now, u[-1], s, kappa)


def _figure_3(network, task: Task | None, channels: list[int] | None):
    """Draw the paper's Figure 3 of a network."""
    from emt.verdict.measuring import measured
    from emt.verdict.pages import panels

    return panels(measured(network, task, channels, alignments=False))


def _verdict(rule: str, s: int, kappa: int, hidden: int, seed: int) -> dict:
    """Train a network and judge it."""
    from emt.verdict.criteria import judged
    from emt.verdict.measuring import measured

    warnings.showwarning = _note  # in a process of its own
    rule = _Rule(rule)
    task = _learned(rule, s, kappa)
    network = _trained(rule, task, hidden, seed, progress=False)
    found = measured(network, task, alignments=False, progress=False)
    own = found.scores.get("memories")
    return {
        "seed": seed,
        "accuracy": found.values["accuracy"],
        "efficacy": float("nan") if own is None else own.efficacy,
        "index": found.values["index"],
        "verdict": judged(found).word,
    }


def _as_csv(rows: list[dict]) -> bytes:
    """Return rows as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def main() -> None:
    """Run the command `emt`."""
    for name, value in CHILDREN.items():
        os.environ.setdefault(name, value)
    if not (os.isatty(1) and os.isatty(2)):
        os.environ.setdefault("COLUMNS", "80")
    os.environ["MPLBACKEND"] = "Agg"
    warnings.showwarning = _note
    app(prog_name="emt")
