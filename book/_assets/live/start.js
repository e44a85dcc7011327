// The last script of a figure: puts it where the page has just made a place for it.
"use strict";

for (const place of document.querySelectorAll("[data-live]:not([data-running])")) {
  const { live } = place.dataset;
  const { Figure } = live === "rule" ? emt.rule : emt.figure;
  place.dataset.running = "";
  place.querySelector("img")?.classList.add("el-static");
  place.append(emt.page.element("div", { className: "el-figure" }));
  place.emt = new Figure(place.lastChild, live);
}
