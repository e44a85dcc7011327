// What the theme leaves undone for people who read with a keyboard, a screen reader or a phone.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".search-button-field").forEach((e) => e.removeAttribute("aria-label"));
  const sidebar = document.getElementById("pst-primary-sidebar");
  sidebar?.setAttribute("role", "region");
  sidebar?.setAttribute("aria-label", "Contents");

  // Pandas and NumPy tables begin with an empty header cell.
  document.querySelectorAll("th").forEach((th) => {
    if (!th.textContent.trim() && !th.querySelector("img, svg")) {
      th.replaceWith(Object.assign(document.createElement("td"), { className: th.className }));
    }
  });

  // Roles of citations that screen readers no longer know.
  document.querySelectorAll("[role=doc-biblioentry], [role=doc-biblioref]").forEach((e) =>
    e.removeAttribute("role")
  );
  document.querySelectorAll("div.citation-list[role=list]").forEach((e) =>
    e.removeAttribute("role")
  );

  // Wide figures and tables scroll inside a box of their own, which the keyboard can reach.
  const boxed =
    "figure.wide:not(.stacks) > picture, figure.wide > img, figure.wide > a:has(> img), .bd-article table";
  document.querySelectorAll(".pst-scrollable-table-container").forEach((e) => {
    e.tabIndex = 0;
  });
  document.querySelectorAll(boxed).forEach((e, n) => {
    if (e.closest(".scroll-box, .pst-scrollable-table-container")) return;
    const box = Object.assign(document.createElement("div"), {
      className: "scroll-box",
      tabIndex: 0,
    });
    box.setAttribute("role", "region");
    const name = e.alt || e.querySelector("img")?.alt || e.caption?.textContent;
    box.setAttribute("aria-label", `${n + 1}: ${name || "table"}`.slice(0, 80));
    e.replaceWith(box);
    box.append(e);
  });
  document.querySelectorAll(".bd-article div.math, .bd-article div.highlight pre").forEach((e) => {
    e.tabIndex = 0;
  });

  // The theme takes what is not too wide out of the keyboard's way, and forgets it when the window
  // gets narrower.
  addEventListener("resize", () =>
    setTimeout(() => {
      document.querySelectorAll("pre, .pst-scrollable-table-container").forEach((e) => {
        if (e.scrollWidth > e.clientWidth) e.tabIndex = 0;
      });
    }, 500));
});
