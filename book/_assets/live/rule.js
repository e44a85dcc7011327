// The theory's figure: a rule of one's own as a matrix, its eigenvalues, and what networks make of it.
"use strict";
globalThis.emt ??= {};

emt.rule = (() => {
  const { button, choice, element, roving } = emt.page;
  const { Grid } = emt.pad;
  const { Player } = emt.player;
  const { eigenvalues } = emt.matrices;
  const { svg } = emt.chart;
  const rules = emt.rules;

  const [MOST_S, MOST_KAPPA, ROUNDS] = [6, 3, 3];
  /** Outputs that differ by less, relative, are the same. */
  const SAME = 1e-6;

  class Figure {
    constructor(box) {
      Object.assign(this, { box, name: "compose copy", kind: "linear", seed: 1 });
      this.rule = rules.NAMED[this.name](3, 3);
      this.controls();
      this.verdict = element("p", { className: "el-narrator" });
      this.heard = element("p", { className: "el-unseen", attributes: { role: "status" } });
      this.matrix = element("div", { className: "el-matrix" });
      this.plane = svg("svg", { class: "el-plane", role: "img", viewBox: "-1.6 -1.6 3.2 3.2" });
      this.products = element("div", { className: "el-products" });
      this.strips = element("div", { className: "el-strips" });
      this.player = new Player(box, {
        speed: 4,
        last: 1,
        onstep: () => this.drawStrips(),
        onrest: () => this.heard.textContent = this.verdict.textContent,
      });
      const eigen = element("div", {}, title("Eigenvalues of Φ"), this.plane);
      const criterion = element("div", {}, title("Products Fᵢ Fⱼ, j ≥ 2"), this.products);
      box.append(
        this.bar,
        element("div", { className: "el-algebra" }, this.matrix, eigen, criterion),
        this.verdict,
        this.strips,
        this.player.bar,
        this.heard,
      );
      this.rebuilt();
    }

    controls() {
      const names = [...Object.keys(rules.NAMED), "your own"].map((name) => [name, name]);
      const numbers = (least, most) =>
        Array.from({ length: most - least + 1 }, (_, n) => [String(least + n), String(least + n)]);
      this.names = choice("Rule", names, this.name, (name) => this.named(name));
      this.s = choice("s", numbers(2, MOST_S), "3", (s) => this.sized(Number(s), this.rule.kappa));
      this.kappa = choice(
        "κ",
        numbers(1, MOST_KAPPA),
        "3",
        (kappa) => this.sized(this.rule.s, Number(kappa)),
      );
      const kinds = [["linear", "linear"], ["overwriting", "overwriting"]];
      this.kinds = choice("Network", kinds, this.kind, (kind) => {
        this.kind = kind;
        this.changed();
      });
      const bits = button("Other bits", () => {
        this.seed++;
        this.changed();
      });
      this.bar = element(
        "div",
        { className: "el-tools" },
        element("div", { className: "el-row" }, this.names),
        element("div", { className: "el-row" }, this.s, this.kappa),
        element("div", { className: "el-row" }, this.kinds, bits),
      );
    }

    named(name) {
      this.name = name;
      if (name in rules.NAMED) this.rule = rules.NAMED[name](this.rule.s, this.rule.kappa);
      this.rebuilt();
    }

    /** Another size: a rule with a name keeps it, of one's own what fits is kept. */
    sized(s, kappa) {
      const old = this.rule;
      if (this.name === "compose copy") {
        const size = Math.max(2, Math.min(MOST_KAPPA, s !== old.s ? s : kappa));
        this.rule = rules.NAMED[this.name](size, size);
      } else if (this.name in rules.NAMED) this.rule = rules.NAMED[this.name](s, kappa);
      else {
        this.rule = rules.empty(s, kappa);
        const { F } = this.rule;
        for (let i = 0; i < Math.min(kappa, old.kappa); i++) {
          for (let n = 0; n < Math.min(s, old.s) * kappa; n++) {
            const [k, j] = [Math.floor(n / kappa), n % kappa];
            if (j >= old.kappa) continue;
            F.data[i * s * kappa + n] = old.F.data[i * old.F.columns + k * old.kappa + j];
          }
        }
      }
      this.rebuilt();
    }

    /** Everything that depends on the sizes. */
    rebuilt() {
      const { s, kappa } = this.rule;
      const n = s * kappa;
      this.names.choose(this.name);
      this.s.choose(String(s));
      this.kappa.choose(String(kappa));
      this.top = new Grid(n, n - kappa);
      this.f = new Grid(n, kappa, { cell: "button", className: "el-f" });
      this.f.box.setAttribute("role", "group");
      this.f.box.setAttribute(
        "aria-label",
        "f, the last row of blocks: space turns 0, plus, minus",
      );
      this.f.cells.forEach((cell, place) => {
        cell.type = "button";
        cell.onclick = () => this.turned(place % kappa, Math.floor(place / kappa));
      });
      roving(this.f.cells, kappa);
      for (const grid of [this.top, this.f]) grid.box.style.setProperty("--kappa", kappa);
      const hint = element("p", {
        className: "el-hint",
        textContent: "The last row of blocks is f: change it.",
      });
      this.matrix.replaceChildren(title("Φ, memory by memory"), this.top.box, this.f.box, hint);
      this.matrix.style.setProperty("--c", `min(var(--cell), calc(14 * var(--cell) / ${n}))`);
      const steps = (1 + ROUNDS) * s;
      this.player.last = steps;
      this.player.t = steps;
      this.player.show();
      this.grids = {};
      this.strips.replaceChildren();
      const titles = {
        plain: "What is asked",
        driven: "The rule, driven by its inputs",
        says: "The network says",
      };
      for (const [key, words] of Object.entries(titles)) {
        const grid = new Grid(steps, kappa, { className: "el-seamed" });
        grid.box.style.setProperty("--seam", s);
        this.grids[key] = grid;
        this.strips.append(element("div", {}, title(words), grid.box));
      }
      this.strips.style.setProperty(
        "--c",
        `min(1.3 * var(--cell), 16 * var(--cell) * var(--wide) / ${steps})`,
      );
      this.changed();
    }

    /** The reader has turned one entry of f: 0, plus, minus, 0. */
    turned(i, j) {
      const { F } = this.rule;
      const place = i * F.columns + j;
      F.data[place] = F.data[place] === 0 ? 1 : F.data[place] === 1 ? -1 : 0;
      this.name = "your own";
      this.names.choose(this.name);
      this.changed();
    }

    changed() {
      const { rule } = this;
      const { s, kappa } = rule;
      const Phi = rules.Phi(rule);
      const n = s * kappa;
      const rows = (first, count) => {
        const all = [];
        for (let j = 0; j < n; j++) {
          for (let i = first; i < first + count; i++) all.push(Phi.data[i * n + j]);
        }
        return all;
      };
      this.top.draw(rows(0, n - kappa));
      this.top.label("Copies: every memory goes to the one before it");
      this.f.draw(rows(n - kappa, kappa));
      this.f.cells.forEach((cell, place) => {
        const [i, j] = [place % kappa, Math.floor(place / kappa)];
        const [memory, component] = [Math.floor(j / kappa) + 1, j % kappa + 1];
        const value = ["minus", "0", "plus"][rule.F.data[i * n + j] + 1];
        const from = `component ${i + 1} from memory ${memory}, component ${component}: ${value}`;
        cell.setAttribute("aria-label", from);
      });
      this.drawPlane(eigenvalues(Phi));
      this.failing = rules.failing(rule);
      this.drawProducts();
      const bit = emt.numbers.random(this.seed);
      const steps = (1 + ROUNDS) * s;
      const u = Array.from(
        { length: s },
        () => Float64Array.from({ length: kappa }, () => bit() < 0.5 ? -1 : 1),
      );
      const built = this.kind === "linear"
        ? rules.linear(rule, emt.numbers.normal(7))
        : rules.overwriting(rule);
      this.runs = {
        plain: rules.plain(rule, u, steps),
        driven: rules.driven(rule, u, steps),
        says: rules.says(built, u, steps),
      };
      this.judge();
      this.drawStrips();
    }

    /** Whether an output is as asked: the same number, or where bits are overwritten the sign. */
    alike(x, asked) {
      if (this.kind === "overwriting") return asked === 0 || Math.sign(x) === Math.sign(asked);
      return Math.abs(x - asked) <= SAME * (1 + Math.abs(asked));
    }

    /** What the criterion says, and what the outputs are. */
    judge() {
      const [asked, driven, said] = ["plain", "driven", "says"].map((key) =>
        this.runs[key].slice(this.rule.s).flatMap((row) => [...row])
      );
      const right = asked.filter((x, n) => this.alike(said[n], x)).length;
      const { failing } = this;
      const [first] = failing;
      const product = first && first.map((k) => `F${"₀₁₂₃₄₅₆"[k]}`).join("");
      const why = failing.length > 1
        ? `${failing.length} products are not 0, such as ${product}.`
        : first
        ? `${product} is not 0.`
        : "All products are 0.";
      const linear = this.kind === "linear";
      const follows = linear && driven.every((x, n) => this.alike(said[n], x));
      const what = `${right} of ${asked.length} ${linear ? "outputs" : "signs"} are as asked`;
      const how = follows && right < asked.length ? "; all are those of the driven rule." : ".";
      const who = linear ? "The linear network" : "The overwriting network";
      this.verdict.textContent = `${why} ${who}: ${what}${how}`;
      this.heard.textContent = this.verdict.textContent;
    }

    /** The three sequences up to the time; a corner marks what is not as asked. */
    drawStrips() {
      const { kappa, s } = this.rule;
      const { t } = this.player;
      const asked = this.runs.plain.flatMap((row) => [...row]);
      for (const [key, rows] of Object.entries(this.runs)) {
        const values = rows.slice(0, t).flatMap((row) => [...row]);
        const off = (n) => n >= s * kappa && n < values.length && !this.alike(values[n], asked[n]);
        this.grids[key].draw(values, off);
        const wrong = values.filter((_, n) => off(n)).length;
        this.grids[key].label(`${t} steps of ${kappa} components, ${wrong} not as asked`);
      }
      return true;
    }

    /** Points move to where the eigenvalues have gone, each to the nearest that is free. */
    drawPlane(values) {
      const old = [...this.plane.querySelectorAll("circle.el-value")];
      if (old.length !== values.length) {
        this.plane.replaceChildren(
          svg("line", { x1: -1.6, x2: 1.6, y1: 0, y2: 0 }),
          svg("line", { x1: 0, x2: 0, y1: -1.6, y2: 1.6 }),
          svg("circle", { r: 1, class: "el-unit" }),
          ...values.map(([x, y]) => svg("circle", { class: "el-value", r: 0.07, cx: x, cy: -y })),
        );
      }
      const free = [...this.plane.querySelectorAll("circle.el-value")];
      for (const [x, y] of values) {
        const far = (point) => Math.hypot(point.cx.baseVal.value - x, point.cy.baseVal.value + y);
        free.sort((a, b) => far(a) - far(b));
        const point = free.shift();
        const size = Math.max(1, Math.hypot(x, y) / 1.5);
        point.setAttribute("cx", x / size);
        point.setAttribute("cy", -y / size);
        point.style.setProperty("cx", x / size);
        point.style.setProperty("cy", -y / size);
      }
      this.plane.querySelectorAll("text").forEach((old) => old.remove());
      for (const [x, y, count] of places(values)) {
        if (count === 1) continue;
        const size = Math.max(1, Math.hypot(x, y) / 1.5);
        this.plane.append(svg("text", { x: x / size + 0.1, y: -y / size - 0.08 }, String(count)));
      }
      const on = values.filter(([x, y]) => Math.abs(Math.hypot(x, y) - 1) < 1e-6).length;
      const zero = values.filter(([x, y]) => Math.hypot(x, y) < 1e-3).length;
      const rest = values.length - on - zero;
      const label = `${on} on the unit circle, ${zero} at 0, ${rest} elsewhere`;
      this.plane.setAttribute("aria-label", `Eigenvalues: ${label}`);
    }

    drawProducts() {
      const { s } = this.rule;
      const lit = new Set(this.failing.map(String));
      const head = element("tr", {}, element("td"));
      for (let j = 2; j <= s; j++) {
        head.append(element("th", { scope: "col", innerHTML: `F<sub>${j}</sub>` }));
      }
      const rows = [head];
      for (let i = 1; i <= s; i++) {
        const row = element(
          "tr",
          {},
          element("th", { scope: "row", innerHTML: `F<sub>${i}</sub>` }),
        );
        for (let j = 2; j <= s; j++) {
          const fails = lit.has(`${i},${j}`);
          row.append(
            element("td", { className: fails ? "el-fails" : "", textContent: fails ? "≠ 0" : "0" }),
          );
        }
        rows.push(row);
      }
      this.products.replaceChildren(element("table", {}, element("tbody", {}, ...rows)));
    }
  }

  const title = (words) =>
    element("p", { className: "el-title" }, element("strong", { textContent: words }));

  /** Values that lie at (nearly) one place, with their number. */
  function places(values) {
    const found = [];
    for (const [x, y] of values) {
      const near = found.find(([a, b]) => Math.hypot(a - x, b - y) < 0.02);
      if (near) near[2]++;
      else found.push([x, y, 1]);
    }
    return found;
  }

  return { Figure };
})();
