// Numbers as marks, without a word on what they mean; and a picture that one draws.
"use strict";
globalThis.emt ??= {};

emt.pad = (() => {
  const { element, roving, still } = emt.page;

  /**
   * A grid of marks, column by column. Area is size, a full square plus, a ring minus; beyond 1.4 the
   * mark is deep. Only cells that change are touched.
   */
  class Grid {
    constructor(columns, rows, { cell = "span", className = "" } = {}) {
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
      });
      roving(this.grid.cells, rows);
      this.painting();
      this.draw(this.values);
    }

    painting() {
      const { box } = this.grid;
      let [brush, painted] = [0, false];
      const paint = (event) => {
        const n = this.grid.under(event);
        if (n >= 0 && this.values[n] !== brush) this.set(n, brush);
      };
      box.addEventListener("pointerdown", (event) => {
        const n = this.grid.under(event);
        if (n < 0 || event.button) return;
        brush = -this.values[n];
        painted = true;
        box.setPointerCapture?.(event.pointerId);
        paint(event);
      });
      box.addEventListener("pointermove", (event) => {
        if (brush) paint(event);
      });
      for (const name of ["pointerup", "pointercancel"]) {
        box.addEventListener(name, () => brush = 0);
      }
      // The pointer paints, and its click may end on the box; any other click is the keyboard's.
      box.addEventListener("click", (event) => {
        const n = this.grid.cells.indexOf(event.target);
        if (!painted && n >= 0) this.set(n, -this.values[n]);
        painted = false;
      });
      box.addEventListener("pointercancel", () => painted = false);
    }

    set(n, value) {
      const values = this.values.slice();
      values[n] = value;
      this.draw(values);
      this.onchange(values);
    }

    draw(values) {
      this.values = Float64Array.from(values, (x) => x > 0 ? 1 : -1);
      this.grid.draw(this.values);
      this.grid.cells.forEach((cell, n) => {
        const pressed = String(this.values[n] > 0);
        if (cell.getAttribute("aria-pressed") !== pressed) {
          cell.setAttribute("aria-pressed", pressed);
        }
      });
    }
  }

  return { Grid, Pad };
})();
