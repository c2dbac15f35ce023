"use strict";
// Sorts a table by the column whose button is pressed: numbers from the largest, words from A.
const words = new Intl.Collator(undefined, { numeric: true });
for (const table of document.querySelectorAll("table.sortable")) {
  table.tHead.addEventListener("click", (event) => {
    const head = event.target.closest("button")?.closest("th");
    if (!head) return;
    const number = head.classList.contains("number");
    const before = head.ariaSort;
    const ascending = before ? before === "descending" : !number;
    const value = (row) => {
      const cell = row.cells[head.cellIndex];
      return number ? Number(cell.dataset.value) : cell.textContent.trim();
    };
    const compare = (a, b) =>
      (ascending ? 1 : -1) *
      (number ? value(a) - value(b) : words.compare(value(a), value(b)));
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.ariaSort = ascending ? "ascending" : "descending";
    table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
  });
}
