// Part of the Vernier project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where each op is drawn: three lanes. Forward runs left to right by the longest
// path to the op, backward below it right to left, so that a gradient is near what
// it is the gradient of; the update is below the gradients it uses. A long graph is
// broken into strips, like lines of text. Linear in ops and edges, but for the order
// within a column.

const NODE = { width: 150, height: 42, columnPitch: 190, rowPitch: 52, laneGap: 56 };

/** Column of each op of one phase: the longest path from where the phase begins. */
function columnsOf(ops, phase) {
  const column = new Map();
  for (const op of ops) {
    if (op.phase !== phase) continue;
    const before = op.inputs.filter(id => column.has(id));
    column.set(op.id, before.length ? 1 + before.reduce((most, id) => Math.max(most, column.get(id)), 0) : 0);
  }
  // As late as its readers allow: casts of weights and values that reverse mode
  // computes again stand next to where they are used, not at the beginning.
  const earliest = new Map(), isSource = new Set();
  for (const op of [...ops].reverse()) {
    if (!column.has(op.id)) continue;
    const at = earliest.has(op.id) ? earliest.get(op.id) - 1 : column.get(op.id);
    column.set(op.id, at);
    const inputs = op.inputs.filter(id => column.has(id));
    if (!inputs.length) isSource.add(op.id);
    for (const id of inputs) earliest.set(id, Math.min(earliest.get(id) ?? Infinity, at));
  }
  return { column, isSource };
}

/** Row of each op within its column: near its inputs, sources last. */
function rowsOf(ops, column, isSource) {
  const row = new Map(), members = new Map();
  for (const op of ops) {
    if (!column.has(op.id)) continue;
    const at = column.get(op.id);
    if (!members.has(at)) members.set(at, []);
    members.get(at).push(op);
  }
  for (const at of [...members.keys()].sort((a, b) => a - b)) {
    const wish = new Map();
    for (const op of members.get(at)) {
      const rows = op.inputs.filter(id => row.has(id)).map(id => row.get(id));
      const mean = rows.length ? rows.reduce((sum, r) => sum + r, 0) / rows.length : 0;
      wish.set(op.id, (isSource.has(op.id) ? 1e6 : 0) + mean);
    }
    members.get(at).sort((a, b) => wish.get(a.id) - wish.get(b.id) || a.id - b.id);
    members.get(at).forEach((op, index) => row.set(op.id, index));
  }
  return row;
}

/** Row of each op of the update: below its inputs, where the column is free. */
function updateRowsOf(ops, x) {
  const row = new Map(), taken = new Set();
  for (const op of ops) {
    if (op.phase !== "update") continue;
    const inputs = op.inputs.filter(id => x.has(id));
    const mean = inputs.length ? inputs.reduce((sum, id) => sum + x.get(id), 0) / inputs.length : 0;
    const at = Math.round(mean / NODE.columnPitch);
    let free = inputs.reduce((most, id) => Math.max(most, (row.get(id) ?? -1) + 1), 0);
    while (taken.has(at + ":" + free)) ++free;
    taken.add(at + ":" + free);
    row.set(op.id, free);
    x.set(op.id, at * NODE.columnPitch);
  }
  return row;
}

/** The graph in strips of `length`: {position, lanes, width, height}. */
function breakIntoStrips(rows, x, length) {
  const position = [], lanes = [];
  let top = 0;
  const count = Math.floor(Math.max(0, ...x.values()) / length) + 1;
  const strips = Array.from({ length: count }, () => rows.map(() => []));
  rows.forEach(({ row }, lane) => {
    for (const id of row.keys()) strips[Math.floor(x.get(id) / length)][lane].push(id);
  });
  strips.forEach((strip, index) => strip.forEach((ids, lane) => {
    if (!ids.length) return;
    const { phase, row } = rows[lane];
    let bottom = top;
    for (const id of ids) {
      const y = top + row.get(id) * NODE.rowPitch;
      position[id] = { x: x.get(id) - index * length, y };
      bottom = Math.max(bottom, y + NODE.height);
    }
    lanes.push({ phase, top, bottom });
    top = bottom + NODE.laneGap;
  }));
  const right = position.reduce((most, at) => Math.max(most, at.x), 0);
  return { position, lanes, right: right + NODE.width, bottom: top - NODE.laneGap };
}

/** Place each op for a view of `width` by `height`: {position by id, lanes}. */
function layOut(ops, width, height) {
  const x = new Map();
  const lastOf = ({ column }) => [...column.values()].reduce((most, at) => Math.max(most, at), 0);
  const forward = columnsOf(ops, "forward"), backward = columnsOf(ops, "backward");
  const length = Math.max(lastOf(forward), lastOf(backward)) * NODE.columnPitch;
  const rows = [["forward", forward], ["backward", backward]].map(([phase, lane]) => {
    const pitch = length / (lastOf(lane) || 1);
    for (const [id, at] of lane.column) x.set(id, Math.round(phase === "forward" ? at * pitch : length - at * pitch));
    return { phase, row: rowsOf(ops, lane.column, lane.isSource) };
  });
  rows.push({ phase: "update", row: updateRowsOf(ops, x) });
  // One strip if it can nearly be read when shown whole, else as many as show the
  // graph largest.
  const readable = 0.3;
  let best = null;
  for (let count = 1; count <= 40 && !(best?.scale > readable); ++count) {
    const stripLength = Math.ceil((length / NODE.columnPitch + 1) / count) * NODE.columnPitch;
    const broken = breakIntoStrips(rows, x, stripLength);
    broken.scale = Math.min(width / broken.right, height / broken.bottom);
    if (best && broken.scale < best.scale * 0.5) break;
    if (!best || broken.scale > best.scale * 1.1) best = broken;
  }
  return best;
}
