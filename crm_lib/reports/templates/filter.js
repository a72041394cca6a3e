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
  form.querySelector("output").value = `${rows.filter((row) => !row.hidden).length} / ${rows.length}`;
};
form.addEventListener("input", show);
form.addEventListener("submit", (event) => event.preventDefault());
form.hidden = false;
show();
