"use strict";
const form = document.getElementById("filter");
const rows = [...document.querySelectorAll("[data-verdict]")];
const groups = [...document.querySelectorAll(".group")].filter((group) => group.querySelector("[data-verdict]"));
const show = () => {
  const words = form.elements.words.value.toLowerCase().split(/\s+/);
  const wanted = new Set([...form.querySelectorAll("[type=checkbox]:checked")].map((box) => box.value));
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !wanted.has(row.dataset.verdict) || !words.every((word) => text.includes(word));
  }
  for (const group of groups) group.hidden = !group.querySelector("[data-verdict]:not([hidden])");
  const output = form.querySelector("output");
  const counts = { shown: rows.filter((row) => !row.hidden).length, all: rows.length };
  output.value = output.dataset.words.replace(/{(\w+)}/g, (_, name) => counts[name]);
};
if (form) {  // a run may state no finding
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(show));
  form.hidden = false;
  show();
}
