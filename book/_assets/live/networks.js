// The six networks, their memories by the corrected Algorithm 1, and a step of each.
"use strict";
globalThis.emt ??= {};

emt.networks = (() => {
  const { applied, beside, columns, from, longLived, matrix, pseudoinverse, times } = emt.matrices;
  const { normal, random } = emt.numbers;

  /** Bits to size the memories by: more pictures than could lie in a special direction. */
  const PICTURES = 16;

  /** Weights that the build wrote: 16 bits each, times a scale. */
  function decoded({ rows, columns, scale, numbers }) {
    const bytes = Uint8Array.from(atob(numbers), (c) => c.charCodeAt(0));
    const words = new DataView(bytes.buffer);
    const data = new Float64Array(rows * columns);
    return matrix(rows, columns, data.map((_, n) => words.getInt16(2 * n, true) * scale));
  }

  function stored(name, adds) {
    const weights = emt.data.networks[name];
    const [W, U, R] = ["W_hh", "W_uh", "W_r"].map((key) => decoded(weights[key]));
    return { W, U, R, adds };
  }

  /** The theory's matrix: memory k goes to memory k - 1, and 1 to s. */
  function ring(gain = 1) {
    const { s, kappa } = emt.data;
    const n = s * kappa;
    return from(n, n, (i, j) => Number((i + kappa) % n === j) * gain);
  }

  /** The network with the same spectrum, turned away from what is written and read. */
  function* turned(network, seed) {
    const n = network.W.rows;
    let W = network.W;
    const next = normal(seed);
    for (let times = 0; times < n; times++) {
      W = mirrored(W, Float64Array.from({ length: n }, next));
      if (times % 8 === 0) yield;
    }
    return { ...network, W };
  }

  /** W seen in a mirror across v: the same matrix with rows and with columns reflected. */
  function mirrored(W, v) {
    const n = v.length;
    const scale = 2 / v.reduce((sum, x) => sum + x * x, 0);
    const data = W.data.slice();
    const down = new Float64Array(n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) down[j] += v[i] * data[i * n + j];
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) data[i * n + j] -= scale * v[i] * down[j];
    }
    for (let i = 0; i < n; i++) {
      let across = 0;
      for (let j = 0; j < n; j++) across += data[i * n + j] * v[j];
      for (let j = 0; j < n; j++) data[i * n + j] -= scale * across * v[j];
    }
    return matrix(n, n, data);
  }

  /** One unit a bit: what is written wins, and what is held finds its size. */
  function overwriting(g = 2, c = 4) {
    const { s, kappa } = emt.data;
    const n = s * kappa;
    const last = (j) => n - kappa + j;
    return {
      W: ring(g),
      U: from(n, kappa, (i, j) => c * Number(i === last(j))),
      R: from(kappa, n, (i, j) => Number(j === last(i))),
      adds: false,
    };
  }

  /** The trained network with the theory's matrix on its memories, and nothing else. */
  function* theory() {
    const trained = yield* opened("trained");
    const W = times(times(trained.Psi, ring()), trained.dual);
    return { W, U: trained.U, R: trained.R, adds: true };
  }

  /** By name: a network, or work that ends in one. */
  const MADE = {
    "trained": () => stored("trained", true),
    "theory": theory,
    "untrained": () => stored("untrained", true),
    "rotated": () => turned(stored("trained", true), 2),
    "overwriting": () => overwriting(),
    "trained to overwrite": () => stored("trained to overwrite", false),
  };
  const known = {};

  /** The network of a name with its memories, made once. Yields between parts of the work. */
  function* opened(name) {
    if (known[name]) return known[name];
    const made = MADE[name]();
    const network = made.next ? yield* made : made;
    yield;
    const found = yield* memories(network);
    const whole = { name, ...network, ...found };
    known[name] ??= { ...whole, arrives: arrives(whole) };
    return known[name];
  }

  /**
   * Memories by the corrected Algorithm 1: the write weights propagated, Psi_k = W^(s-k) U, and
   * freed of the modes that fade; covectors that see none of these. Where nothing parts the modes,
   * as printed. Where they are parted each component is scaled to hold bits of size 1.
   */
  function* memories(network) {
    const { s, kappa } = emt.data;
    const n = s * kappa;
    const blocks = [network.U];
    while (blocks.length < s) blocks.unshift(times(network.W, blocks[0]));
    yield;
    const P = yield* longLived(network.W, n);
    const forward = beside(blocks);
    const size = Float64Array.from({ length: n }, (_, j) => norm(columns(forward, [j]).data));
    const even = from(forward.rows, n, (i, j) => forward.data[i * n + j] / size[j]);
    const Psi = P ? times(P, even) : even;
    yield;
    const left = yield* pseudoinverse(Psi);
    yield;
    const dual = P ? times(left, P) : left;
    yield;
    const held = P ? yield* sizes(network, dual) : size;
    return {
      Psi: from(Psi.rows, n, (i, j) => Psi.data[i * n + j] * held[j]),
      dual: from(n, Psi.rows, (i, j) => dual.data[i * Psi.rows + j] / held[i]),
    };
  }

  const norm = (x) => Math.sqrt(x.reduce((sum, a) => sum + a * a, 0));

  /** Root mean square of what each component holds in the round after s vectors of bits. */
  function* sizes(network, dual) {
    const { s, kappa } = emt.data;
    const bit = random(0);
    const squares = new Float64Array(dual.rows);
    for (let picture = 0; picture < PICTURES; picture++) {
      let h = new Float64Array(network.W.rows);
      for (let t = 0; t < 2 * s; t++) {
        const u = t < s && Float64Array.from({ length: kappa }, () => bit() < 0.5 ? -1 : 1);
        h = step(network, h, u);
        if (u) continue;
        applied(dual, h).forEach((x, n) => squares[n] += x * x / (PICTURES * s));
      }
      yield;
    }
    return squares.map(Math.sqrt);
  }

  /** h(t) from h(t-1), told u or nothing. */
  function step(network, h, u) {
    const sum = applied(network.W, h);
    if (u) applied(network.U, u, sum);
    for (let n = 0; n < sum.length; n++) sum[n] = Math.tanh(sum[n]);
    return sum;
  }

  const said = (network, h) => applied(network.R, h);
  const contents = (network, h) => applied(network.dual, h);

  /** The part of a state that lies in one memory: Psi_k Psi*_k h. */
  function share(network, h, memory) {
    const { kappa } = emt.data;
    const held = contents(network, h);
    const own = (n) => Math.floor(n / kappa) === memory - 1;
    return applied(network.Psi, held.map((x, n) => own(n) ? x : 0));
  }

  /** How much of |h|² lies outside the memories. */
  function rest(network, h) {
    const inside = applied(network.Psi, contents(network, h));
    return (norm(h.map((x, n) => x - inside[n])) / (norm(h) || 1)) ** 2;
  }

  /** How much of what memory 1 sends arrives in memory s: the cosine of Psi*_s W Psi_1 and I. */
  function arrives(network) {
    const { s, kappa } = emt.data;
    const first = columns(network.Psi, Array.from({ length: kappa }, (_, j) => j));
    const arrived = times(network.dual, times(network.W, first)).data.subarray(
      (s - 1) * kappa ** 2,
    );
    const trace = arrived.reduce((sum, x, n) => sum + (n % (kappa + 1) === 0 ? x : 0), 0);
    return trace / (norm(arrived) * Math.sqrt(kappa));
  }

  return {
    contents,
    NAMES: Object.keys(MADE),
    opened,
    rest,
    said,
    share,
    step,
  };
})();
