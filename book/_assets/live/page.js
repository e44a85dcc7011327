// What the figures are made of: elements, choices, fields, and work in slices.
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
  function choice(legend, choices, chosen, onchange) {
    const name = `el-${choice.count = (choice.count ?? 0) + 1}`;
    const set = element("fieldset", { className: "el-choice" });
    set.append(element("legend", { textContent: legend }));
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

  /** A field for what can be told. */
  function textInput(name, onwords) {
    const one = element("input", {
      type: "text",
      maxLength: 4,
      className: "el-words",
      spellcheck: false,
      autocomplete: "off",
      attributes: { "aria-label": name },
    });
    one.oninput = () => onwords(one.value);
    return one;
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

  return { button, choice, element, inSlices, roving, still, textInput };
})();
