// Numbers from a seed: the same in every browser.
"use strict";
globalThis.emt ??= {};

emt.numbers = (() => {
  /** Numbers from a seed, in [0, 1). */
  function random(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let x = Math.imul(state ^ (state >>> 15), state | 1);
      x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
      return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  /** Nearly normal numbers: twelve uniform ones, less six. */
  function normal(seed) {
    const uniform = random(seed);
    return () => {
      let sum = -6;
      for (let n = 0; n < 12; n++) sum += uniform();
      return sum;
    };
  }

  return { normal, random };
})();
