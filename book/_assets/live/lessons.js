// What is told, edited and asked: the networks by name, the scenes, and how each figure opens.
"use strict";
globalThis.emt ??= {};

emt.lessons = (() => {
  const { picture } = emt.glyphs;

  /** Of every network: its title, what it is called in a sentence, and what it is. */
  const NAMES = {
    "trained": ["Trained", "The trained network", "The network as it was learned."],
    "theory": [
      "Theory",
      "The theory’s network",
      "The theory’s matrix in place of the learned one, on the same memories.",
    ],
    "untrained": ["Untrained", "The untrained network", "The same network before training."],
    "rotated": [
      "Rotated",
      "The rotated network",
      "The trained matrix seen from another side: the same spectrum.",
    ],
    "overwriting": [
      "Overwriting",
      "The network built to overwrite",
      "Built by hand, one unit a bit, so that a write replaces.",
    ],
    "trained to overwrite": [
      "Overwriting, learned",
      "The network that learned to overwrite",
      "Trained on pictures written over each other.",
    ],
  };

  /** When the questions' edits are made: two rounds have been heard and said. */
  const AT = 32;

  const write = (at, words) => ({ at, picture: picture(words) });
  const told = (words, ...edits) => ({ writes: [write(0, words)], edits });
  const swapped = () =>
    [1, 2, 3, 4].map((k) => ({ at: AT, kind: "swap", first: k, second: k + 8, dose: 1 }));
  const over = () => ({ writes: [write(0, "3141"), write(AT, "2718")], edits: [] });
  const shaken = () => told("3141", { at: AT, kind: "shake", seed: 1, size: 0.7 });

  /** What the buttons play: a script, from where to where, and perhaps in which network. */
  const SCENES = {
    swap: { title: "Swap 3 and 4", script: () => told("3141", ...swapped()), from: 28, to: 48 },
    over: {
      title: "Write 2718 on top",
      script: over,
      from: 30,
      to: 64,
      then: "Now switch to Overwriting, under “More to touch”.",
    },
    shake: {
      title: "Shake it",
      script: shaken,
      from: 30,
      to: 64,
      then:
        "What fell inside the memories stays. Now switch to Overwriting, under “More to touch”.",
    },
    before: {
      title: "Before training",
      script: () => told("3141"),
      from: 8,
      to: 48,
      network: "untrained",
      then: "Go back: up to step 16 it held what the trained network holds.",
    },
    later: { title: "After 5,000 steps", script: () => told("3141"), from: 4984, to: 5008 },
  };
  const QUESTIONS = {
    swap: ["swap memories 1–4 with 9–12", () => swapped()],
    erase: [
      "erase memories 5–8",
      () => [5, 6, 7, 8].map((memory) => ({ at: AT, kind: "erase", memory })),
    ],
    link: ["turn the sign of the ring’s last link", () => [{ at: AT, kind: "link" }]],
  };
  const OPENINGS = {
    first: { networks: ["trained"], t: 23, scenes: Object.keys(SCENES), folded: true, plays: true },
    editing: { networks: ["trained"], t: AT, scenes: [], questions: QUESTIONS },
    overwriting: {
      networks: ["trained", "trained to overwrite"],
      t: AT,
      scenes: ["over", "shake", "swap", "later"],
    },
  };

  return { AT, NAMES, OPENINGS, SCENES, told };
})();
