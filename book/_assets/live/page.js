// What the figures are made of: elements, grids of marks, slices of work, a player.
"use strict";
globalThis.emt ??= {};

emt.page = (() => {
  /** Milliseconds of work before the page gets its turn. */
  const SLICE = 5;

  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  /** An element: properties as they are called in the DOM, attributes in `attributes`. */
  function element(tag, { attributes = {}, ...properties } = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  const button = (text, onclick, more = {}) =>
    element("button", {
      type: "button",
      textContent: text,
      onclick,
      className: "el-button",
      ...more,
    });

  /** One of several, as radio buttons: choices are [value, text]. */
  function choice(legend, choices, chosen, onchange, hidden = false) {
    const name = `el-${choice.count = (choice.count ?? 0) + 1}`;
    const set = element("fieldset", { className: "el-choice" });
    set.append(element("legend", { textContent: legend, className: hidden ? "el-unseen" : "" }));
    for (const [value, text] of choices) {
      const input = element("input", { type: "radio", name, value, checked: value === chosen });
      input.onchange = () => onchange(value);
      set.append(element("label", {}, input, element("span", { textContent: text })));
    }
    set.choose = (value) => {
      for (const input of set.querySelectorAll("input")) input.checked = input.value === value;
    };
    return set;
  }

  /** Run a generator to its end, a slice at a time; returns what stops it. */
  function inSlices(work, then) {
    let timer;
    const slice = () => {
      const until = performance.now() + SLICE;
      for (;;) {
        const { done, value } = work.next();
        if (done) return then(value);
        if (performance.now() > until) break;
      }
      timer = setTimeout(slice, SLICE);
    };
    timer = setTimeout(slice);
    return () => clearTimeout(timer);
  }

  /**
   * A grid of marks, column by column. Area is size, a full square plus, a ring minus; beyond 1.4 the
   * mark is deep. Only cells that change are touched.
   */
  class Grid {
    constructor(columns, rows, { cell = "span", className = "" } = {}) {
      this.rows = rows;
      this.cells = Array.from({ length: columns * rows }, () => element(cell));
      this.strip = element("div", { className: "el-strip" }, ...this.cells);
      this.box = element("div", { className: `el-grid ${className}` }, this.strip);
      this.box.style.setProperty("--columns", columns);
      this.box.style.setProperty("--rows", rows);
      this.shown = [];
    }

    /** Draw values; where there is none (NaN), a dot. `wrong` marks a corner. */
    draw(values, wrong = () => false) {
      for (let n = 0; n < this.cells.length; n++) {
        const x = values[n] ?? NaN;
        const size = Math.min(11, Math.round(10 * Math.sqrt(Math.abs(x))));
        const kind = Number.isNaN(x) ? "none" : size === 0 ? "zero" : x > 0 ? "plus" : "minus";
        const deep = Math.abs(x) > 1.4 ? " el-deep" : "";
        const code = `el-${kind}${deep}${wrong(n) ? " el-wrong" : ""} ${size}`;
        if (code === this.shown[n]) continue;
        this.shown[n] = code;
        const cell = this.cells[n];
        cell.className = code.slice(0, code.lastIndexOf(" "));
        cell.style.setProperty("--size", size / 10);
      }
    }

    label(text) {
      this.box.setAttribute("role", "img");
      this.box.setAttribute("aria-label", text);
    }

    /** Which cell the pointer is on, from 0, or -1. */
    under(event) {
      const target = document.elementFromPoint(event.clientX, event.clientY);
      return this.cells.indexOf(target);
    }

    /** Let the strip come in by one column from the right. */
    slide(duration) {
      if (still()) return;
      this.strip.getAnimations().forEach((running) => running.cancel());
      const from = { transform: "translateX(var(--c))" };
      this.strip.animate([from, { transform: "none" }], { duration, easing: "ease-out" });
    }
  }

  /** One stop of the tab key for many things in a row: arrows move among them. */
  function roving(items, rows = 1) {
    items.forEach((item, n) => item.tabIndex = n ? -1 : 0);
    const moves = { ArrowRight: rows, ArrowLeft: -rows };
    if (rows > 1) Object.assign(moves, { ArrowDown: 1, ArrowUp: -1 });
    const go = (from, to) => {
      if (!items[to]) return;
      items[from].tabIndex = -1;
      items[to].tabIndex = 0;
      items[to].focus();
    };
    items.forEach((item, n) =>
      item.addEventListener("keydown", (event) => {
        const ends = { Home: 0, End: items.length - 1 };
        const to = ends[event.key] ?? n + (moves[event.key] ?? NaN);
        const turned = Math.abs(moves[event.key]) === 1 && rows > 1 &&
          Math.floor(to / rows) !== Math.floor(n / rows);
        if (Number.isNaN(to)) return;
        event.preventDefault();
        if (!turned) go(n, to);
      })
    );
  }

  /** A picture that one draws: bits are buttons, with one stop of the tab key for all. */
  class Pad {
    constructor(columns, rows, label, onchange) {
      this.values = new Float64Array(columns * rows).fill(-1);
      this.grid = new Grid(columns, rows, { cell: "button", className: "el-pad" });
      this.grid.box.setAttribute("role", "group");
      this.grid.box.setAttribute("aria-label", label);
      this.onchange = onchange;
      this.grid.cells.forEach((cell, n) => {
        cell.type = "button";
        const place = `column ${Math.floor(n / rows) + 1}, row ${n % rows + 1}`;
        cell.setAttribute("aria-label", place);
        // The pointer paints; a click that it has not painted is the keyboard's, or a reader's.
        cell.addEventListener("click", () => {
          if (!this.painted) this.set(n, -this.values[n]);
          this.painted = false;
        });
      });
      roving(this.grid.cells, rows);
      this.painting();
      this.draw(this.values);
    }

    painting() {
      const { box } = this.grid;
      let brush = 0;
      const paint = (event) => {
        const n = this.grid.under(event);
        if (n >= 0 && this.values[n] !== brush) this.set(n, brush);
      };
      box.addEventListener("pointerdown", (event) => {
        const n = this.grid.under(event);
        if (n < 0 || event.button) return;
        brush = -this.values[n];
        this.painted = true;
        box.setPointerCapture?.(event.pointerId);
        paint(event);
      });
      box.addEventListener("pointermove", (event) => {
        if (brush) paint(event);
      });
      for (const name of ["pointerup", "pointercancel"]) {
        box.addEventListener(name, () => brush = 0);
      }
    }

    set(n, value) {
      const values = this.values.slice();
      values[n] = value;
      this.draw(values);
      this.onchange(values);
    }

    draw(values, wrong) {
      this.values = Float64Array.from(values, (x) => x > 0 ? 1 : -1);
      this.grid.draw(this.values, wrong);
      this.grid.cells.forEach((cell, n) => {
        const pressed = String(this.values[n] > 0);
        if (cell.getAttribute("aria-pressed") !== pressed) {
          cell.setAttribute("aria-pressed", pressed);
        }
      });
    }
  }

  /** Play, step, back, scrub, speed, and a number to go to. Plays only while it can be seen. */
  class Player {
    constructor(box, { speed, last, onstep, onrest }) {
      Object.assign(this, { t: 0, speed, last, onstep, onrest, until: Infinity, seen: false });
      const icon = (name, onclick) =>
        element("button", {
          type: "button",
          className: `el-icon el-${name.split(" ")[0]}`,
          onclick,
          attributes: { "aria-label": name, title: name },
        });
      const by = (steps) => () => this.go(this.t + steps, true);
      this.button = icon("play", () => this.playing ? this.pause() : this.play());
      this.scrub = element("input", {
        type: "range",
        attributes: { "aria-label": "step" },
        oninput: () => this.go(Number(this.scrub.value)),
        onchange: () => this.onrest(),
      });
      this.number = element("input", {
        type: "number",
        min: 0,
        max: last,
        attributes: { "aria-label": "go to step" },
        onchange: () => this.go(Number(this.number.value), true),
      });
      const pace = element("input", {
        type: "range",
        min: 0,
        max: 4,
        value: Math.log2(speed),
        attributes: { "aria-label": "speed, steps a second" },
        oninput: () => Object.assign(this, { speed: 2 ** Number(pace.value), pace: null }),
      });
      const told = () => pace.setAttribute("aria-valuetext", `${this.speed} steps a second`);
      pace.addEventListener("input", told);
      told();
      const keys = [icon("restart", () => this.go(0, true)), icon("back", by(-1)), this.button];
      this.bar = element(
        "div",
        { className: "el-player", attributes: { role: "group", "aria-label": "Player" } },
        element("div", { className: "el-keys" }, ...keys, icon("step", by(1))),
        this.scrub,
        element("label", { className: "el-time" }, "t = ", this.number),
        element("label", { className: "el-pace" }, element("span", { textContent: "Speed" }), pace),
      );
      new IntersectionObserver(([entry]) => {
        this.seen = entry.isIntersecting;
        this.tick();
      }).observe(box);
      document.addEventListener("visibilitychange", () => this.tick());
      this.show();
    }

    get playing() {
      return this.button.classList.contains("el-pause");
    }

    toggled(playing) {
      this.button.classList.toggle("el-pause", playing);
      const name = playing ? "pause" : "play";
      this.button.setAttribute("aria-label", name);
      this.button.title = name;
    }

    /** Play on, to a time if one is given, at a pace of its own if one is given. */
    play(until = Infinity, pace = null) {
      Object.assign(this, { until, pace });
      this.toggled(true);
      this.tick();
    }

    pause() {
      if (!this.playing) return;
      this.toggled(false);
      clearTimeout(this.timer);
      this.onrest();
    }

    /** The next step in its time: none while nothing is seen. */
    tick() {
      clearTimeout(this.timer);
      if (!this.playing || !this.seen || document.hidden) return;
      const wait = 1000 / (this.pace ?? this.speed);
      this.timer = setTimeout(() => {
        this.t++;
        if (this.onstep(this.t, wait)) this.show();
        else this.t--;
        if (this.t >= Math.min(this.until, this.last)) this.pause();
        else this.tick();
      }, wait);
    }

    /** Go to a time at once; `rest` says that this was all. */
    go(t, rest = false) {
      const whole = Math.round(Number.isFinite(t) ? t : 0);
      const playing = this.playing;
      this.toggled(false);
      clearTimeout(this.timer);
      const before = this.t;
      this.t = Math.max(0, Math.min(this.last, whole));
      this.onstep(this.t, this.t === before + 1 ? 300 : 0);
      this.show();
      if (rest || playing) this.onrest();
    }

    /** The scrubber spans twelve rounds about the time. */
    show() {
      const span = 192;
      const least = this.t <= span ? 0 : Math.floor((this.t - span / 2) / 16) * 16;
      const most = Math.min(least + span, this.last);
      Object.assign(this.scrub, { min: least, max: most, value: this.t });
      if (document.activeElement !== this.number) this.number.value = this.t;
    }
  }

  return { button, choice, element, Grid, inSlices, Pad, Player, roving, still };
})();
