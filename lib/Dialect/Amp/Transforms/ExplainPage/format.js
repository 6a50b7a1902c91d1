// Part of the Vernier project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How numbers and types are written, and how elements are made. Names and
// locations come from the user's model: they become text, never markup.

const TYPES = ["bf16", "f16", "tf32", "f32", "f64"];

function colourOf(type) {
  return TYPES.includes(type) ? type : "other";
}

/** 2100000 -> "2.10M", as in the text table. */
function abbreviate(count) {
  const suffixes = ["", "k", "M", "G", "T", "P"];
  let power = 0;
  for (; Math.abs(count) >= 1000 && power + 1 < suffixes.length; ++power) count /= 1000;
  return count.toFixed(power ? 2 : 0) + suffixes[power];
}

function percent(part, whole) {
  return whole ? (100 * part / whole).toFixed(1) + "\u00a0%" : "";
}

/** An element with properties and children; strings become text. */
function element(tag, properties, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {}))
    if (name === "class") made.className = value;
    else if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}

function badge(type) {
  const made = element("span", { class: "badge" }, type || "other");
  made.style.background = `var(--${colourOf(type)})`;
  made.style.color = `var(--${colourOf(type)}-ink)`;
  return made;
}

/** "bf16", or "bf16 to f32" for an op that reads one and writes the other. */
function typesOf(op) {
  return op.operand === op.result ? op.operand : op.operand + " to " + op.result;
}

/** What the model calls the op, or where it is. */
function titleOf(op) {
  return op.name || op.location;
}
