// The last script of a figure: puts it where the page has just made a place for it.
"use strict";

for (const place of document.querySelectorAll("[data-live]:not([data-running])")) {
  place.dataset.running = "";
  const program = place.dataset.live === "rule" ? emt.rule : emt.figure;
  program.mount(place);
}
