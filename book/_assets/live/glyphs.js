// Text as pictures of three columns a character and a blank one, and pictures read as text.
"use strict";
globalThis.emt ??= {};

emt.glyphs = (() => {
  const WIDTH = 4;
  const ROWS = 5;
  /** Pixels of 15 that may be wrong in a character. */
  const SLACK = 2;
  /** Below this an output says nothing. */
  const SILENT = 0.25;

  /** The bits of a character, column by column, blank column included. */
  function bits(character) {
    const rows = emt.data.glyphs[character];
    const all = [];
    for (let x = 0; x < WIDTH; x++) {
      for (let y = 0; y < ROWS; y++) all.push(rows && (rows[y] >> (2 - x)) & 1 ? 1 : -1);
    }
    return all;
  }

  /** What can be told: at most four of the characters that have a picture. */
  const cleaned = (text) =>
    [...text.toUpperCase()].filter((c) => c in emt.data.glyphs).slice(0, emt.data.s / WIDTH).join(
      "",
    );

  /** The picture of a text, kappa bits a column. */
  function picture(text) {
    const all = [...cleaned(text).padEnd(emt.data.s / WIDTH)].flatMap(bits);
    return Float64Array.from(all);
  }

  /** The nearest text to a picture: · for a blank, _ for silence, ? where no character is near. */
  function text(values) {
    let words = "";
    for (let start = 0; start < values.length; start += WIDTH * ROWS) {
      const part = values.subarray(start, start + (WIDTH - 1) * ROWS);
      if (part.every((x) => Math.abs(x) < SILENT)) {
        words += "_";
        continue;
      }
      let [best, least] = ["?", SLACK + 1];
      for (const c of [" ", ...Object.keys(emt.data.glyphs)]) {
        const wrong = bits(c).slice(0, part.length).filter((bit, n) => !(bit * part[n] > 0)).length;
        if (wrong < least) [best, least] = [c === " " ? "·" : c, wrong];
      }
      words += best;
    }
    return words;
  }

  return { cleaned, picture, text };
})();
