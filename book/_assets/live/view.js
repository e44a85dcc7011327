// One network in a figure: its state by unit and by memory, and what it says.
"use strict";
globalThis.emt ??= {};

emt.view = (() => {
  const { element, roving } = emt.page;
  const { Grid } = emt.pad;
  const { contents, rest, share } = emt.networks;
  const { linkTurned } = emt.runs;
  const { text } = emt.glyphs;
  const { NAMES } = emt.lessons;
  const { s: S, kappa: KAPPA } = emt.data;

  /** Other words, if they are others: the page lays out only what has changed. */
  const words = (place, text) => {
    if (place.textContent !== text) place.textContent = text;
  };

  const mark = (kind, size) => {
    const one = element("i", { className: `el-${kind}` });
    one.style.setProperty("--size", size);
    return one;
  };

  /** One network: its state by unit and by memory, and what it says. */
  class View {
    constructor(figure, name, units) {
      Object.assign(this, { figure, name, network: null, pointed: 0 });
      this.memory = new Grid(S + 1, KAPPA, { className: "el-memories" });
      this.said = new Grid(S, KAPPA, { className: "el-said" });
      this.units = units ? new Grid(16, 8, { className: "el-units" }) : null;
      this.numbers = Array.from({ length: S }, (_, n) => this.number(n + 1));
      roving(this.numbers);
      this.head = element("strong", {
        textContent: units ? "The same state, by memory" : NAMES[name][0],
      });
      this.outside = element("span", { title: "how much of the state lies outside the memories" });
      this.unitsHead = element("strong", { textContent: "Its state, by unit" });
      this.score = element("p", { className: "el-score" });
      this.ring = element("span");
      this.ringLine = element("div", { className: "el-ring" }, this.ring);
      const row = element("div", {
        className: "el-numbers",
        attributes: { role: "group", "aria-label": "Memories: choose one to edit it" },
      }, ...this.numbers);
      this.memoryBox = element(
        "div",
        { className: "el-memory" },
        element("p", { className: "el-title" }, this.head, this.outside),
        this.memory.box,
        row,
        this.ringLine,
      );
      this.unitsBox = element(
        "div",
        { className: "el-state" },
        element("p", { className: "el-title" }, this.unitsHead),
        ...(units ? [this.units.box] : []),
        element(
          "p",
          { className: "el-key" },
          ...[["plus", 1], ["minus", 1], ["plus", 0.4]].map(([kind, size], n) =>
            element("span", {}, mark(kind, size), ["plus", "minus", "small"][n])
          ),
        ),
      );
      this.saidBox = element("div", { className: "el-says" }, this.said.box);
      this.touchable();
    }

    number(memory) {
      const one = element("button", {
        type: "button",
        textContent: memory,
        onclick: (event) => this.figure.touched(memory, 0, event.detail === 0),
        attributes: { "aria-label": `memory ${memory}` },
      });
      one.addEventListener("keydown", (event) => {
        const bit = Number(event.key);
        if (bit >= 1 && bit <= KAPPA) this.figure.edit({ kind: "flip", memory, bit });
        if (event.key === "Escape") this.figure.picked(0);
      });
      one.addEventListener("focus", () => this.point(memory));
      one.addEventListener("blur", () => this.point(0));
      one.addEventListener("pointerenter", () => this.point(memory));
      one.addEventListener("pointerleave", () => this.point(0));
      return one;
    }

    touchable() {
      const { box } = this.memory;
      const place = (event) => this.memory.under(event) - KAPPA;
      box.addEventListener(
        "pointermove",
        (event) => this.point(Math.floor(place(event) / KAPPA) + 1),
      );
      box.addEventListener("pointerleave", () => this.point(0));
      box.addEventListener("click", (event) => {
        const n = place(event);
        if (n >= 0) this.figure.touched(Math.floor(n / KAPPA) + 1, n % KAPPA + 1);
      });
    }

    /** Show the share of the units that one memory has. */
    point(memory) {
      const real = Math.max(0, memory);
      if (real === this.pointed) return;
      this.pointed = real;
      this.draw();
    }

    /** The run of this network by the figure's script; known states are kept. */
    get run() {
      return this.network && this.figure.run(this.network);
    }

    draw() {
      const { network, figure } = this;
      if (!network) return;
      const { t, script } = figure;
      const run = this.run;
      const { h } = run.at(t);
      const left = t > 0 ? contents(network, run.at(t - 1).h) : new Float64Array(KAPPA).fill(NaN);
      this.memory.draw([...left.subarray(0, KAPPA), ...contents(network, h)]);
      if (this.units) this.drawUnits(h);
      const outputs = t > S ? run.outputs(t).data : [];
      this.said.draw(outputs, figure.prediction?.wrong(outputs));
      this.said.box.style.setProperty("--now", (t - 1) % S);
      this.said.box.classList.toggle("el-saying", t > S);
      // A line where the picture begins, once it has been heard.
      this.memory.box.style.setProperty("--seam", (S - t % S) % S);
      this.memory.box.classList.toggle("el-seamed", t >= S);
      const part = Math.round(100 * rest(network, h));
      words(this.outside, part < 1 ? "rest < 1 %" : `rest ${part} %`);
      const arrives = network.arrives > 0.7;
      words(
        this.ring,
        arrives ? linkTurned(script, t) ? "comes round, turned" : "comes round" : "lost",
      );
      this.ringLine.classList.toggle("el-lost", !arrives);
      words(this.score, this.scored(run, t));
    }

    drawUnits(h) {
      const shown = this.pointed ? share(this.network, h, this.pointed) : h;
      const scale = 0.6 / Math.sqrt(h.reduce((sum, x) => sum + x * x, 0) / h.length || 1);
      this.units.draw(shown.map((x) => x * scale));
      words(
        this.unitsHead,
        this.pointed ? `What memory ${this.pointed} has` : "Its state, by unit",
      );
      const marked = (n) => n + 1 === this.pointed || n + 1 === this.figure.chosen;
      this.numbers.forEach((one, n) => one.classList.toggle("el-picked", marked(n)));
    }

    /** Bits that are as theory says; as two theories say, where more was told than one picture. */
    scored(run, t) {
      if (run.at(t).u) return "It listens.";
      const { adds, replaces } = run.score(t);
      const line = ({ right, asked }, what) => `${right} of ${asked} ${what}`;
      if (this.figure.script.writes.length < 2) {
        return line(this.network.adds ? adds : replaces, "bits as theory says");
      }
      return `${line(adds, "bits as adding says")}\n${line(replaces, "as overwriting says")}`;
    }

    /** For those who hear the page: what the grids show, in a few words. */
    describe() {
      const { t } = this.figure;
      const held = contents(this.network, this.run.at(t).h);
      const first = (S - t % S) % S * KAPPA;
      const ordered = Float64Array.from([...held.subarray(first), ...held.subarray(0, first)]);
      const words = t >= S ? text(ordered) : "a part of the picture";
      this.memory.label(`What memories 1 to 16 hold, read from where the picture begins: ${words}`);
      this.units?.label(`The same state by unit: ${this.network.W.rows} numbers without a pattern`);
      this.said.label(
        t > S ? `Said in this round: ${text(this.run.outputs(t).data)}` : "Nothing said yet",
      );
    }

    /** What it says, in words that are read off its outputs. */
    says() {
      const { t, script } = this.figure;
      const { adds, replaces } = this.run.score(t);
      const full = ({ right, asked }) => right === asked;
      const said = this.run.outputs(t).data;
      const [read, turned] = [said, said.map((y) => -y)].map(text);
      if (script.writes.length > 1 && full(adds) && !full(replaces)) {
        return "the sum: doubled where the two pictures agree, nothing where they differ";
      }
      if (read.includes("?") && !/[?_]/.test(turned)) return `${turned} with every sign turned`;
      return read.includes("_") ? `${read}, where _ is silence` : read;
    }
  }

  return { View };
})();
