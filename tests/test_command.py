"""The command `emt`: what it prints, what it writes, how it ends."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from jsonschema import Draft202012Validator
from test_refusals import missing
from test_verdict import KAPPA, SCHEMA, S, planted, trials
from typer.testing import CliRunner

import emt
import emt.figures
from emt.verdict import command
from emt.verdict.command import NAME, app

RUNNER = CliRunner()
START = "import sys; from emt.verdict.command import main; sys.exit(main())"
QUICK = "--s", str(S), "--no-alignments"


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    """Run where there are weights, and nothing else."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("emt.beyond.faithfulness._replaced", lambda *_: 1.0)  # what takes longest
    monkeypatch.setenv("EMT_STORE", str(tmp_path / "store"))
    network = planted(10)
    np.savez("w.npz", W_hh=network.W_hh, W_uh=network.W_uh, W_r=network.W_r)


def ran(*arguments, given: bytes | None = None, code: int = 0):
    """Run a command in this process, which must end so."""
    done = RUNNER.invoke(app, list(map(str, arguments)), input=given, prog_name="emt")
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output and (code or done.exception is None)
    return done


def refused(*arguments) -> str:
    """Return what a command says that cannot be run: one line, or typer's panel."""
    before = everything()
    done = ran(*arguments, code=2)
    assert done.stdout == "" and everything() == before
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 or "─ Error ─" in done.stderr
    return " ".join(re.sub("[│╭╮╰╯─]", " ", done.stderr).split())


def everything() -> dict[str, bytes]:
    return {name: Path(name).read_bytes() for name in os.listdir() if os.path.isfile(name)}


def started(*arguments, before: str = "", **options) -> subprocess.Popen:
    """Start a command in a process of its own."""
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "FORCE_COLOR")}
    environment |= {"PYTHONPATH": os.pathsep.join(sys.path)} | options.pop("env", {})
    kept = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [sys.executable, "-c", before + START, *map(str, arguments)],
        **{**kept, **options},
        env=environment,
        text=True,
    )


def test_a_weight_file_is_opened_and_judged():
    done = ran("open", "w.npz", *QUICK)
    assert "Verdict: linear variable memories, s = 4, kappa = 2" in done.stdout.splitlines()[0]
    assert "10 x 10, from W_hh" in done.stdout and done.stderr == ""
    assert max(map(len, done.stdout.splitlines())) <= 80 and "\x1b" not in done.stdout


def test_json_is_all_there_is_and_what_python_says():
    said = json.loads(ran("open", "w.npz", *QUICK, "--json", "--seed", 5).stdout)
    Draft202012Validator(SCHEMA).validate(said)
    opened = emt.load("w.npz")
    assert said == emt.report(opened, S, seed=5, alignments=False, progress=False).to_dict()


def test_the_rule_is_inferred_if_none_is_given():
    said = json.loads(ran("open", "w.npz", "--no-alignments", "--json").stdout)
    assert (said["task"]["s"], said["verdict"]) == (S, "linear variable memories")
    assert said["inferred"].startswith("s = 4")


def test_standard_input_is_a_file_too():
    content = Path("w.npz").read_bytes()
    done = ran("open", "-", *QUICK, "--json", given=content)
    assert json.loads(done.stdout) == json.loads(ran("open", "w.npz", *QUICK, "--json").stdout)
    assert "standard input is damaged" in ran("open", "-", given=b"", code=2).stderr


def test_alignments_take_longer_and_are_there():
    said = json.loads(ran("open", "w.npz", "--s", S, "--json").stdout)
    assert "learned alignment" in said["exchanges"]


def test_trials_of_ones_own():
    own = trials()
    parts = {"inputs": own.inputs, "targets": (own.targets + 1) / 2, "mask": own.mask}
    np.savez("trials.npz", **parts, middle=0.5)
    said = json.loads(ran("open", "w.npz", *QUICK, "--trials", "trials.npz", "--json").stdout)
    assert said["task"]["own_trials"] and said["measures"]["accuracy"] == 1
    assert "needs --s or --task" in refused("open", "w.npz", "--trials", "trials.npz")
    np.savez("other.npz", inputs=own.inputs, goals=own.targets)
    assert "but holds inputs, goals" in refused("open", "w.npz", *QUICK, "--trials", "other.npz")
    odd = own.targets * np.where(np.arange(3 * S) < 3 * S - 1, 1, -1)[:, None]
    np.savez("odd.npz", inputs=own.inputs, targets=odd, mask=own.mask)
    assert "targets must follow the rule" in refused("open", "w.npz", *QUICK, "--trials", "odd.npz")


def test_options_reach_the_loader(monkeypatch):
    network = planted(10)
    wide = np.hstack([np.ones((10, 1)), network.W_uh])
    np.savez("odd.npz", recurrent=network.W_hh, W_uh=wide, W_r=network.W_r, alpha=1.0, q=np.eye(3))
    asked = "--name", "W_hh=recurrent", "--ignore", "q", "--ignore", "alpha"
    asked += "--activation", "linear", "--channels", "1,2", *QUICK, "--json"
    said = json.loads(ran("open", "odd.npz", *asked).stdout)
    assert said["used"]["W_hh"] == "10 x 10, from recurrent"
    assert (said["used"]["activation"], said["used"]["data channels"]) == ("identity", "1, 2")
    assert said["verdict"] == "linear variable memories"
    told = {}
    monkeypatch.setattr(emt, "load", lambda *given: told.update(given=given[1:]) or stop())
    ran("open", "w.npz", "--leak", 0.2, "--rates", "--layout", "h @ W", "--name", "b=x", code=2)
    assert told["given"] == (None, 0.2, True, "h @ W", {"b": "x"}, ())


def stop():
    raise ValueError("enough")


def test_what_a_file_says_beside_is_passed_on():
    network = planted(10)
    held = {"W_hh": network.W_hh, "W_uh": network.W_uh, "W_r": network.W_r}
    np.savez("more.npz", **held, thing=np.array({}, dtype=object))
    done = ran("open", "more.npz", *QUICK)
    assert done.stderr == "emt: passed over, being Python objects: thing\n"


def test_the_page_is_written():
    done = ran("open", "w.npz", *QUICK, "--report", "page.html", "--json")
    assert json.loads(done.stdout) and done.stderr == "emt: page.html is written\n"
    page = Path("page.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>") and page.count("<img ") == 2


def test_compose_copy_is_asked_about():
    task = emt.compose_copy(KAPPA)
    network = emt.beyond.overwriting.overwriting_network(task, 2.0, 4.0)
    emt.save(network, "compose.safetensors")
    asked = "open", "compose.safetensors", "--task", "compose-copy", "--no-alignments", "--json"
    said = json.loads(ran(*asked).stdout)
    assert said["task"]["F"] == task.F.tolist() and said["measures"]["accuracy"] == 1
    assert json.loads(ran(*asked, "--s", 2).stdout) == said
    assert "must be kappa = 2 in compose copy" in refused(*asked, "--s", 3)


# The arguments, and a part of what is said.
REFUSED = {
    "no command of that name": ("opne w.npz", "No such command 'opne'. Did you mean 'open'?"),
    "no such command": ("zzz", "No such command 'zzz'."),
    "no such option": ("open w.npz --quick", "No such option: --quick"),
    "no file named": ("open", "Missing argument 'FILE'"),
    "no such file": ("open x.npz", "No such file or directory: 'x.npz'"),
    "a folder": ("open folder", "folder is no file"),
    "text": ("open text", "text is damaged, or no weight file"),
    "one array": ("open one.npz", "one.npz: "),
    "a task of another name": (
        "open w.npz --task copy",
        "'copy' is not one of 'repeat-copy', 'com",
    ),
    "an activation of another name": ("open w.npz --activation foo", "activation must be one of"),
    "a layout of another name": ("open w.npz --layout foo", "layout must be one of W @ h"),
    "a leak of 2": ("open w.npz --leak 2", "leak must lie above 0"),
    "no number": ("open w.npz --s four", "valid integer"),
    "s of 0": ("open w.npz --s 0", "greater than or equal to 1"),
    "too many vectors": ("open w.npz --s 99999999999", "must fit in memory and float64"),
    "channels in words": ("open w.npz --channels a", "--channels must be whole numbers, such as"),
    "channels from the last": ("open w.npz --channels 1-0", "must go up from the first"),
    "channels that are not there": ("open w.npz --s 4 --channels 0,7", "channels must be"),
    "half a name": ("open w.npz --name W_hh", "--name must be a part and an array, such as"),
    "another part": ("open w.npz --name A=W_hh", "names must be one of W_hh"),
    "repeat copy of nothing": ("open w.npz --task repeat-copy", "needs --s, the number of vectors"),
    "no trials": ("open w.npz --s 4 --trials x.npz", "No such file or directory: 'x.npz'"),
    "a page that is a folder": ("open w.npz --report folder", "folder must be a file in a folder"),
    "a page nowhere": ("open w.npz --report a/b.html", "b.html must be a file in a folder"),
    "a seed below 0": ("open w.npz --seed -1", "greater than or equal to 0"),
    "figure 4": ("figure 4", "NUMBER must be 1, 2 or 3: there is no figure 4"),
    "figure 1 of a file": ("figure 1 w.npz", "FILE is for Figure 3"),
    "kappa of a file": ("figure 3 w.npz --kappa 2", "says itself what kappa is"),
    "another kind of picture": ("figure 1 --out f.gif", "must be one of svg, pdf, png, not 'gif'"),
    "no figure of it": ("figure 3 unheard.npz", "to be drawn: No output hears any input"),
    "a figure nowhere": ("figure 1 --out a/b.svg", "a/b.svg must be a file in a folder"),
    "a network nowhere": ("train --out a/b", "a/b must be a file in a folder"),
    "too few units": ("train --s 1 --kappa 3 --hidden 2", "hidden must be at least kappa = 3"),
    "seeds in words": ("sweep --seeds x", "--seeds must be whole numbers, such as 0,1 or 0-4"),
    "too many seeds": ("sweep --seeds 0-99999999999999999", "--seeds must be small enough to fit"),
    "a table nowhere": ("sweep --out a/b.csv", "a/b.csv must be a file in a folder"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.filterwarnings("ignore:hidden = 2 is below")
def test_what_cannot_be_done_is_said_in_a_line(case):
    os.mkdir("folder")
    Path("text").write_text("no weights")
    np.savez("one.npz", a=np.eye(3))
    np.savez("unheard.npz", W_hh=np.eye(9) / 2, W_uh=np.ones((9, 2)), W_r=np.zeros((2, 9)))
    arguments, message = REFUSED[case]
    assert message in refused(*arguments.split())


def test_every_refusal_is_tried(monkeypatch):
    np.savez("x.npz", a=np.eye(3))
    calls = [
        lambda: command._figure(4),
        lambda: command._figure(1, "w.npz"),
        lambda: command._writable(Path("a/b")),
        lambda: command._numbers("seeds", "x"),
        lambda: command._numbers("seeds", "1-0"),
        lambda: command._opened("w.npz", None, 1.0, False, None, ["x"], ()),
        lambda: command._asked(command._Rule.COMPOSE, 3, 2),
        lambda: command._asked(command._Rule.REPEAT, None, 2),
        lambda: command._with_trials(None, Path("x.npz")),
        lambda: command._with_trials(emt.repeat_copy(2, 1), Path("x.npz")),
    ]
    assert missing(calls, only="verdict/command.py") == []


@pytest.mark.parametrize(
    "number, kind, head", [(1, "png", b"\x89PNG"), (2, "svg", b"<?xml"), (3, "pdf", b"%PDF")]
)
def test_a_figure_is_drawn_and_is_the_same_bytes_again(number, kind, head):
    asked = ["w.npz", "--s", S] if number == 3 else ["--s", 1, "--kappa", 1]
    drawn = []
    for name in (f"a.{kind}", f"b.{kind}"):
        assert (
            ran("figure", number, *asked, "--out", name).stdout
            == f"Figure {number} is in {name}.\n"
        )
        drawn.append(Path(name).read_bytes())
    assert drawn[0].startswith(head) and drawn[0] == drawn[1]


def test_figure_2_is_of_the_last_input(monkeypatch):
    drawn = []
    monkeypatch.setattr(emt.figures, "figure_2", lambda *panels: drawn.extend(panels))
    command._figure_2(3, 2, seed=1)
    before, composed, written, read, u, s, kappa = drawn
    assert (s, kappa) == (3, 2) and 0.3 <= abs(u).min() and before[4:].all()
    np.testing.assert_allclose(composed, np.roll(before, -2), atol=1e-12)
    np.testing.assert_allclose(written, composed + np.pad(u, (4, 0)), atol=1e-12)
    np.testing.assert_allclose(read, u, atol=1e-12)


def test_a_figure_has_a_name_if_none_is_given(monkeypatch):
    monkeypatch.setattr(command, "_drawn", lambda draw, kind: kind.encode())
    for number in (1, 2, 3):
        file = ["w.npz"] * (number == 3)
        assert ran("figure", number, *file).stdout == f"Figure {number} is in figure{number}.svg.\n"
        assert Path(f"figure{number}.svg").read_bytes() == b"svg"


def test_a_figure_that_fails_leaves_nothing(monkeypatch):
    monkeypatch.setattr("emt.writing.os.replace", lambda *_: stop())
    before = everything()
    assert ran("figure", 2, "--s", 2, code=2).stderr == "emt: enough\n"
    assert everything() == before


SMALL = "--s", "2", "--kappa", "1", "--hidden", "6"


def test_a_network_is_trained_and_opens_again():
    done = ran("train", *SMALL, "--out", "n.safetensors", "--seed", 1)
    assert re.search(r"^100.00% of the answers .*\(95 % interval: .* in n.safetensors", *flat(done))
    network = emt.load("n.safetensors").network
    assert (network.hidden, network.kappa) == (6, 1)
    found = emt.accuracy(network, emt.repeat_copy(2, 1))
    assert f"{found.value:.2%}" in done.stdout and f"{found.interval[0]:.2%}" in done.stdout
    assert emt.load("n.safetensors").used["W_hh"] == "W_hh"
    assert len(os.listdir()) == 2


def flat(done) -> tuple[str]:
    return (" ".join(done.stdout.split()),)


def test_recipes_are_the_books():
    copy, compose = emt.repeat_copy(16, 5), emt.compose_copy(4)
    recipes = emt.training.recipes
    rule = command._Rule
    assert command._recipe(rule.REPEAT, copy, 128, 3) == emt.TrainingConfig(seed=3)
    assert command._recipe(rule.COMPOSE, compose, 32, 3) == recipes.to_overwrite(4, 32, 3)
    assert command._learned(rule.REPEAT, None, 5).F.tolist() == copy.F.tolist()
    assert command._learned(None, None, 5).F.tolist() == copy.F.tolist()
    assert command._learned(rule.COMPOSE, None, 4).F.tolist() == compose.F.tolist()


def test_many_are_judged_and_trained_once(monkeypatch):
    short = emt.TrainingConfig(hidden=6, stages=((4, 50, 1e-2), (12, 50, 3e-3)))
    monkeypatch.setattr(command, "_recipe", lambda *given: replace(short, seed=given[-1]))
    asked = "sweep", *SMALL, "--seeds", "0,2-3", "--workers", "1", "--out", "v.csv"
    done = ran(*asked)
    rows = list(csv.DictReader(Path("v.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["seed"] for row in rows] == ["0", "2", "3"]
    assert list(rows[0]) == ["seed", "accuracy", "efficacy", "index", "verdict"]
    lines = done.stdout.splitlines()
    assert "repeat-copy, s = 2, kappa = 1, 6 units" in lines[0] and len(lines) == 5
    for row, line in zip(rows, lines[2:], strict=True):
        assert row["verdict"] in line and f"{float(row['accuracy']):.3f}" in line
    stored = len(os.listdir("store"))
    monkeypatch.setattr("emt.training.descent.train", lambda *_: stop())
    assert ran(*asked).stdout == done.stdout and len(os.listdir("store")) == stored == 6
    alone = ran("sweep", *SMALL, "--seeds", "2", "--workers", "1").stdout.splitlines()
    assert len(alone) == 3 and alone[1].split() == list(rows[0])
    kept = ran(*asked, "--folder", "verdicts")
    monkeypatch.setattr(command, "_verdict", lambda *_: stop())
    assert kept.stdout == done.stdout and len(os.listdir("verdicts")) == 3


@pytest.mark.parametrize("number, kappa", [(1, 3), (2, 5)])
def test_figures_1_and_2_are_of_four_memories_if_nothing_is_said(number, kappa, monkeypatch):
    asked = []
    monkeypatch.setattr(command, "_drawn", lambda draw, kind: asked.append(draw.args) or b"")
    ran("figure", number)
    ran("figure", number, "--s", 2, "--kappa", 1, "--seed", 3)
    assert asked == [(4, kappa, 0), (2, 1, 3)]


def test_figure_3_is_of_the_books_network_if_no_file_is_given(monkeypatch):
    asked = []
    monkeypatch.setattr(command, "_drawn", lambda draw, kind: asked.append(draw) or b"")
    ran("figure", "3", *SMALL)
    network, task, channels = asked[0].args
    assert (network.hidden, network.kappa, task.s, channels) == (6, 1, 2, None)
    assert len(os.listdir("store")) == 2


LIGHT = """
import atexit, sys
heavy = "torch", "matplotlib", "scipy.stats", "pandas", "joblib", "tqdm", "rich.traceback"
atexit.register(lambda: print([n for n in heavy[:-1] if n in sys.modules], file=sys.stderr))
"""


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_help_comes_at_once(arguments):
    process = started(*arguments, before=LIGHT)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "[]\n")
    assert all(f"│ {name}" in out for name in ("open", "train", "figure", "sweep"))
    assert "\x1b" not in out and max(map(len, out.splitlines())) == 80
    assert "completion" not in out


@pytest.mark.parametrize("name", ["open", "train", "figure", "sweep"])
def test_each_command_has_help_with_examples(name):
    text = ran(name, "-h").stdout
    examples = re.findall(rf"^ +(?:cat \S+ \| )?(emt {name} .*)$", text, re.MULTILINE)
    assert len(examples) >= 2 and max(map(len, text.splitlines())) <= 80
    options = {word for line in examples for word in re.findall(r" (--[\w-]+)", line)}
    assert options <= set(re.findall(r"│ (--[\w-]+)", text))


def test_the_version_is_that_of_the_distribution():
    assert re.fullmatch(rf"{NAME} (\d[\w.]*|\(not installed\))\n", ran("--version").stdout)


def test_no_colour_is_no_colour():
    coloured = started("opne", env={"FORCE_COLOR": "1", "TERM": "xterm-256color"})
    plain = started("opne", env={"FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "xterm-256color"})
    colour = r"\x1b\[[0-9;]*3[0-9][0-9;]*m"
    assert re.search(colour, coloured.communicate()[1])
    assert not re.search(colour, plain.communicate()[1]) and plain.returncode == 2


GONE = """
import sys

class Gone:
    def find_spec(name, *_):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, Gone)
"""


def test_without_torch_it_is_said_what_to_install():
    torch.save({"weight_hh_l0": torch.eye(3)}, "w.pt")
    process = started("open", "w.pt", before=GONE)
    said = process.communicate()
    assert (process.returncode, *said) == (
        2,
        "",
        "emt: w.pt: to read this archive of NumPy, PyTorch or Keras, pip install torch\n",
    )


def test_a_network_is_trained_without_torch():
    process = started("train", *SMALL, "--out", "n.safetensors", before=GONE)
    assert (process.communicate()[1], process.returncode) == ("", 0)
    assert emt.load("n.safetensors").network.hidden == 6


def test_an_interrupt_ends_it_quietly():
    asked = "train", "--hidden", "2000"
    process = started(*asked, before="import emt; print('here', flush=True); ")
    assert process.stdout.readline() == "here\n"
    time.sleep(2.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (130, "", "")
    assert os.listdir() == ["w.npz"]


def test_nobody_needs_to_read_to_the_end():
    process = started("open", "w.npz", *QUICK)
    process.stdout.close()
    assert (process.stderr.read(), process.wait()) == ("", 1)
    process.stderr.close()
