// The live figure: the same numbers in two bases, and one may change them. One program, three openings.
"use strict";
globalThis.emt ??= {};

emt.figure = (() => {
  const { button, choice, element, inSlices, still, textInput } = emt.page;
  const { Pad } = emt.pad;
  const { Player } = emt.player;
  const { Prediction } = emt.prediction;
  const { opened } = emt.networks;
  const { extended, linkTurned, Run } = emt.runs;
  const { picture, text } = emt.glyphs;
  const { NAMES, OPENINGS, SCENES, told } = emt.lessons;
  const { View } = emt.view;
  const { s: S, kappa: KAPPA } = emt.data;

  class Figure {
    constructor(box, opening) {
      this.opening = OPENINGS[opening];
      this.box = box;
      this.runs = new Map();
      this.history = [];
      this.chosen = 0;
      this.dose = 1;
      this.tool = "swap";
      this.script = told("3141");
      this.prediction = this.opening.questions && new Prediction(this, this.opening.questions);
      this.views = this.opening.networks.map((name, _, all) =>
        new View(this, name, all.length === 1)
      );
      this.player = new Player(box, {
        speed: 4,
        last: emt.chart.LAST,
        onstep: (t, duration) => this.stepped(t, duration),
        onrest: () => this.rested(),
      });
      this.narrator = element("p", { className: "el-narrator" });
      this.heard = element("p", { className: "el-unseen", attributes: { role: "status" } });
      this.chart = new emt.chart.Chart({
        names: Object.entries(NAMES).map(([name, [title]]) => [name, title]),
        run: (name) => this.runOf(name),
        onpick: (t) => this.player.go(t, true),
      });
      this.player.t = this.opening.t;
      this.player.show();
      this.build();
      this.chart.show(this.views.map((view) => view.name), this.t);
      const near = new IntersectionObserver(([entry]) => {
        if (!entry.isIntersecting) return;
        near.disconnect();
        this.open();
      }, { rootMargin: "400px" });
      near.observe(box);
    }

    get t() {
      return this.player.t;
    }

    // What stands where

    build() {
      const pair = this.views.length > 1;
      const body = element("div", { className: `el-body ${pair ? "el-pair" : "el-full"}` });
      this.pad = new Pad(
        S,
        KAPPA,
        "Picture to tell, 16 columns of 5 bits: arrow keys move, space turns a bit",
        () => this.words.value = "",
      );
      this.pad.draw(picture("3141"));
      this.words = textInput("Text to tell", (words) => this.pad.draw(picture(words)));
      this.words.value = "3141";
      const tell = element(
        "div",
        { className: "el-told-text" },
        element("p", { className: "el-title" }, element("strong", { textContent: "Told" })),
        element("p", {
          className: "el-hint",
          textContent: "Draw, or type up to four.",
        }),
        element(
          "div",
          { className: "el-row" },
          this.words,
          button("Tell it", () => this.tell(false), {
            className: "el-button el-main",
          }),
          button("Write on top", () => this.tell(true)),
        ),
      );
      body.append(tell, element("div", { className: "el-told" }, this.pad.grid.box));
      if (pair) {
        for (const view of this.views) {
          view.saidBox.prepend(element("p", { className: "el-title" }, "It says"));
          body.append(
            element("div", { className: "el-one" }, view.memoryBox, view.saidBox, view.score),
          );
        }
      } else {
        const [view] = this.views;
        const head = element(
          "p",
          { className: "el-title" },
          element("strong", { textContent: "Said" }),
        );
        body.append(
          view.unitsBox,
          element("div", { className: "el-equals", attributes: { "aria-hidden": "true" } }, "="),
          view.memoryBox,
          element("div", { className: "el-said-text" }, head, view.score),
          view.saidBox,
          element(
            "div",
            { className: "el-wire el-write" },
            element("span", { textContent: "write" }),
          ),
          element(
            "div",
            { className: "el-wire el-read" },
            element("span", { textContent: "read" }),
          ),
        );
        if (this.prediction) body.append(...this.prediction.rows);
      }
      const parts = [body, this.narrator, this.player.bar];
      const scenes = this.opening.scenes.map((id) =>
        button(SCENES[id].title, () => this.scene(id))
      );
      if (scenes.length) parts.unshift(element("div", { className: "el-row el-tries" }, ...scenes));
      if (this.prediction) parts.unshift(this.prediction.questions);
      const more = [...(pair ? [] : [this.switch()]), this.tools(), this.chart.box];
      if (this.opening.folded) {
        const summary = element("summary", { textContent: "More to touch" });
        parts.push(element("details", { className: "el-more" }, summary, ...more));
      } else parts.push(...more);
      this.box.append(...parts, this.heard);
      this.say("Opening the network: its memories are being found, here, from its weights.");
    }

    switch() {
      const names = Object.entries(NAMES).map(([name, [title]]) => [name, title]);
      this.names = choice("Network", names, this.views[0].name, (name) => this.turnTo(name));
      this.about = element("p", {
        className: "el-hint",
        textContent: NAMES[this.views[0].name][2],
      });
      return element("div", { className: "el-networks" }, this.names, this.about);
    }

    tools() {
      const kinds = [["swap", "swap two"], ["erase", "erase"], ["flip", "flip a bit"]];
      const hints = {
        swap: "Choose one, then the other.",
        erase: "Choose a memory.",
        flip: "Choose a bit; or keys 1 to 5 on a memory’s number.",
      };
      const hint = element("span", { className: "el-hint", textContent: hints.swap });
      const tool = choice("Touch a memory to", kinds, "swap", (kind) => {
        this.tool = kind;
        hint.textContent = hints[kind];
        this.picked(0);
      });
      const shown = element("output", { textContent: "100 %" });
      const dose = element("input", {
        type: "range",
        min: 0,
        max: 100,
        step: 10,
        value: 100,
        attributes: { "aria-label": "dose of a swap, percent" },
        oninput: () => {
          this.dose = Number(dose.value) / 100;
          shown.textContent = `${dose.value} %`;
        },
      });
      this.undoing = button("Undo", () => this.undo(), { disabled: true });
      return element(
        "div",
        { className: "el-tools" },
        element("div", { className: "el-row" }, tool, hint),
        element(
          "div",
          { className: "el-row" },
          element("label", { className: "el-dose" }, "Swap’s dose ", dose, shown),
          button("Shake all units", () => this.edit({ kind: "shake", seed: this.t, size: 0.7 })),
          button("Turn the last link", () => this.edit({ kind: "link" })),
          this.undoing,
        ),
      );
    }

    // Time

    /** Open the networks, then show them where the lesson begins. */
    open() {
      const { t, plays } = this.opening;
      this.ready(() => {
        this.player.go(t, true);
        if (plays && !still()) this.player.play();
      });
    }

    /** Once the networks are open and their runs have come to time t. */
    ready(then, t = this.t) {
      this.waiting?.();
      const rounds = Math.max(0, Math.ceil(t / S));
      this.waiting = inSlices(this.reaching(rounds), () => {
        this.waiting = null;
        then();
      });
    }

    *reaching(rounds) {
      for (const view of this.views) {
        view.network = yield* opened(view.name);
        while (view.run.rounds.length <= rounds) {
          view.run.reach(view.run.rounds.length);
          yield;
        }
      }
    }

    run(network) {
      if (!this.runs.has(network.name)) this.runs.set(network.name, new Run(network, this.script));
      return this.runs.get(network.name);
    }

    *runOf(name) {
      return this.run(yield* opened(name));
    }

    /** Show time t; false while the networks are not there yet. */
    stepped(t, duration) {
      const far = (view) => !view.network || view.run.rounds.length < Math.ceil(t / S) - 1;
      if (this.waiting && this.player.playing) return false;
      if (this.views.some(far)) {
        this.ready(() => this.player.go(t, true), t);
        return false;
      }
      this.drawn();
      if (duration) this.views.forEach((view) => view.memory.slide(Math.min(300, 0.8 * duration)));
      this.narrate();
      return true;
    }

    drawn() {
      this.views.forEach((view) => view.draw());
      this.chart.show(this.views.map((view) => view.name), this.t);
    }

    /** Nothing moves any more: say where we are. */
    rested() {
      if (this.views.some((view) => !view.network)) return;
      this.views.forEach((view) => view.describe());
      this.narrate();
      this.heard.textContent = this.narrator.textContent;
    }

    /** One line on the step: computed words, read off the outputs. */
    narrate() {
      const { t, script } = this;
      const column = (t - 1) % S + 1;
      const also = script.writes.some(({ at }) => at < t && t <= at + S);
      let line = `Memory 16 is read: column ${column}${
        also ? ", while more is written to it" : ""
      }.`;
      if (t === 0) line = "Nothing has been told yet.";
      else if (t <= S) line = `Column ${column} is written to memory 16; the others move left.`;
      else if (column === S) line = this.verdict();
      if (this.next?.at === t && this.next.then) line += ` ${this.next.then}`;
      const compared = this.prediction?.compared();
      if (compared) line += ` ${compared}.`;
      const step = element("b", { textContent: `Step ${t.toLocaleString("en")}. ` });
      this.say(element("span", {}, step, line));
    }

    /** At the end of a round: what each network says, and whether it obeyed. */
    verdict() {
      const { t, script, views } = this;
      const lines = views.map((view) => {
        return `${views.length > 1 ? NAMES[view.name][1] : "It"} says ${view.says()}.`;
      });
      const late = script.edits.filter(({ at }) => at < t && at > t - 3 * S);
      if (views.length === 1 && late.length && late.every(({ kind }) => kind !== "shake")) {
        const { right, asked } = views[0].run.score(t)[views[0].network.adds ? "adds" : "replaces"];
        const off = `${asked - right} of ${asked} bits are not as theory says.`;
        lines.push(right === asked ? "The edit was obeyed." : off);
      }
      return lines.join(" ");
    }

    say(line, aloud = false) {
      this.narrator.replaceChildren(line);
      if (aloud) this.heard.textContent = this.narrator.textContent;
    }

    // Changes

    /** Take another script; the runs of the old one are forgotten. */
    change(script, remember = true) {
      const [{ name }] = this.views;
      if (remember) this.history.push({ script: this.script, t: this.t, name });
      Object.assign(this, { script, next: null });
      this.runs.clear();
      this.undoing.disabled = !this.history.length;
      this.chart.reset();
    }

    edit(edit) {
      if (this.views.some((view) => !view.network)) return;
      this.change(extended(this.script, this.t, { edit: { ...edit, at: this.t } }));
      this.picked(0);
      this.ready(() => {
        this.drawn();
        this.views.forEach((view) => view.describe());
        const what = {
          swap: () =>
            edit.dose === 1
              ? `Memories ${edit.first} and ${edit.second} have changed places`
              : `${
                Math.round(100 * edit.dose)
              } % of memories ${edit.first} and ${edit.second} is exchanged`,
          erase: () => `Memory ${edit.memory} is erased`,
          flip: () => `Bit ${edit.bit} of memory ${edit.memory} is turned`,
          shake: () => "All units are shaken",
          link: () => "From now on what memory 1 sends to memory 16 has the other sign",
        };
        if (edit.kind === "link" && !linkTurned(this.script, this.t)) {
          return this.say("The last link has its own sign again.", true);
        }
        this.say(`${what[edit.kind]()}.`, true);
      });
    }

    /** A memory was chosen, by pointer with one of its bits or by its number. */
    touched(memory, bit, keyboard) {
      if (this.tool === "erase") return this.edit({ kind: "erase", memory });
      if (this.tool === "flip") {
        if (bit) return this.edit({ kind: "flip", memory, bit });
        const how = keyboard ? "press 1 to 5" : "choose one of its bits";
        return this.say(`Memory ${memory}: ${how}.`, true);
      }
      if (!this.chosen || this.chosen === memory) return this.picked(this.chosen ? 0 : memory);
      this.edit({ kind: "swap", first: this.chosen, second: memory, dose: this.dose });
    }

    picked(memory) {
      this.chosen = memory;
      for (const { numbers } of this.views) {
        numbers.forEach((one, n) => {
          one.classList.toggle("el-picked", n + 1 === memory);
          one.setAttribute("aria-pressed", String(n + 1 === memory));
        });
      }
      if (memory) this.say(`Memory ${memory} is chosen. Now the one to swap it with.`, true);
    }

    undo() {
      const { script, t, name } = this.history.pop();
      this.change(script, false);
      if (this.views[0].name !== name) this.named(name);
      this.ready(() => this.player.go(t, true), t);
    }

    /** Tell the picture on the pad: to a fresh network, or on top of what it holds. */
    tell(onTop) {
      const values = this.pad.values.slice();
      this.prediction?.forget();
      const at = onTop ? Math.ceil(this.t / S) * S : 0;
      if (onTop) this.change(extended(this.script, this.t, { write: { at, picture: values } }));
      else this.change({ writes: [{ at, picture: values }], edits: [] });
      this.ready(() => {
        if (!onTop) this.player.go(0);
        this.player.play(at + 2 * S);
        if (still()) this.player.go(at + 2 * S, true);
      });
    }

    /** The one network that is shown is another. */
    named(name) {
      Object.assign(this.views[0], { name, network: null });
      this.names.choose(name);
      this.about.textContent = NAMES[name][2];
    }

    /** The same script in another network. */
    turnTo(name) {
      this.named(name);
      this.ready(() => {
        this.drawn();
        this.rested();
      });
    }

    /** Play a scene: the same script of edits every time. */
    scene(id) {
      const { script, from, to, network, then } = SCENES[id];
      this.player.pause();
      this.prediction?.forget();
      this.change(script());
      this.pad.draw(this.script.writes.at(-1).picture);
      this.words.value = text(this.script.writes.at(-1).picture).replaceAll("·", "");
      if (this.views.length === 1) {
        this.named(network ?? "trained");
        this.next = { at: to, then };
      }
      this.ready(() => {
        this.player.go(still() ? to : from, still());
        if (!still()) this.player.play(to, 8);
      }, to);
    }
  }

  return { Figure };
})();
