"use strict";
const body = document.querySelector("#numbers tbody");

// A click on a column sorts by it; another one turns it round.
for (const button of document.querySelectorAll("#numbers th button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th");
    const up = head.getAttribute("aria-sort") !== "ascending";
    const column = [...head.parentNode.children].indexOf(head);
    for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const value = row => Number(row.children[column].dataset.sort);
    const rows = [...body.rows].sort((a, b) => {
      // What has no value stays below.
      if (value(a) < 0 || value(b) < 0) return value(b) - value(a);
      return up ? value(a) - value(b) : value(b) - value(a);
    });
    body.append(...rows);
  });
}

// What is pointed at, or focused, in the table is lit up in the pictures.
const light = key => {
  document.body.classList.toggle("lit", key !== null);
  for (const e of document.querySelectorAll("[data-row]")) e.classList.toggle("on", key !== null && e.dataset.row === key);
};
for (const row of body.rows) {
  row.tabIndex = 0;
  row.addEventListener("mouseenter", () => light(row.dataset.row));
  row.addEventListener("focus", () => light(row.dataset.row));
  row.addEventListener("mouseleave", () => light(null));
  row.addEventListener("blur", () => light(null));
}
document.addEventListener("keydown", e => { if (e.key === "Escape") light(null); });
