// Time: play, step, back, scrub, speed, and a step to go to.
"use strict";
globalThis.emt ??= {};

emt.player = (() => {
  const { element } = emt.page;

  /** Play, step, back, scrub, speed, and a number to go to. Plays only while it can be seen. */
  class Player {
    constructor(box, { speed, last, onstep, onrest }) {
      Object.assign(this, { t: 0, speed, last, onstep, onrest, until: Infinity, seen: false });
      const icon = (name, onclick) =>
        element("button", {
          type: "button",
          className: `el-icon el-${name}`,
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

  return { Player };
})();
