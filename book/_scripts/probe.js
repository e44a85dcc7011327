// What is wrong with the page that is open, as lines of text. Given to the page by check_page.py.
async () => {
  const said = [];
  const short = (text) => String(text).replace(/\s+/g, " ").trim().slice(0, 100);
  const shown = (e) => e.checkVisibility();
  const box = (e) => e.getBoundingClientRect();

  for (const image of document.images) image.loading = "eager";
  await Promise.all([...document.images].map((image) => image.decode().catch(() => 0)));
  const formulas = globalThis.MathJax?.startup?.promise;
  if (formulas) await formulas;
  await document.fonts.ready;

  for (const image of document.images) {
    if (!image.naturalWidth) said.push(`image: ${image.getAttribute("src")} did not load`);
    const alt = image.getAttribute("alt");
    if (!alt?.trim() || image.src.endsWith(alt)) {
      said.push(`alt: ${image.getAttribute("src")} has no text of its own`);
    }
  }

  for (const formula of document.querySelectorAll(".math")) {
    if (!formula.querySelector("mjx-container") && !formula.closest("code, pre")) {
      said.push(`maths: not typeset: ${short(formula.textContent)}`);
    }
  }
  for (const error of document.querySelectorAll("mjx-merror, [data-mml-node=merror]")) {
    said.push(`maths: ${short(error.getAttribute("data-mjx-error") ?? error.textContent)}`);
  }
  const quiet = "script, style, code, pre, textarea, noscript, .math, mjx-container";
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { data, parentElement } = texts.currentNode;
    if (/\\\(|\\\[|\$\$|\\begin\{/.test(data) && !parentElement.closest(quiet)) {
      said.push(`maths: raw: ${short(data)}`);
    }
  }

  // A displayed equation must be seen whole, its number too.
  for (const formula of document.querySelectorAll("div.math")) {
    const over = formula.scrollWidth - formula.clientWidth;
    if (shown(formula) && over > 1) {
      said.push(`clipped: ${over} px of ${short(formula.closest("[id]")?.id)}`);
    }
  }

  const width = document.documentElement.clientWidth;
  const scrolls = (e) => {
    for (let up = e.parentElement; up && up !== document.body; up = up.parentElement) {
      if (getComputedStyle(up).overflowX !== "visible") return true;
    }
    return false;
  };
  for (const e of document.querySelectorAll("article *")) {
    if (shown(e) && box(e).width && box(e).right > width + 1 && !scrolls(e)) {
      said.push(`overflow: ${e.tagName.toLowerCase()} ${short(e.className)} is past the window`);
      break;
    }
  }
  return said;
};
