// Part of the Vernier project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A row for each op: sorted by a click on a column, filtered as one types. Rows
// are made once for each function and then moved and hidden.

const COLUMNS = [
  { title: "#", key: op => op.id, isNumber: true },
  { title: "op", key: op => op.op },
  { title: "name", key: op => op.name },
  { title: "phase", key: op => op.phase },
  { title: "operand", key: op => op.operand, show: op => badge(op.operand) },
  { title: "computed", key: op => op.accumulate },
  { title: "result", key: op => op.result, show: op => badge(op.result) },
  { title: "shape", key: op => op.shape },
  { title: "FLOPs", key: op => op.flops, isNumber: true, show: op => abbreviate(op.flops) },
  { title: "bytes", key: op => op.bytes, isNumber: true, show: op => abbreviate(op.bytes) },
  { title: "cast bytes", key: op => op.castBytes, isNumber: true, show: op => op.castBytes ? abbreviate(op.castBytes) : "" },
  { title: "rule", key: op => op.rule, isWide: true },
  { title: "reason", key: op => op.reason, isWide: true },
  { title: "competing", key: op => op.competing, isWide: true },
  { title: "location", key: op => op.location },
];

class Table {
  constructor(table, onSelect, onFilter) {
    this.table = table;
    this.body = table.tBodies[0];
    this.onSelect = onSelect;
    this.onFilter = onFilter;
    this.made = new Map();
    this.sorted = { column: COLUMNS[0], descending: false };
    for (const column of COLUMNS) {
      const button = element("button", { type: "button" }, column.title);
      button.addEventListener("click", () => this.sortBy(column));
      column.head = element("th", { class: column.isNumber ? "number" : "", scope: "col" }, button);
      table.tHead.rows[0].append(column.head);
    }
    this.body.addEventListener("click", event => {
      const row = event.target.closest("tr");
      if (row) this.onSelect(Number(row.dataset.id));
    });
    this.body.addEventListener("keydown", event => this.pressKey(event));
  }

  setFunction(name, ops) {
    if (!this.made.has(name)) this.made.set(name, ops.map(op => this.makeRow(op)));
    this.ops = ops;
    this.rows = this.made.get(name);
    this.order();
  }

  makeRow(op) {
    const row = element("tr", { tabIndex: -1, "aria-selected": "false" });
    row.dataset.id = op.id;
    for (const column of COLUMNS) {
      const cell = element("td", { class: column.isNumber ? "number" : column.isWide ? "wide" : "" },
        column.show ? column.show(op) : String(column.key(op)));
      if (column.isWide) cell.title = column.key(op);
      row.append(cell);
    }
    op.text = [op.op, op.name, op.identity, op.location, op.rule, op.reason, op.competing, op.shape, ...op.reads].join("\n").toLowerCase();
    return row;
  }

  sortBy(column) {
    const isSame = column === this.sorted.column;
    // What costs most is what one looks for first.
    this.sorted = { column, descending: isSame ? !this.sorted.descending : Boolean(column.isNumber && column !== COLUMNS[0]) };
    this.order();
  }

  order() {
    const { column, descending } = this.sorted;
    const compare = column.isNumber ? (a, b) => column.key(a) - column.key(b)
      : (a, b) => column.key(a) < column.key(b) ? -1 : column.key(a) > column.key(b) ? 1 : 0;
    const sorted = [...this.ops].sort((a, b) => (descending ? -compare(a, b) : compare(a, b)) || a.id - b.id);
    for (const other of COLUMNS) {
      if (other === column) other.head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else other.head.removeAttribute("aria-sort");
      other.head.firstChild.textContent = other.title + (other !== column ? "" : descending ? " \u25be" : " \u25b4");
    }
    this.body.replaceChildren(...sorted.map(op => this.rows[op.id]));
    this.markFocusable();
  }

  /** Hide the rows that `shown` refuses; returns how many stay. */
  filter(shown) {
    let count = 0;
    for (const op of this.ops) {
      const isShown = shown(op);
      this.rows[op.id].hidden = !isShown;
      count += isShown;
    }
    this.markFocusable();
    return count;
  }

  select(id, focus) {
    for (const row of this.body.querySelectorAll('[aria-selected="true"]')) row.setAttribute("aria-selected", "false");
    this.selected = id;
    this.markFocusable();
    if (id === null) return;
    const row = this.rows[id];
    row.setAttribute("aria-selected", "true");
    row.scrollIntoView({ block: "nearest" });
    if (focus) row.focus({ preventScroll: true });
  }

  /** One row can be reached with Tab: the selected one, or the first. */
  markFocusable() {
    if (this.focusable) this.focusable.tabIndex = -1;
    const selected = this.selected !== null && this.selected !== undefined ? this.rows[this.selected] : null;
    this.focusable = selected && !selected.hidden ? selected : [...this.body.rows].find(row => !row.hidden);
    if (this.focusable) this.focusable.tabIndex = 0;
  }

  pressKey(event) {
    const row = event.target.closest("tr");
    const visible = [...this.body.rows].filter(other => !other.hidden), at = visible.indexOf(row);
    const target = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: visible.length - 1, PageDown: at + 15, PageUp: at - 15, Enter: at, " ": at }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    this.onSelect(Number(visible[Math.max(0, Math.min(visible.length - 1, target))].dataset.id), true);
  }
}
