"""The live figures, in a browser: their mathematics against `emt`, every control, every lesson."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe

import emt
from emt import linear_network
from emt.algorithm1 import as_printed, contents
from emt.beyond import interventions, overwriting
from emt.network import continued

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "book/_scripts"))
import browser  # noqa: E402
import live  # noqa: E402
import live_data  # noqa: E402
from assemble import MATHJAX  # noqa: E402

S, KAPPA, STEPS = 16, 5, 216
PAGES = {
    "intro": "book/intro.md",
    "notebooks/editing": "notebooks/interventions.md",
    "notebooks/overwriting": "notebooks/overwriting.md",
    "notebooks/rule": "notebooks/linear_rules.md",
}
BLOCK = re.compile(r"^```\{live\} .*?^```$", re.MULTILINE | re.DOTALL)
AFTER = "What follows the figure."
NETWORKS = "trained", "theory", "untrained", "rotated", "overwriting", "trained to overwrite"
# Edits of every kind at several times, and a second picture; `shake` apart, whose noise is its own.
EDITS = [
    {"at": 20, "kind": "swap", "first": 1, "second": 9, "dose": 1},
    {"at": 32, "kind": "swap", "first": 16, "second": 2, "dose": 0.3},
    {"at": 40, "kind": "erase", "memory": 3},
    {"at": 41, "kind": "flip", "memory": 16, "bit": 2},
    {"at": 50, "kind": "shake", "seed": 3, "size": 0.5},
    {"at": 90, "kind": "link"},
    {"at": 123, "kind": "link"},
]
SECOND = 64


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the book's pages that have a live figure, with that alone on them."""
    source = tmp_path_factory.mktemp("live")
    shutil.copy(ROOT / "book/_config.yml", source)
    shutil.copy(ROOT / "book/references.bib", source)
    shutil.copytree(ROOT / "book/_assets", source / "_assets")
    shutil.copy(MATHJAX, source / "_assets")
    live_data.main(source / "_assets/live")
    (source / "notebooks").mkdir()
    for page, origin in PAGES.items():
        (block,) = BLOCK.findall((ROOT / origin).read_text(encoding="utf-8"))
        label = re.search(r"^:name: (.*)$", block, re.MULTILINE)[1]
        text = (
            f"# A page\n\nSee [the figure](#{label}).\n\n{block}\n\n{AFTER}\n\n" + "More.\n\n" * 60
        )
        (source / f"{page}.md").write_text(text, encoding="utf-8")
    root, *chapters = PAGES
    toc = {"format": "jb-book", "root": root, "chapters": [{"file": name} for name in chapters]}
    (source / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
    command = [Path(sys.executable).with_name("jupyter-book"), "build", "-q", "-W", "-n", source]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return source / "_build/html"


@pytest.fixture(scope="module")
def chromium():
    with browser.opened() as opened:
        yield opened


class Page:
    """One page in one window, watched: requests, errors, shifts."""

    def __init__(self, chromium, site, name, width=1280, theme="light", **options):
        self.context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        choose = (
            f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}')"
        )
        self.context.add_init_script(choose)
        self.context.add_init_script(
            "window.shifts = []; new PerformanceObserver((list) => list.getEntries().forEach((e) =>"
            "shifts.push(e.value))).observe({type: 'layout-shift', buffered: true})"
        )
        self.page = self.context.new_page()
        self.faults, self.asked_for = [], []
        self.page.on("console", lambda m: self.faults.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", self.asked)
        self.page.goto((site / f"{name}.html").as_uri())
        self.figure = self.page.locator(".emt-live")

    def asked(self, request):
        """Note what the page asks for, and from whom."""
        self.asked_for.append(request.url)
        if not request.url.startswith(("file:", "data:", "blob:")):
            self.faults.append(request.url)

    def js(self, code, argument=None):
        """Run code in the page, with the figure as `f`."""
        body = f"(a) => {{ const f = document.querySelector('.emt-live').emt; return {code}; }}"
        return self.page.evaluate(body, argument)

    def wait(self, code, seconds=20):
        """Wait until something is so."""
        body = f"() => {{ const f = document.querySelector('.emt-live').emt; return {code}; }}"
        self.page.wait_for_function(body, timeout=1000 * seconds)

    def ready(self):
        """Scroll to the figure and wait until its networks are open and it stands still."""
        self.figure.scroll_into_view_if_needed()
        self.wait("f.views.every((view) => view.network) && !f.waiting")
        self.js("f.player.pause()")
        return self

    def go(self, t):
        """Go to a time."""
        self.js("f.player.go(a, true)", t)
        self.wait(f"!f.waiting && f.t === {t}")

    def state(self):
        """Return what is shown: time, every mark, the words."""
        return self.js(
            "[f.t, [...document.querySelectorAll('.emt-live .el-strip > *')].map((e) => "
            "e.className + e.style.getPropertyValue('--size')), "
            "document.querySelector('.el-score').textContent]"
        )

    def says(self):
        """Return the narrator's line."""
        return self.page.locator(".el-narrator").inner_text()

    def press(self, name, **options):
        """Press a button."""
        self.page.get_by_role("button", name=name, **options).click()

    def played(self, t):
        """Wait until a scene has ended; return the narrator's line."""
        self.wait(f"f.t === {t} && !f.player.playing && !f.waiting")
        return self.says()


@pytest.fixture
def opened(chromium, site):
    pages = []

    def open_page(name="intro", **options):
        pages.append(Page(chromium, site, name, **options))
        return pages[-1]

    yield open_page
    for page in pages:
        page.context.close()
        assert page.faults == []


# The mathematics


def uniform(seed):
    """Numbers from a seed as the page makes them, by another route: whole numbers modulo 2**32."""
    state, word = seed, 2**32
    while True:
        state = (state + 0x6D2B79F5) % word
        x = (state ^ state >> 15) * (state | 1) % word
        x ^= (x + (x ^ x >> 7) * (x | 61)) % word
        yield (x ^ x >> 14) / word


def normal(seed):
    numbers = uniform(seed)
    while True:
        yield sum(islice(numbers, 12)) - 6


def turned(network, seed):
    """Return the network with its W_hh seen in as many mirrors as it has units."""
    numbers, W = normal(seed), network.W_hh
    for _ in range(network.hidden):
        v = np.array([*islice(numbers, network.hidden)])
        mirror = np.eye(network.hidden) - 2 * np.outer(v, v) / (v @ v)
        W = mirror @ W @ mirror
    return replace(network, W_hh=W)


def memories(name, network):
    """Return the corrected algorithm's memories, sized; as printed where nothing parts modes."""
    if name == "untrained":
        return as_printed(network, S, removal="none")
    found = emt.corrected(network, S)
    numbers = uniform(0)
    bits = [-1.0 if next(numbers) < 0.5 else 1.0 for _ in range(16 * S * KAPPA)]
    u = np.reshape(bits, (16, S, KAPPA))
    held = contents(found, emt.run(network, emt.with_silence(u, S))[0][:, S:])
    size = np.sqrt((held**2).mean(axis=(0, 1)))
    return replace(found, Psi=found.Psi * size, Psi_dual=found.Psi_dual / size[:, None])


@pytest.fixture(scope="module")
def networks(site):
    """Build the networks of the switch by `emt`, from the numbers that were exported."""
    task = emt.repeat_copy(S, KAPPA)
    found = live_data.exported(site / "_static/live/data.js")
    found["theory"] = interventions.surgery(
        found["trained"], memories("trained", found["trained"]), task
    )
    found["rotated"] = turned(found["trained"], 2)
    found["overwriting"] = overwriting.overwriting_network(task, 2.0, 4.0)
    return {name: (found[name], memories(name, found[name])) for name in NETWORKS}


@pytest.fixture(scope="module")
def computed(chromium, site):
    """Let the shipped file compute, for every network of its switch."""
    page = Page(chromium, site, "intro")
    names = page.js("emt.networks.NAMES")
    code = """(() => {
      const [name, edits, second] = a;
      const work = emt.networks.opened(name);
      let step = work.next();
      while (!step.done) step = work.next();
      const network = step.value;
      const plain = {writes: [{at: 0, picture: emt.glyphs.picture("3141")}], edits: []};
      const other = {at: second, picture: emt.glyphs.picture("2718")};
      const script = {writes: [...plain.writes, other], edits};
      const states = (run) => Array.from({length: 216}, (_, t) => run.at(t + 1))
        .map(({h, before, y}) => [h, before, y].map((x) => [...x]));
      const long = new emt.runs.Run(network, plain);
      long.reach(625);
      return {
        Psi: [...network.Psi.data], dual: [...network.dual.data], arrives: network.arrives,
        plain: states(new emt.runs.Run(network, plain)),
        edited: states(new emt.runs.Run(network, script)),
        rest: emt.networks.rest(network, long.at(40).h),
        share: [...emt.networks.share(network, long.at(40).h, 7)],
        right: long.rounds.slice(2).map((round) => round.right.adds.right),
      };
    })()"""
    yield {name: page.js(code, [name, EDITS, SECOND]) for name in names}
    page.context.close()


def apart(found, wanted):
    """Return the largest difference, relative to the largest value."""
    return abs(np.asarray(found) - wanted).max() / abs(wanted).max()


def edited(network, memories, u):
    """Run with the edits, by `emt.beyond.interventions` on states."""
    H, first = network.hidden, memories.Psi[:, :KAPPA] @ memories.Psi_dual[:KAPPA]
    numbers, link, h = normal(3), 1, np.zeros(H)
    states, outputs = [], []
    for t in range(1, STEPS + 1):
        if link < 0:
            h = h - 2 * first @ h
        h = network.step(h, u[t - 1])
        outputs.append(network.read(h))
        for edit in (e for e in EDITS if e["at"] == t):
            if edit["kind"] == "swap":
                places = edit["first"], edit["second"]
                h = interventions.interchange(memories, h, *places, edit["dose"])
            elif edit["kind"] == "erase":
                h = interventions.erase(memories, h, edit["memory"])
            elif edit["kind"] == "flip":
                held = interventions.read(memories, h, edit["memory"])
                held[edit["bit"] - 1] *= -1
                h = interventions.write(memories, h, edit["memory"], held)
            elif edit["kind"] == "shake":
                size = edit["size"] * np.sqrt((h**2).mean())
                h = h + size * np.array([*islice(numbers, H)])
            else:
                link = -link
        states.append(h)
    return np.array(states), np.array(outputs)


def test_the_switch_has_the_networks(computed):
    assert tuple(computed) == NETWORKS


@pytest.mark.parametrize("name", NETWORKS)
def test_states_outputs_and_memories_agree(computed, networks, name):
    (network, found), there = networks[name], computed[name]
    u = emt.bitmap("3141", S)
    h, y = emt.run(network, emt.with_silence(u, STEPS - S))
    states, _, outputs = zip(*there["plain"], strict=True)
    assert apart(states, h) < 1e-12 and apart(outputs, y) < 1e-12
    assert apart(np.reshape(there["Psi"], found.Psi.shape), found.Psi) < 1e-12
    assert apart(np.reshape(there["dual"], found.Psi_dual.shape), found.Psi_dual) < 1e-12
    held = contents(found, h[39])
    outside = np.linalg.norm(h[39] - found.Psi @ held) ** 2 / np.linalg.norm(h[39]) ** 2
    assert there["rest"] == pytest.approx(outside, rel=1e-9, abs=1e-12)
    own = found.Psi[:, 6 * KAPPA : 7 * KAPPA] @ held[6 * KAPPA : 7 * KAPPA]
    assert apart(there["share"], own) < 1e-11


@pytest.mark.parametrize("name", NETWORKS)
def test_edited_runs_agree(computed, networks, name):
    network, found = networks[name]
    u = emt.with_silence(emt.bitmap("3141", S), STEPS - S)
    u[SECOND : SECOND + S] += emt.bitmap("2718", S)
    h, y = edited(network, found, u)
    states, _, outputs = zip(*computed[name]["edited"], strict=True)
    assert apart(states, h) < 1e-12 and apart(outputs, y) < 1e-12
    plain = emt.run(network, emt.with_silence(emt.bitmap("3141", S), STEPS - S))[0]
    assert apart(plain, h) > 0.1


@pytest.mark.parametrize("name", ["trained", "untrained", "trained to overwrite"])
def test_one_weight_negated_is_seen(computed, networks, name):
    network, _ = networks[name]
    W = network.W_hh.copy()
    W[5, 7] *= -1
    h, _ = emt.run(replace(network, W_hh=W), emt.with_silence(emt.bitmap("3141", S), STEPS - S))
    assert apart([states for states, *_ in computed[name]["plain"]], h) > 1e-5


@pytest.mark.parametrize("name", NETWORKS)
def test_the_curve_is_the_accuracy_of_emt(computed, networks, name):
    network, _ = networks[name]
    u = emt.bitmap("3141", S)
    h = emt.run(network, u)[0][-1]
    y = continued(network, h, 624 * S)[1].reshape(624, S, KAPPA)
    right = (np.sign(y) == np.sign(u)).sum(axis=(1, 2))
    sure = abs(y).min(axis=(1, 2)) > 1e-6  # else a sign hangs on rounding
    assert sure.mean() > 0.9
    assert (np.array(computed[name]["right"]) == right)[sure].all()


def test_whether_it_comes_round_is_measured(computed, networks):
    for name, (network, found) in networks.items():
        block = (found.Psi_dual @ network.W_hh @ found.Psi)[-KAPPA:, :KAPPA]
        cosine = np.trace(block) / np.linalg.norm(block) / np.sqrt(KAPPA)
        assert computed[name]["arrives"] == pytest.approx(cosine, abs=1e-9)
        assert (cosine > 0.7) == (name != "untrained")


def test_networks_do_their_lesson_in_sixteen_bits(networks):
    """Rounded weights still do the task, and what was trained to overwrite overwrites."""
    task = emt.repeat_copy(S, KAPPA)
    exact = live_data.networks()
    for name, network in exact.items():
        rounded = networks[name][0]
        assert 0 < apart(rounded.W_hh, network.W_hh) < 2e-5
    right = {
        name: emt.accuracy(network, task, sequences=64).value
        for name, (network, _) in networks.items()
    }
    assert min(right[name] for name in NETWORKS if name not in ("untrained", "rotated")) > 0.999
    assert right["untrained"] < 0.7 and right["rotated"] < 0.7
    last = {
        name: overwriting.answers(networks[name][0], task, sequences=64, steps=2 * S).last
        for name in NETWORKS
    }
    assert last["trained to overwrite"] > 0.99 and last["overwriting"] == 1
    assert last["trained"] < 0.85


def test_pictures_are_those_of_emt(opened):
    page = opened()
    for text in ("3141", "A9Z0", "7"):
        found = page.js("[...emt.glyphs.picture(a)]", text)
        assert np.array_equal(np.reshape(found, (S, KAPPA)), emt.bitmap(text, S))
        assert page.js("emt.glyphs.text(emt.glyphs.picture(a))", text) == text.ljust(4, "·")
    noise = np.sign(np.random.default_rng(0).normal(size=80)).tolist()
    assert "?" in page.js("emt.glyphs.text(Float64Array.from(a))", noise)
    assert page.js("emt.glyphs.text(new Float64Array(80))") == "____"


def test_rules_agree(opened):
    """Matrix, eigenvalues, criterion and all three sequences, for rules of every kind."""
    page = opened("notebooks/rule")
    rng = np.random.default_rng(0)
    tasks = [emt.repeat_copy(4, 3), emt.compose_copy(3), emt.running_sums(3, 2)]
    for s, kappa in ((2, 1), (3, 2), (6, 3)):
        tasks += [emt.Task(s, kappa, rng.integers(-1, 2, (s, kappa, kappa)) * 1.0) for _ in "123"]
    blind = np.zeros((3, 2, 2))
    blind[0], blind[1, 1, 0] = [[1, 0], [1, 0]], -1
    tasks.append(emt.Task(3, 2, blind))
    code = """(() => {
      const {matrix, eigenvalues} = emt.matrices;
      const [s, kappa, F, u, steps] = a;
      const rule = {s, kappa, F: matrix(kappa, s * kappa, Float64Array.from(F))};
      const rows = (all) => all.map((row) => [...row]);
      const told = u.map((row) => Float64Array.from(row));
      const {plain, driven, says, linear, overwriting} = emt.rules;
      return {
        Phi: [...emt.rules.Phi(rule).data], values: eigenvalues(emt.rules.Phi(rule)),
        failing: emt.rules.failing(rule),
        plain: rows(plain(rule, told, steps)), driven: rows(driven(rule, told, steps)),
        linear: rows(says(linear(rule, emt.numbers.normal(7)), told, steps)),
        over: rows(says(overwriting(rule), told, steps)),
      };
    })()"""
    verdicts = []
    for task in tasks:
        u, s, n = emt.random_bits(task, 1, rng)[0], task.s, task.n
        steps = 4 * s
        F = np.hstack(task.F)
        there = page.js(code, [s, task.kappa, F.ravel().tolist(), u.tolist(), steps])
        assert np.array_equal(np.reshape(there["Phi"], (n, n)), task.Phi)
        values = np.array(there["values"]) @ [1, 1j]
        z = np.exp(2j * np.pi * np.arange(7) / 7) * 1.7
        small = np.array([np.linalg.det(x * np.eye(n) - task.Phi) for x in z])
        assert np.allclose(np.prod(z[:, None] - values, axis=1), small, rtol=1e-9)
        told = emt.with_silence(u, steps - s)
        driven = emt.driven(task, told)
        assert np.allclose(there["plain"][s:], emt.continuation(task, u, steps - s))
        assert np.allclose(there["driven"], driven)
        assert np.allclose(there["linear"], driven, atol=1e-8 * (1 + abs(driven).max()))
        over = overwriting.overwriting_network(task, 2.0, 4.0)
        assert np.allclose(there["over"], emt.run(over, told)[1])
        products = [
            [i + 1, j + 1] for i in range(s) for j in range(1, s) if (task.F[i] @ task.F[j]).any()
        ]
        assert there["failing"] == products
        verdicts.append(bool(products))
        assert (linear_network.criterion(task) > 1e-9) == bool(products)
    assert True in verdicts and False in verdicts


# The page


OVER = """(() => {
  const box = document.querySelector('.el-figure');
  const end = box.getBoundingClientRect().right + 1;
  const all = [...box.querySelectorAll('*')].filter((e) => e.checkVisibility());
  const words = all.filter((e) => !e.closest('.el-grid, .el-unseen, svg'));
  return words.filter((e) => e.getBoundingClientRect().right > end).map((e) => e.outerHTML);
})()"""


@pytest.mark.parametrize("name", PAGES)
def test_every_width_and_theme(opened, name):
    """Nothing sticks out, the checker finds nothing, and the theme is the style's alone."""
    page = opened(name)
    if name != "notebooks/rule":
        page.ready()
    for details in page.page.locator(".emt-live details").all():
        details.evaluate("(e) => e.open = true")
    paper = "getComputedStyle(document.querySelector('.el-grid')).backgroundColor"
    seen = []
    for width in (390, 900, 1280):
        page.page.set_viewport_size({"width": width, "height": 900})
        for theme in ("light", "dark"):
            page.js("document.documentElement.dataset.theme = a", theme)
            assert page.js("document.documentElement.scrollWidth") <= width
            assert page.js(OVER) == []
            seen.append(page.js(paper))
            if width == 900:
                continue  # laid out as at 1280
            found = Axe().run(page.page, context=".emt-live", options={"preload": False})
            faults = [(v["id"], v["nodes"][0]["html"]) for v in found.response["violations"]]
            assert (width, theme, faults) == (width, theme, [])
    assert len(set(seen)) == 2


@pytest.mark.parametrize("name", PAGES)
def test_nothing_jumps_when_it_starts(opened, name):
    """What follows the figure stays where it was first drawn, and nothing else moves."""
    page = opened(name)
    after = page.page.get_by_text(AFTER)
    before = after.bounding_box()["y"] + page.js("scrollY")
    if name != "notebooks/rule":
        page.wait("f.views.every((view) => view.network) && !f.waiting")
    page.page.wait_for_timeout(500)
    assert after.bounding_box()["y"] + page.js("scrollY") == before
    assert page.js("shifts.reduce((sum, x) => sum + x, 0)") < 1e-3


@pytest.mark.parametrize("name", PAGES)
def test_a_page_weighs_little(opened, site, name):
    """All that the figure brings: data, scripts, style; the still is not asked for."""
    page = opened(name)
    page.page.wait_for_timeout(300)
    brought = [
        site / "_static/live" / Path(url).name.split("?")[0]
        for url in page.asked_for
        if "/_static/live/" in url
    ]
    assert len(brought) >= 6 and not [path for path in brought if path.suffix == ".png"]
    assert sum(path.stat().st_size for path in brought) < 300_000


@pytest.mark.parametrize("name", PAGES)
def test_without_scripts_there_is_a_still(opened, name):
    page = opened(name, java_script_enabled=False)
    picture = page.figure.locator("img")
    assert picture.is_visible() and len(picture.get_attribute("alt")) > 60
    assert page.page.locator(".emt-live button").count() == 0


def test_other_formats_have_the_still(site, tmp_path):
    """Print shows it, and so does a builder that is not HTML."""
    source = site.parents[1]
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-b",
        "text",
        "-q",
        "-c",
        tmp_path,
        source,
        tmp_path / "out",
    ]
    extensions = '["myst_parser", "sphinx_external_toc", "book._scripts.live"]'
    config = f'extensions = {extensions}\nsuppress_warnings = ["*"]\nhtml_static_path = []\n'
    (tmp_path / "conf.py").write_text(config, encoding="utf-8")
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=ROOT)
    text = (tmp_path / "out/intro.txt").read_text(encoding="utf-8")
    assert "3141 as a picture of 16 columns" in text, done.stderr
    assert "memories were found" in text and "script" not in text


def test_print_shows_the_still(opened):
    page = opened().ready()
    assert not page.figure.locator("img").is_visible()
    page.page.emulate_media(media="print")
    assert page.figure.locator("img").is_visible()
    assert not page.page.locator(".el-figure").is_visible()


def test_a_figure_can_be_linked_to(site):
    for page, origin in PAGES.items():
        label = re.search(r"\{live\}.*\n:name: (.*)", (ROOT / origin).read_text(encoding="utf-8"))[
            1
        ]
        html = (site / f"{page}.html").read_text(encoding="utf-8")
        assert f'href="#{label}"' in html and f'id="{label}"' in html


def test_the_directive_asks_for_what_it_needs(tmp_path):
    """A name, a description and a caption: without one the build says which."""
    config = 'extensions = ["myst_parser", "book._scripts.live"]\n'
    (tmp_path / "conf.py").write_text(config, encoding="utf-8")
    whole = {":name: fig-x": "needs :name:", ":alt: What.": "needs :alt:", "A caption.": "caption"}
    for left_out, complaint in whole.items():
        lines = "\n".join(line for line in whole if line != left_out)
        (tmp_path / "index.md").write_text(
            f"# T\n\n```{{live}} first\n{lines}\n```\n", encoding="utf-8"
        )
        command = [
            sys.executable,
            "-m",
            "sphinx",
            "-E",
            "-q",
            "-b",
            "html",
            tmp_path,
            tmp_path / "out",
        ]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=ROOT)
        assert complaint in done.stderr


def test_only_pages_with_a_figure_load_it():
    assert set(live.SCRIPTS) == {"rule", None}
    files = {path.stem for path in (ROOT / "book/_assets/live").glob("*.js")} | {"data"}
    assert files == {*live.SCRIPTS["rule"], *live.SCRIPTS[None], "start"}


# What happens in time


def test_the_first_page_plays_by_itself_in_mid_run(opened):
    page = opened()
    page.figure.scroll_into_view_if_needed()
    page.wait("f.t > 25 && f.player.playing")
    assert page.says().startswith("Step ")


def test_it_plays_only_while_it_is_seen_and_rests_when_it_rests(opened):
    count = (
        "window.calls = 0;"
        "for (const name of ['setTimeout', 'requestAnimationFrame', 'setInterval'])"
        "{ const own = window[name]; window[name] = (...x) => { calls++; return own(...x); } }"
    )
    page = opened()
    page.figure.scroll_into_view_if_needed()
    page.wait("f.t > 24 && f.player.playing")
    page.js("scrollTo(0, document.body.scrollHeight)")
    page.wait("!f.player.seen")
    page.js(f"(() => {{ {count} }})()")
    t = page.js("f.t")
    page.page.wait_for_timeout(800)
    assert page.js("f.t") == t and page.js("f.player.playing") and page.js("calls") == 0
    page.figure.scroll_into_view_if_needed()
    page.wait(f"f.t > {t}")
    page.js("f.player.pause()")
    page.page.wait_for_timeout(500)
    page.js("calls = 0")
    page.page.wait_for_timeout(800)
    assert page.js("calls") == 0 and page.js("document.getAnimations().length") == 0


def test_reduced_motion(opened):
    page = opened(reduced_motion="reduce").ready()
    assert page.js("f.t") == 23
    page.press("Swap 3 and 4")
    assert "It says 4131." in page.played(48)
    page.press("step", exact=True)
    assert page.js("document.getAnimations().length") == 0
    page.press("play", exact=True)
    page.wait("f.t > 50")
    assert page.js("document.getAnimations().length") == 0


def test_scrubbing_there_and_back_gives_the_same_state(opened):
    page = opened("notebooks/editing").ready()
    page.go(40)
    page.js("f.edit({kind: 'swap', first: 2, second: 11, dose: 0.5})")
    seen = {}
    for t in (0, 1, 16, 17, 40, 41, 48, 112, 2000):
        page.go(t)
        seen[t] = page.state()
    assert len({json.dumps(state) for state in seen.values()}) == len(seen)
    for t in (40, 2000, 16, 112, 0, 41, 17, 48, 1):
        page.go(t)
        assert page.state() == seen[t]
    page.js("f.player.scrub.value = 41")
    page.page.locator("input[aria-label='step']").dispatch_event("input")
    assert page.state() == seen[41]


def test_undo_to_nothing(opened):
    page = opened("notebooks/editing").ready()
    page.go(30)
    states = [page.state()]
    for edit in (
        "swap, first: 1, second: 5, dose: 1",
        "erase, memory: 9",
        "flip, memory: 2, bit: 3",
        "shake, seed: 5, size: 0.7",
        "link",
    ):
        kind, *more = edit.split(", ", 1)
        page.js(f"f.edit({{kind: '{kind}', {more[0] if more else ''}}})")
        page.go(page.js("f.t + 3"))
        states.append(page.state())
    undo = page.page.get_by_role("button", name="Undo")
    for _ in states[:-1]:
        assert undo.is_enabled()
        undo.click()
        page.wait("!f.waiting")
    assert undo.is_disabled()
    page.go(30)
    assert page.state() == states[0]
    assert page.js("f.script.edits.length") == 0


def test_an_edit_after_scrubbing_back_forgets_what_came_later(opened):
    page = opened("notebooks/editing").ready()
    page.go(60)
    page.js("f.edit({kind: 'erase', memory: 3})")
    page.go(40)
    page.js("f.edit({kind: 'link'})")
    assert page.js("f.script.edits") == [{"kind": "link", "at": 40}]


# What the lessons promise


def test_swap(opened):
    page = opened().ready()
    page.press("Swap 3 and 4")
    assert "It says 4131. The edit was obeyed." in page.played(48)
    assert "80 of 80 bits as theory says" in page.page.locator(".el-score").first.inner_text()


def test_write_on_top_then_switch(opened):
    """The same script: a sum where writing adds, the second picture where it replaces."""
    page = opened(reduced_motion="reduce").ready()
    page.press("Write 2718 on top")
    assert "It says the sum" in page.played(64) and "Now switch to Overwriting" in page.says()
    page.page.locator("summary").click()
    for name in ("Overwriting", "Overwriting, learned"):
        page.page.get_by_role("radio", name=name, exact=True).check()
        page.wait("f.views[0].network && !f.waiting")
        assert "It says 2718." in page.says()
    page.page.get_by_role("radio", name="Rotated").check()
    page.wait("f.views[0].network && !f.waiting")
    assert "2718" not in page.says() and "sum" not in page.says()


def test_before_training_the_return_is_lost(opened):
    """Up to step 16 it holds what the trained network holds; then it goes to pieces."""
    page = opened(reduced_motion="reduce").ready()
    signs = "[...emt.networks.contents(f.views[0].network, f.views[0].run.at(a).h)].map(Math.sign)"
    page.press("Before training")
    assert "?" in page.played(48)
    assert page.page.locator(".el-ring").inner_text() == "lost"
    before = [page.js(signs, t) for t in (16, 40)]
    page.page.locator("summary").click()
    page.page.get_by_role("radio", name="Trained", exact=True).check()
    page.wait("f.views[0].network && !f.waiting")
    assert page.page.locator(".el-ring").inner_text() == "comes round"
    assert "It says 3141." in page.says()
    after = [page.js(signs, t) for t in (16, 40)]
    assert before[0] == after[0]
    assert np.not_equal(before[1], after[1]).sum() > 10


def test_shaken_bits_heal_where_they_are_overwritten(opened):
    page = opened(reduced_motion="reduce").ready()
    page.press("Shake it")
    page.played(64)
    spread = "Math.max(...f.views[0].run.outputs(64).data.map((y) => Math.abs(Math.abs(y) - 1)))"
    linear = page.js(spread)
    page.page.locator("summary").click()
    page.page.get_by_role("radio", name="Overwriting", exact=True).check()
    page.wait("f.views[0].network && !f.waiting")
    assert linear > 0.3 and page.js(spread) < 0.1
    assert "It says 3141." in page.says()


def test_after_thousands_of_steps(opened):
    page = opened(reduced_motion="reduce").ready()
    page.press("After 5,000 steps")
    assert page.played(5008).startswith("Step 5,008. It says ")


@pytest.mark.parametrize(
    "question, prediction, words, right",
    [
        ("swap memories", "4131", "It says 4131. The edit was obeyed.", "80 of 80"),
        ("swap memories", "3141", "It says 4131. The edit was obeyed.", None),
        ("erase memories", "3141", "It says 3_41, where _ is silence.", None),
        ("turn the sign", "3141", "It says 3141 with every sign turned.", "0 of 80"),
    ],
)
def test_predict_first(opened, question, prediction, words, right):
    page = opened("notebooks/editing", reduced_motion="reduce").ready()
    page.page.get_by_role("radio", name=question).check()
    page.wait("f.t === 32 && !f.waiting")
    assert "What will it say" in page.says()
    page.page.get_by_label("Your prediction as text").fill(prediction)
    page.press("Show me")
    assert words in page.played(48)
    compared = page.page.locator(".el-guess-text .el-score").inner_text()
    marked = page.page.locator(".el-said .el-wrong").count()
    assert int(compared.split()[0]) == 80 - marked
    assert compared.endswith("bits as you predicted") and (right or "") in compared
    assert (marked == 0) == (right == "80 of 80")


def test_two_networks_side_by_side(opened):
    page = opened("notebooks/overwriting", reduced_motion="reduce").ready()
    page.press("Write 2718 on top")
    words = page.played(64)
    assert "The trained network says the sum" in words
    assert "The network that learned to overwrite says 2718." in words
    first, second = page.page.locator(".el-one").all()
    assert first.bounding_box()["y"] == second.bounding_box()["y"]


def test_the_rule_lights_up_where_the_criterion_fails(opened):
    page = opened("notebooks/rule")
    page.figure.scroll_into_view_if_needed()
    assert page.page.locator(".el-fails").count() == 2
    assert "all are those of the driven rule" in page.says()
    old = page.page.locator("svg.el-plane").get_attribute("aria-label")
    page.page.get_by_role("radio", name="overwriting").check()
    assert "27 of 27 signs are as asked" in page.says()
    page.page.get_by_role("radio", name="repeat copy").check()
    page.page.get_by_role("radio", name="linear").check()
    assert page.page.locator(".el-fails").count() == 0
    assert "All products are 0" in page.says() and "27 of 27 outputs" in page.says()
    assert page.page.locator("svg.el-plane").get_attribute("aria-label") != old
    cell = page.page.locator(".el-f button").nth(13)
    cell.click()
    assert page.page.get_by_role("radio", name="your own").is_checked()
    assert page.page.locator(".el-fails").count() > 0
    cell.press("Space")
    assert page.js("Math.min(...f.rule.F.data)") == -1
    cell.press("Space")
    assert page.page.locator(".el-fails").count() == 0
    for size in ("2", "6"):
        page.page.get_by_role("group", name="s", exact=True).get_by_role("radio", name=size).check()
        assert page.js("f.rule.s") == int(size)
    page.press("Other bits")
    page.press("restart")
    assert page.js("f.player.t") == 0 and page.page.locator(".el-strips .el-plus").count() == 0


# Every control


def test_all_by_keyboard(opened):
    """In the order of the page, with Tab, arrows, Enter and Space alone."""
    page = opened("notebooks/editing").ready()
    keys = page.page.keyboard
    order = []
    page.page.locator(".el-asking input").first.focus()
    for _ in range(60):
        order.append(
            page.js(
                "document.activeElement.closest('.emt-live') && (document.activeElement.ariaLabel "
                "|| document.activeElement.textContent || document.activeElement.value)"
            )
        )
        if order[-1] is None:
            break
        keys.press("Tab")
    wanted = [
        "swap",
        "Text to tell",
        "Tell it",
        "Write on top",
        "column 1, row 1",
        "memory 1",
        "Your prediction as text",
        "Show me",
        "column 1, row 1",
        "restart",
        "back",
        "play",
        "step",
        "step",
        "go to step",
        "speed, steps a second",
        "trained",
        "swap",
        "dose of a swap, percent",
        "Shake all units",
        "Turn the last link",
    ]
    assert [name for name in order if name in wanted] == wanted and order[-1] is None


def test_pad_by_keyboard_and_pointer(opened):
    page = opened("notebooks/editing").ready()
    keys, pad = page.page.keyboard, page.page.locator(".el-told .el-pad")
    values = "[...f.pad.values]"
    start = page.js(values)
    pad.locator("button").first.focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", " "):
        keys.press(key)
    (changed,) = np.flatnonzero(np.not_equal(page.js(values), start))
    assert changed == KAPPA + 2
    assert page.js("document.activeElement.ariaLabel") == "column 2, row 3"
    keys.press("Enter")
    assert page.js(values) == start
    box = pad.bounding_box()
    cell = box["width"] / S
    mouse = page.page.mouse
    y = box["y"] + 0.5 * cell
    mouse.move(box["x"] + 3.5 * cell, y)
    mouse.down()
    mouse.move(box["x"] + 6.5 * cell, y, steps=12)
    mouse.up()
    changed = np.flatnonzero(np.not_equal(page.js(values), start))
    assert set(changed) <= {15, 20, 25, 30} and {15, 20, 30} <= set(changed)
    assert set(np.array(page.js(values))[changed]) == {1}
    drawn = page.js(values)
    pad.locator("button").first.press("Enter")
    assert np.flatnonzero(np.not_equal(page.js(values), drawn)).tolist() == [0]
    page.press("Tell it")
    page.wait("f.script.writes.length === 1 && f.t > 0 && f.player.playing")
    assert page.js("[...f.script.writes[0].picture]") == page.js(values)


def test_tell_and_write_on_top(opened):
    page = opened(reduced_motion="reduce").ready()
    page.page.get_by_label("Text to tell").fill("a9z0!")
    page.press("Tell it")
    assert "It says A9Z0." in page.played(32)
    page.go(37)
    page.page.get_by_label("Text to tell").fill("2718")
    page.press("Write on top")
    page.wait("f.script.writes.length === 2 && !f.waiting")
    assert page.js("f.script.writes[1].at") == 48
    assert "sum" in page.played(80)


def test_memories_by_keyboard(opened):
    page = opened("notebooks/editing").ready()
    page.go(32)
    keys = page.page.keyboard
    page.page.get_by_role("button", name="memory 1", exact=True).focus()
    assert page.page.locator(".el-state strong").inner_text() == "What memory 1 has"
    keys.press("Enter")
    assert "Memory 1 is chosen" in page.says()
    keys.press("Escape")
    keys.press("ArrowRight")
    keys.press("Enter")
    keys.press("End")
    keys.press("Enter")
    page.wait("f.script.edits.length === 1 && !f.waiting")
    edit = {"kind": "swap", "first": 2, "second": 16, "dose": 1, "at": 32}
    assert page.js("f.script.edits[0]") == edit
    keys.press("4")
    page.wait("f.script.edits.length === 2 && !f.waiting")
    assert page.js("f.script.edits[1]") == {"kind": "flip", "memory": 16, "bit": 4, "at": 32}
    page.page.get_by_role("radio", name="erase", exact=True).check()
    page.page.get_by_role("button", name="memory 3", exact=True).press("Enter")
    page.wait("f.script.edits.length === 3 && !f.waiting")
    assert page.js("f.script.edits[2]") == {"kind": "erase", "memory": 3, "at": 32}
    status = page.page.get_by_role("status").last
    assert status.inner_text() == "Memory 3 is erased."


def test_memories_by_pointer(opened):
    page = opened("notebooks/editing").ready()
    page.go(32)

    def at(memory, bit):
        grid = page.page.locator(".el-memories")
        grid.scroll_into_view_if_needed()
        box = grid.bounding_box()
        cell = box["width"] / S
        return box["x"] + (memory - 0.5) * cell, box["y"] + (bit - 0.5) * cell

    def click(memory, bit):
        page.page.mouse.click(*at(memory, bit))

    page.page.mouse.move(*at(7, 2))
    assert page.page.locator(".el-state strong").inner_text() == "What memory 7 has"
    page.page.get_by_label("dose of a swap, percent").fill("50")
    click(5, 2)
    click(9, 4)
    page.wait("f.script.edits.length === 1 && !f.waiting")
    edit = {"kind": "swap", "first": 5, "second": 9, "dose": 0.5, "at": 32}
    assert page.js("f.script.edits[0]") == edit
    assert page.says() == "50 % of memories 5 and 9 is exchanged."
    page.page.get_by_role("radio", name="flip a bit").check()
    click(12, 5)
    page.wait("f.script.edits.length === 2 && !f.waiting")
    assert page.js("f.script.edits[1]") == {"kind": "flip", "memory": 12, "bit": 5, "at": 32}
    page.press("Shake all units")
    page.wait("f.script.edits.length === 3 && !f.waiting")
    page.press("Turn the last link")
    page.wait("f.script.edits.length === 4 && !f.waiting")
    assert page.page.locator(".el-ring").inner_text() == "comes round, turned"
    page.press("Turn the last link")
    page.wait("f.script.edits.length === 5 && !f.waiting")
    assert page.page.locator(".el-ring").inner_text() == "comes round"


def test_player(opened):
    page = opened("notebooks/editing").ready()
    page.go(32)
    page.press("step", exact=True)
    assert page.js("f.t") == 33
    page.press("back")
    page.press("back")
    assert page.js("f.t") == 31
    page.press("restart")
    assert page.js("f.t") == 0 and "Nothing has been told" in page.says()
    page.press("back")
    assert page.js("f.t") == 0
    page.page.get_by_label("speed").fill("4")
    page.press("play", exact=True)
    page.wait("f.t >= 6")
    page.press("pause", exact=True)
    t = page.js("f.t")
    page.page.wait_for_timeout(300)
    assert page.js("f.t") == t
    for asked, t in (("9999", 9999), ("-4", 0), ("20000", 10000), ("", 0)):
        number = page.page.get_by_label("go to step")
        number.fill(asked)
        number.press("Enter")
        page.wait(f"f.t === {t} && !f.waiting")
    page.page.get_by_role("slider", name="step", exact=True).focus()
    page.page.keyboard.press("ArrowRight")
    assert page.js("f.t") == 1


def test_the_curve_is_drawn_and_leads_there(opened):
    page = opened("notebooks/editing").ready()
    chart = page.page.locator(".el-curves")
    chart.scroll_into_view_if_needed()
    page.wait("!f.chart.stale", 60)
    assert page.page.locator(".el-curve").count() == len(NETWORKS)
    label = chart.get_attribute("aria-label")
    assert "Overwriting, 100 % at step 10000" in label and "Trained, " in label
    box = chart.bounding_box()
    chart.click(position={"x": box["width"] * 0.5, "y": 50})
    page.wait("!f.waiting && f.t > 100 && f.t < 5000")
    page.js("f.edit({kind: 'erase', memory: 1})")
    assert page.js("f.chart.stale")


def test_screen_readers_hear_what_happens_not_every_step(opened):
    page = opened()
    page.figure.scroll_into_view_if_needed()
    page.wait("f.t > 24 && f.player.playing")
    page.js(
        "(() => { window.heard = 0; new MutationObserver((all) => heard += all.length)"
        ".observe(f.heard, {childList: true, characterData: true, subtree: true}) })()"
    )
    page.wait("f.t > 30")
    assert page.js("heard") == 0
    page.press("pause", exact=True)
    assert page.js("heard") == 1
    label = page.page.locator(".el-memories").get_attribute("aria-label")
    assert label.endswith(": 3141")
    assert (
        page.page.locator(".el-said").get_attribute("aria-label").startswith("Said in this round")
    )
