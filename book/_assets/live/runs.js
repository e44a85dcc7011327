// A run is a pure function of a network and a script: of what was written and what was edited.
"use strict";
globalThis.emt ??= {};

emt.runs = (() => {
  const { applied, matrix } = emt.matrices;
  const { contents, said, step } = emt.networks;
  const { normal } = emt.numbers;

  /** Below this theory asks for silence, which has no sign that could be right. */
  const SILENT = 0.25;

  /*
   * A script is {writes: [{at, picture}], edits: [{at, kind, ...}]}. A picture, kappa bits a column,
   * is heard from step at + 1 on, one column a step; an edit changes the state after step `at`.
   * Kinds: swap {first, second, dose}, erase {memory}, flip {memory, bit}, shake {seed, size} and
   * link, which turns the sign of what memory 1 sends to memory s from then on.
   */
  /** The script as it stood at time t, and one thing more. */
  function extended(script, t, { write, edit }) {
    const until = (entries) => entries.filter((entry) => entry.at <= t);
    const writes = until(script.writes);
    const edits = until(script.edits);
    return {
      writes: write ? [...writes.filter((w) => w.at !== write.at), write] : writes,
      edits: edit ? [...edits, edit] : edits,
    };
  }

  /** What is told at step t: the sum of the pictures' columns, or null in silence. */
  function told(script, t) {
    const { s, kappa } = emt.data;
    const heard = script.writes.filter(({ at }) => at < t && t <= at + s);
    if (!heard.length) return null;
    const u = new Float64Array(kappa);
    for (const { at, picture } of heard) {
      for (let j = 0; j < kappa; j++) u[j] += picture[(t - at - 1) * kappa + j];
    }
    return u;
  }

  /** Whether the last link of the ring is turned when the step after t is taken. */
  const linkTurned = (script, t) =>
    script.edits.filter(({ kind, at }) => kind === "link" && at <= t).length % 2 === 1;

  /** Contents after an edit; what it does to a network's state is what it does to these. */
  function editedContents(held, edit) {
    const { kappa } = emt.data;
    const next = held.slice();
    const place = (memory, j) => (memory - 1) * kappa + j;
    for (let j = 0; j < kappa; j++) {
      if (edit.kind === "swap") {
        const [a, b] = [place(edit.first, j), place(edit.second, j)];
        const moved = edit.dose * (held[b] - held[a]);
        [next[a], next[b]] = [held[a] + moved, held[b] - moved];
      } else if (edit.kind === "erase") {
        next[place(edit.memory, j)] = 0;
      }
    }
    if (edit.kind === "flip") next[place(edit.memory, edit.bit - 1)] *= -1;
    return next;
  }

  /** A state after an edit: only the contents that it names change. */
  function edited(network, h, edit) {
    if (edit.kind === "link") return h;
    if (edit.kind === "shake") {
      const next = normal(edit.seed);
      const size = edit.size * Math.sqrt(h.reduce((sum, x) => sum + x * x, 0) / h.length);
      return h.map((x) => x + size * next());
    }
    const held = contents(network, h);
    const change = editedContents(held, edit).map((x, n) => x - held[n]);
    return applied(network.Psi, change, h.slice());
  }

  /** The state without what memory 1 holds, twice: what it sends on has the other sign. */
  function linkTurnedState(network, h) {
    const { kappa } = emt.data;
    const held = contents(network, h).map((x, n) => n < kappa ? -2 * x : 0);
    return applied(network.Psi, held, h.slice());
  }

  /** The contents of the theory's ring after step t: f brings memory 1, the write adds or replaces. */
  function moved(held, u, turned, adds) {
    const { kappa } = emt.data;
    const n = held.length;
    const next = new Float64Array(n);
    next.set(held.subarray(kappa));
    for (let j = 0; j < kappa; j++) {
      const back = (turned ? -1 : 1) * held[j];
      next[n - kappa + j] = u ? u[j] + (adds ? back : 0) : back;
    }
    return next;
  }

  /**
   * The run of a network by a script. States are kept once a round (s steps) and made again from
   * there; so are, by round, the outputs' signs that are as the two theories say.
   */
  class Run {
    constructor(network, script) {
      const { s, kappa } = emt.data;
      this.network = network;
      this.script = script;
      const empty = () => new Float64Array(s * kappa);
      this.rounds = [{ h: new Float64Array(network.W.rows), adds: empty(), replaces: empty() }];
      this.near = null;
    }

    /** The states of one round, steps s r ... s r + s, each before and after its edits. */
    round(r) {
      this.reach(r);
      if (this.near?.r !== r) this.near = { r, states: this.played(this.rounds[r], r) };
      return this.near.states;
    }

    /** Play on until round r has begun. */
    reach(r) {
      while (this.rounds.length <= r) {
        const at = this.rounds.length - 1;
        const states = this.played(this.rounds[at], at);
        const { h, adds, replaces } = states.at(-1);
        this.rounds.push({ h, adds, replaces, right: scored(states) });
      }
    }

    played(start, r) {
      const { s } = emt.data;
      const states = [{ ...start, before: start.h }];
      for (let t = r * s + 1; t <= (r + 1) * s; t++) states.push(this.after(states.at(-1), t));
      return states;
    }

    after(state, t) {
      const { network, script } = this;
      const u = told(script, t);
      const turned = linkTurned(script, t - 1);
      const before = step(network, turned ? linkTurnedState(network, state.h) : state.h, u);
      const next = {
        h: before,
        before,
        u,
        y: said(network, before),
        adds: moved(state.adds, u, turned, true),
        replaces: moved(state.replaces, u, turned, false),
      };
      next.asked = { adds: next.adds, replaces: next.replaces };
      for (const edit of script.edits.filter(({ at }) => at === t)) {
        next.h = edited(network, next.h, edit);
        next.adds = editedContents(next.adds, edit);
        next.replaces = editedContents(next.replaces, edit);
      }
      return next;
    }

    /** The state at time t: h, what it was before the edits at t, and the output y. */
    at(t) {
      const { s } = emt.data;
      const r = Math.max(0, Math.ceil(t / s) - 1);
      return this.round(r)[t - r * s];
    }

    /** The outputs of the round that t lies in, up to t. */
    outputs(t) {
      const { s, kappa } = emt.data;
      const r = Math.max(0, Math.ceil(t / s) - 1);
      const y = this.round(r).slice(1, t - r * s + 1).map((state) => state.y);
      return matrix(y.length, kappa, Float64Array.from(y.flatMap((row) => [...row])));
    }

    /** Bits right of those that a theory asks for, in the round that t lies in, up to t. */
    score(t) {
      const { s } = emt.data;
      const r = Math.max(0, Math.ceil(t / s) - 1);
      return scored(this.round(r).slice(0, t - r * s + 1));
    }
  }

  /** How many signs are as each theory says, where it says any, in steps when nothing is told. */
  function scored(states) {
    const { kappa } = emt.data;
    const count = (rule) => {
      let [right, asked] = [0, 0];
      for (const { y, u, asked: contents } of states.slice(1)) {
        if (u) continue;
        const last = contents[rule].subarray(-kappa);
        for (let j = 0; j < kappa; j++) {
          if (Math.abs(last[j]) < SILENT) continue;
          asked++;
          right += Number(y[j] * last[j] > 0);
        }
      }
      return { right, asked };
    };
    return { adds: count("adds"), replaces: count("replaces") };
  }

  return { extended, linkTurned, Run };
})();
