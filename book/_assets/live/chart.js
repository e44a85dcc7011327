// How long a picture lasts: bits right, round after round, of every network by the same script.
"use strict";
globalThis.emt ??= {};

emt.chart = (() => {
  const { element, inSlices } = emt.page;
  const LAST = 10_000;
  const REST = 250;
  const [TOP, BOTTOM, LEFT] = [12, 118, 54];

  const svg = (tag, attributes, ...children) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  class Chart {
    /** `names` are [name, title]; `run(name)` ends in a network's run; `onpick` gets a time. */
    constructor({ names, run, onpick }) {
      Object.assign(this, { run, found: {}, chosen: [], t: 0, seen: false, stale: true });
      this.titles = new Map(names);
      this.names = [...this.titles.keys()];
      this.picture = svg("svg", { class: "el-curves", role: "img" });
      this.picture.addEventListener("click", (event) => {
        const { left, width } = this.picture.getBoundingClientRect();
        onpick(this.time((event.clientX - left) * (this.width / width)));
      });
      this.box = element(
        "div",
        { className: "el-chart" },
        element(
          "p",
          { className: "el-title" },
          element("strong", { textContent: "How long this picture lasts" }),
          element("span", { textContent: "bits right in a round; click to go there" }),
        ),
        this.picture,
      );
      new IntersectionObserver(([entry]) => {
        this.seen = entry.isIntersecting;
        this.later();
      }).observe(this.box);
      new ResizeObserver(() => this.draw()).observe(this.box);
    }

    /** Forget the curves: the script has changed. */
    reset() {
      this.found = {};
      this.stale = true;
      this.later();
    }

    /** Which networks are shown, and when. */
    show(chosen, t) {
      const others = chosen.some((name) => !this.chosen.includes(name));
      [this.chosen, this.t] = [chosen, t];
      if (others) this.stale = true;
      if (others) this.later();
      if (others || !this.now) return this.draw();
      const x = this.x(t).toFixed(1);
      this.now.setAttribute("x1", x);
      this.now.setAttribute("x2", x);
    }

    later() {
      clearTimeout(this.timer);
      this.stop?.();
      if (this.seen && this.stale) this.timer = setTimeout(() => this.compute(), REST);
    }

    /** All networks to the last step, the shown ones first, a slice at a time. */
    compute() {
      const order = [...this.chosen, ...this.names.filter((name) => !this.chosen.includes(name))];
      this.stop = inSlices(this.work(order), () => {
        this.stale = false;
        this.draw();
      });
    }

    *work(order) {
      const rounds = Math.floor(LAST / emt.data.s);
      for (const name of order) {
        const run = yield* this.run(name);
        this.found[name] = run;
        let drawn = performance.now();
        for (let r = run.rounds.length; r <= rounds; r++) {
          run.reach(r);
          yield;
          if (performance.now() - drawn > 150) {
            this.draw();
            drawn = performance.now();
          }
        }
      }
    }

    /** Where a step lies, and which step lies there: a logarithmic scale from the second round. */
    x(t) {
      const { s } = emt.data;
      const part = Math.log(Math.max(t, s) / s) / Math.log(LAST / s);
      return LEFT + part * (this.width - LEFT - this.margin);
    }

    time(x) {
      const { s } = emt.data;
      const part = (x - LEFT) / (this.width - LEFT - this.margin);
      return Math.round(s * (LAST / s) ** Math.min(1, Math.max(0, part)));
    }

    draw() {
      this.width = this.box.clientWidth;
      if (!this.width) return;
      const narrow = this.width < 500;
      this.margin = narrow ? 132 : 158;
      const y = (part) => BOTTOM - (part - 0.25) / 0.75 * (BOTTOM - TOP);
      const all = [];
      for (const [part, text] of [[1, "100 %"], [0.75, "75 %"], [0.5, "guess"]]) {
        const end = this.width - this.margin;
        all.push(svg("line", { class: "el-rule", x1: LEFT, x2: end, y1: y(part), y2: y(part) }));
        all.push(label(LEFT - 5, y(part) + 4, text, "end"));
      }
      for (const t of narrow ? [16, 1000] : [16, 100, 1000, 10_000]) {
        all.push(label(this.x(t), BOTTOM + 18, t.toLocaleString("en"), "middle"));
      }
      const ends = [];
      for (const name of this.names) {
        const points = this.points(name).map(([t, part]) => [this.x(t), y(Math.max(part, 0.25))]);
        if (!points.length) continue;
        const mine = this.chosen.includes(name) ? " el-mine" : "";
        const path = points.map(([a, b]) => `${a.toFixed(1)},${b.toFixed(1)}`).join(" ");
        all.push(svg("polyline", { class: `el-curve${mine}`, points: path }));
        ends.push({ name, mine, y: points.at(-1)[1] });
      }
      ends.sort((a, b) => a.y - b.y);
      ends.forEach((end, n) => {
        end.at = Math.max(end.y + 4, n ? ends[n - 1].at + 14 : 0);
        all.push(
          label(this.width - this.margin + 8, end.at, this.titles.get(end.name), "start", end.mine),
        );
      });
      const now = this.x(this.t);
      this.now = svg("line", { class: "el-now", x1: now, x2: now, y1: TOP, y2: BOTTOM });
      all.push(this.now);
      this.picture.setAttribute("viewBox", `0 0 ${this.width} ${BOTTOM + 26}`);
      this.picture.replaceChildren(...all);
      const last = (name) => {
        const [t, part] = this.points(name).at(-1) ?? [];
        const title = this.titles.get(name);
        return t ? `${title}, ${Math.round(100 * part)} % at step ${t}` : `${title}, not yet run`;
      };
      this.picture.setAttribute("aria-label", `Bits right: ${this.names.map(last).join("; ")}`);
    }

    /** Some sixty rounds of a run, evenly on the scale, as [time, part that is right]. */
    points(name) {
      const rounds = this.found[name]?.rounds ?? [];
      const { s } = emt.data;
      const some = new Set([rounds.length - 1]);
      for (let r = 2; r < rounds.length; r = Math.max(r + 1, Math.round(1.1 * r))) some.add(r);
      return [...some].filter((r) => r > 1 && rounds[r].right.adds.asked).sort((a, b) => a - b).map(
        (r) => {
          const { right, asked } =
            rounds[r].right[this.found[name].network.adds ? "adds" : "replaces"];
          return [r * s, right / asked];
        },
      );
    }
  }

  function label(x, y, text, anchor, more = "") {
    return svg("text", { x, y, "text-anchor": anchor, class: `el-label${more}` }, text);
  }

  return { Chart, LAST, svg };
})();
