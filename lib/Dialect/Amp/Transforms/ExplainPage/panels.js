// Part of the Vernier project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The right-hand side: the selected op in full, totals, memory, contractions.

function opLink(op, onSelect) {
  const button = element("button", { type: "button", class: "link" }, `#${op.id} ${op.op} ${op.name}`.trim());
  button.addEventListener("click", () => onSelect(op.id));
  return button;
}

function showSelected(panel, op, ops, onSelect) {
  if (!op) {
    panel.replaceChildren(element("p", { class: "faint" }, "Click an op in the graph or a row of the table."));
    return;
  }
  const list = element("dl");
  const add = (term, ...content) => content.some(part => part !== "") && list.append(element("dt", {}, term), element("dd", {}, ...content));
  const links = ids => ids.flatMap((id, index) => [index ? ", " : "", opLink(ops[id], onSelect)]);
  // A value that hundreds of ops read is named by its first readers.
  const some = ids => ids.length > 12 ? [...links(ids.slice(0, 12)), ` and ${ids.length - 12} more`] : links(ids);
  add("op", `#${op.id} ${op.op}`);
  add("name", op.name);
  add("identity", op.identity);
  add("location", op.location);
  add("phase", op.phase);
  add("types", badge(op.operand), ` computed in ${op.accumulate || "its type"}, writes `, badge(op.result));
  add("shape", op.shape || "scalar");
  add("rule", op.rule);
  add("reason", op.reason);
  add("competing", op.competing || "none");
  add("FLOPs", abbreviate(op.flops));
  add("bytes", abbreviate(op.bytes));
  add("cast bytes", op.cast ? "this is a cast" : abbreviate(op.castBytes));
  if (op.contraction) {
    add("contraction", op.contraction.why);
    add("input gradient", op.contraction.inputGradient);
    add("weight gradient", op.contraction.weightGradient);
  }
  if (op.forward !== undefined) add("gradient of", opLink(ops[op.forward], onSelect));
  add("reads", op.reads.join(", "), op.reads.length && op.inputs.length ? ", " : "", ...some(op.inputs));
  add("read by", ...some(ops.filter(other => other.inputs.includes(op.id)).map(other => other.id)));
  panel.replaceChildren(list);
}

/** A bar of parts [{type, amount, label}] in the colours of their types. */
function bar(parts, whole) {
  const made = element("div", { class: "bar" });
  for (const part of parts) {
    const span = element("span", { title: part.label });
    span.style.width = 100 * part.amount / (whole || 1) + "%";
    span.style.background = `var(--${colourOf(part.type)})`;
    made.append(span);
  }
  return made;
}

function sumBy(items, keyOf, amountOf) {
  const sums = new Map();
  for (const item of items) sums.set(keyOf(item), (sums.get(keyOf(item)) ?? 0) + amountOf(item));
  return sums;
}

function showTotals(panel, ops) {
  const total = amountOf => ops.reduce((sum, op) => sum + amountOf(op), 0);
  const flops = total(op => op.flops), bytes = total(op => op.bytes), casts = ops.filter(op => op.cast);
  const counts = sumBy(ops, op => op.operand, () => 1), typeFlops = sumBy(ops, op => op.operand, op => op.flops), typeBytes = sumBy(ops, op => op.operand, op => op.bytes);
  const types = [...counts.keys()].sort((a, b) => typeFlops.get(b) - typeFlops.get(a));
  const parts = sums => types.map(type => ({ type, amount: sums.get(type), label: `${type || "other"}: ${abbreviate(sums.get(type))}` }));
  const number = (text, share) => element("td", { class: "number" }, text, share ? element("span", { class: "faint" }, " " + share) : null);
  panel.replaceChildren(
    element("h3", {}, `FLOPs: ${abbreviate(flops)}`), bar(parts(typeFlops), flops),
    element("h3", {}, `bytes moved: ${abbreviate(bytes)}B`), bar(parts(typeBytes), bytes),
    element("table", {}, element("thead", {}, element("tr", {}, ...["type", "ops", "FLOPs", "bytes"].map((title, index) => element("th", { class: index ? "number" : "" }, title)))),
      element("tbody", {}, ...types.map(type => element("tr", {}, element("td", {}, badge(type)), number(String(counts.get(type))),
        number(abbreviate(typeFlops.get(type)), percent(typeFlops.get(type), flops)), number(abbreviate(typeBytes.get(type)), percent(typeBytes.get(type), bytes)))))));
  if (casts.length) {
    const moved = casts.reduce((sum, op) => sum + op.bytes, 0);
    panel.append(element("p", { class: "faint" }, `${casts.length} of these are casts, which move ${abbreviate(moved)}B (${percent(moved, bytes)}).`));
  }
}

function showMemory(panel, memory, functionName) {
  const groups = [["state", "outlives a step"], ["saved", "left by the forward part to the backward part"], [functionName, `arena of @${functionName} at its fullest`]];
  panel.replaceChildren();
  for (const [where, title] of groups) {
    const rows = memory.filter(row => row.where === where && (where !== "saved" || functionName === "step"));
    if (!rows.length) continue;
    const whole = rows.reduce((sum, row) => sum + row.bytes, 0);
    panel.append(element("h3", {}, `${title}: ${abbreviate(whole)}B`));
    panel.append(bar(rows.map(row => ({ type: row.type, amount: row.bytes, label: `${row.holds} ${row.type}: ${abbreviate(row.bytes)}B` })), whole));
    panel.append(element("table", {}, element("tbody", {}, ...rows.map(row => element("tr", {}, element("td", {}, row.holds), element("td", {}, row.type ? badge(row.type) : ""),
      element("td", { class: "number" }, abbreviate(row.bytes) + "B"), element("td", { class: "number faint" }, percent(row.bytes, whole)))))));
  }
  if (!panel.childNodes.length) panel.append(element("p", { class: "faint" }, "No plan was made."));
}

function showContractions(panel, ops, onSelect) {
  const contractions = ops.filter(op => op.contraction), flops = contractions.reduce((sum, op) => sum + op.flops, 0);
  panel.replaceChildren();
  if (!contractions.length) panel.append(element("p", { class: "faint" }, "There are none."));
  const whys = [...new Set(contractions.map(op => op.contraction.why))];
  const groups = whys.map(why => contractions.filter(op => op.contraction.why === why)).sort((a, b) => b[0].contraction.accelerated - a[0].contraction.accelerated);
  for (const group of groups) {
    const { accelerated, why } = group[0].contraction;
    const share = percent(group.reduce((sum, op) => sum + op.flops, 0), flops);
    panel.append(element("h3", {}, `${group.length} of ${contractions.length} ${accelerated ? "in 16 bits" : "in full precision"} (${share} of their FLOPs)`), element("p", {}, why));
    panel.append(element("table", {}, element("thead", {}, element("tr", {}, element("th", {}, "op"), ...["batch", "M", "N", "K", "FLOPs"].map(title => element("th", { class: "number" }, title)))),
      element("tbody", {}, ...group.map(op => element("tr", {}, element("td", {}, opLink(op, onSelect)),
        ...["batch", "m", "n", "k"].map(dim => element("td", { class: "number" }, String(op.contraction[dim]))), element("td", { class: "number" }, abbreviate(op.flops)))))));
  }
}
