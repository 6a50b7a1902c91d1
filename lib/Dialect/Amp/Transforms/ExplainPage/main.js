// Part of the Vernier project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Connects the parts: one function is shown at a time, one op of it is selected.

const find = id => document.getElementById(id);
const explanation = JSON.parse(find("data").textContent);
let shownFunction = null;

function select(id, focus = false, fromGraph = false) {
  graph.select(id, !fromGraph);
  table.select(id, focus);
  showSelected(find("selected"), id === null ? null : shownFunction.ops[id], shownFunction.ops, select);
}

const graph = new Graph(find("canvas"), id => select(id, false, document.activeElement === find("canvas") && id === graph.selected));
const table = new Table(find("table"), select);

function matches(op) {
  const words = find("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const type = find("type").value, phase = find("phase").value;
  return words.every(word => op.text.includes(word)) && (!type || op.operand === type || op.result === type) && (!phase || op.phase === phase);
}

function filter() {
  const count = table.filter(matches);
  find("count").textContent = `${count} of ${shownFunction.ops.length} ops`;
  graph.shown = matches;
  graph.request();
}

function fill(list, first, values) {
  list.replaceChildren(...(first === null ? [] : [element("option", { value: "" }, first)]), ...values.map(value => element("option", { value }, value)));
}

function showFunction(name) {
  shownFunction = explanation.functions.find(candidate => candidate.name === name);
  const { ops } = shownFunction, types = [...new Set(ops.flatMap(op => [op.operand, op.result]))];
  fill(find("type"), "all", types);
  fill(find("phase"), "all", [...new Set(ops.map(op => op.phase))]);
  find("legend").replaceChildren(...types.map(type => element("li", {}, badge(type))));
  table.setFunction(name, ops);
  graph.setOps(ops);
  showTotals(find("totals"), ops);
  showMemory(find("memory"), explanation.memory, name);
  showContractions(find("contractions"), ops, select);
  select(null);
  filter();
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  find("theme").textContent = theme === "dark" ? "light" : "dark";
  graph.request();
}

const prefersDark = matchMedia("(prefers-color-scheme: dark)");
setTheme(prefersDark.matches ? "dark" : "light");
prefersDark.addEventListener("change", () => setTheme(prefersDark.matches ? "dark" : "light"));
find("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));

find("zoom-in").addEventListener("click", () => graph.zoom(1.25));
find("zoom-out").addEventListener("click", () => graph.zoom(0.8));
find("zoom-fit").addEventListener("click", () => graph.fit());
find("function").addEventListener("change", event => showFunction(event.target.value));
for (const id of ["type", "phase"]) find(id).addEventListener("change", filter);
find("filter").addEventListener("input", filter);
document.addEventListener("keydown", event => {
  if (event.key === "Escape") select(null);
  if (event.key === "/" && !["INPUT", "SELECT"].includes(document.activeElement.tagName)) {
    event.preventDefault();
    find("filter").focus();
  }
});

const names = explanation.functions.map(({ name }) => name);
find("title").textContent = (explanation.model || "model") + ": what runs in which precision";
document.title = find("title").textContent;
find("options").textContent = Object.entries(explanation.options).map(([key, value]) => `${key} ${value}`).join(" \u00b7 ");
fill(find("function"), null, names);
if (names.length) {
  find("function").value = names.includes("step") ? "step" : names[0];
  showFunction(find("function").value);
} else {
  find("count").textContent = "There are no ops to explain.";
}
