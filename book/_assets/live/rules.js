// Linear rules, and what a network that is built for one says: s vectors of kappa components.
"use strict";
globalThis.emt ??= {};

emt.rules = (() => {
  const { applied, atOnce, from, matrix, pseudoinverse, times } = emt.matrices;

  /** A rule is {s, kappa, F}, F the kappa x (s kappa) last row of blocks of Phi, F_1 first. */
  const empty = (s, kappa) => ({ s, kappa, F: matrix(kappa, s * kappa) });

  const NAMED = {
    "repeat copy": (s, kappa) => selection(s, kappa, () => 0),
    "compose copy": (_, kappa) => selection(kappa, kappa, (j) => j),
  };

  /** The rule whose component j is component j of memory memory(j), both from 0. */
  function selection(s, kappa, memory) {
    const F = from(kappa, s * kappa, (i, j) => Number(j === memory(i) * kappa + i));
    return { s, kappa, F };
  }

  /** What each memory becomes: memory k goes to memory k - 1, and f of all to memory s. */
  function Phi({ s, kappa, F }) {
    const n = s * kappa;
    const last = n - kappa;
    return from(n, n, (i, j) => i < last ? Number(j === i + kappa) : F.data[(i - last) * n + j]);
  }

  const block = ({ kappa, F }, k) =>
    from(kappa, kappa, (i, j) => F.data[i * F.columns + (k - 1) * kappa + j]);

  /** The pairs (i, j), j at least 2, whose product F_i F_j is not 0: where the criterion fails. */
  function failing(rule) {
    const pairs = [];
    for (let i = 1; i <= rule.s; i++) {
      for (let j = 2; j <= rule.s; j++) {
        const product = times(block(rule, i), block(rule, j));
        if (product.data.some((x) => Math.abs(x) > 1e-9)) pairs.push([i, j]);
      }
    }
    return pairs;
  }

  /** f of the last s rows of a sequence; rows before its beginning are 0. */
  function next({ s, kappa, F }, rows) {
    const recent = new Float64Array(s * kappa);
    for (let k = 0; k < s; k++) {
      const row = rows[rows.length - s + k];
      if (row) recent.set(row, k * kappa);
    }
    return applied(F, recent);
  }

  /** Eq. (5): the inputs, continued by the rule. */
  function plain(rule, u, steps) {
    const rows = u.slice();
    while (rows.length < steps) rows.push(next(rule, rows));
    return rows;
  }

  /** The rule driven by its inputs: v(t) = u(t) + f(v(t-1), ..., v(t-s)). */
  function driven(rule, u, steps) {
    const rows = [];
    while (rows.length < steps) {
      rows.push(next(rule, rows).map((x, j) => x + (u[rows.length]?.[j] ?? 0)));
    }
    return rows;
  }

  /** The linear network for a rule: any independent vectors as memories, some units to spare. */
  function linear(rule, normal) {
    const n = rule.s * rule.kappa;
    const Psi = from(n + 4, n, () => normal());
    const dual = atOnce(pseudoinverse(Psi));
    const own = (i) => i + n - rule.kappa;
    return {
      W: times(times(Psi, Phi(rule)), dual),
      U: from(n + 4, rule.kappa, (i, j) => Psi.data[i * n + own(j)]),
      R: from(rule.kappa, n + 4, (i, j) => dual.data[own(i) * (n + 4) + j]),
      bend: (x) => x,
    };
  }

  /** One unit a bit, with tanh: what is written wins over what f brings. */
  function overwriting(rule, gain = 2, write = 4) {
    const n = rule.s * rule.kappa;
    const newest = (scale) =>
      from(n, rule.kappa, (i, j) => scale * Number(i === n - rule.kappa + j));
    const Phi_ = Phi(rule);
    return {
      W: matrix(n, n, Phi_.data.map((x) => gain * x)),
      U: newest(write),
      R: from(rule.kappa, n, (i, j) => Number(j === n - rule.kappa + i)),
      bend: Math.tanh,
    };
  }

  /** Outputs of a network, told u and then nothing. */
  function says({ W, U, R, bend }, u, steps) {
    let h = new Float64Array(W.rows);
    return Array.from({ length: steps }, (_, t) => {
      h = applied(W, h);
      if (u[t]) applied(U, u[t], h);
      h = h.map(bend);
      return applied(R, h);
    });
  }

  return { driven, empty, failing, linear, NAMED, overwriting, Phi, plain, says };
})();
