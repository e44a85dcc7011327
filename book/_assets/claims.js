// The list of claims, narrowed to the lines that hold what is typed.
document.addEventListener("DOMContentLoaded", () => {
  const input = document.querySelector(".claims-filter input");
  const rows = [...document.querySelectorAll(".bd-article table tbody tr")];
  if (!input || !rows.length) return;
  const said = document.querySelector(".claims-filter [role=status]");
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const show = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, n) => {
      row.hidden = !words.every((word) => texts[n].includes(word));
      shown += !row.hidden;
    });
    said.textContent = `${shown} of ${rows.length}`;
  };
  input.addEventListener("input", show);
  input.value = new URLSearchParams(location.search).get("show") ?? "";
  show();
});
