// Part of the Vernier project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The canvas: draws what is in view, once a frame at most and only after a change.
// canvas.dataset.draws counts the draws.

class Graph {
  constructor(canvas, onSelect) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.onSelect = onSelect;
    this.view = { x: 0, y: 0, scale: 1 };
    this.ops = [];
    this.shown = () => true;
    this.selected = null;
    canvas.dataset.draws = 0;
    this.measure();
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.listen();
  }

  setOps(ops) {
    this.ops = ops;
    this.measure();
    Object.assign(this, layOut(ops, this.width, this.height));
    this.readers = ops.map(() => []);
    for (const op of ops) for (const id of op.inputs) this.readers[id].push(op.id);
    this.start();
  }

  // ---- what is in view ----

  /** Take over the size of the element; whether it changed. */
  measure() {
    const ratio = devicePixelRatio || 1, { clientWidth: width, clientHeight: height } = this.canvas;
    if (width === this.width && height === this.height && ratio === this.ratio) return false;
    Object.assign(this, { width, height, ratio });
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    return true;
  }

  resize() {
    if (this.measure()) this.request();
  }

  fitScale() {
    return Math.min((this.width - 32) / this.right, (this.height - 76) / this.bottom, 1.2);
  }

  /** All of the graph, if its labels can then be read; else its beginning. */
  start() {
    this.fit();
    const readable = 0.65;
    if (this.ops.length < 200 && this.view.scale < readable) this.view = { x: 16, y: 36, scale: readable };
  }

  fit() {
    const scale = this.fitScale();
    this.view = { x: (this.width - this.right * scale) / 2, y: 36, scale };
    this.request();
  }

  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const view = this.view, scale = Math.min(3, Math.max(this.fitScale() / 2, view.scale * factor));
    view.x = x - (x - view.x) * scale / view.scale;
    view.y = y - (y - view.y) * scale / view.scale;
    view.scale = scale;
    this.request();
  }

  move(dx, dy) {
    this.view.x += dx;
    this.view.y += dy;
    this.request();
  }

  /** Select an op (or null) and bring it into view. */
  select(id, reveal = true) {
    this.selected = id;
    if (id !== null && reveal) {
      const at = this.position[id], view = this.view;
      if (view.scale < 0.35) view.scale = 0.6;
      const x = at.x * view.scale + view.x, y = at.y * view.scale + view.y;
      const isInView = x > 10 && y > 34 && x + NODE.width * view.scale < this.width - 10 && y + NODE.height * view.scale < this.height - 34;
      if (!isInView) {
        view.x = this.width / 2 - (at.x + NODE.width / 2) * view.scale;
        view.y = this.height / 2 - (at.y + NODE.height / 2) * view.scale;
      }
    }
    this.request();
  }

  opAt(x, y) {
    const px = (x - this.view.x) / this.view.scale, py = (y - this.view.y) / this.view.scale;
    const slack = 3 / this.view.scale;
    return this.ops.find(({ id }) => {
      const at = this.position[id];
      return px >= at.x - slack && px <= at.x + NODE.width + slack && py >= at.y - slack && py <= at.y + NODE.height + slack;
    });
  }

  // ---- drawing ----

  request() {
    if (this.pending || !this.width || !this.ops.length) return;
    this.pending = true;
    requestAnimationFrame(() => { this.pending = false; this.draw(); });
  }

  draw() {
    const { context: c, view, ratio } = this;
    const style = getComputedStyle(document.documentElement);
    this.colour = name => style.getPropertyValue("--" + name);
    ++this.canvas.dataset.draws;
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.fillStyle = this.colour("panel");
    c.fillRect(0, 0, this.canvas.width, this.canvas.height);
    c.setTransform(ratio * view.scale, 0, 0, ratio * view.scale, ratio * view.x, ratio * view.y);
    this.drawLanes();
    this.drawEdges(this.ops, this.colour("edge"), 1, 0.55);
    if (this.selected !== null)
      this.drawEdges([this.ops[this.selected], ...this.readers[this.selected].map(id => this.ops[id])], this.colour("focus"), 2.5, 1, this.selected);
    for (const op of this.ops) this.drawNode(op);
    if (this.selected !== null) this.drawOutline(this.position[this.selected]);
  }

  drawLanes() {
    const { context: c, view } = this;
    for (const [index, lane] of this.lanes.entries()) {
      c.fillStyle = this.colour("lane");
      c.fillRect(-24, lane.top - 24, this.right + 48, lane.bottom - lane.top + 40);
      // What fits between two lanes, if that can be read; there is more room above the first.
      const size = Math.min(index ? NODE.laneGap - 8 : Infinity, Math.max(13, 12 / view.scale));
      if (size * view.scale < 7) continue;
      c.fillStyle = this.colour("faint");
      c.font = size + "px system-ui, sans-serif";
      // Stays in view while the lane is.
      const left = Math.max(-18, -view.x / view.scale + 8 / view.scale);
      c.textBaseline = "bottom";
      c.fillText(lane.phase, left, lane.top - 7);
    }
  }

  /** Edges into `ops`; with `only`, those that start or end there. */
  drawEdges(ops, colour, width, alpha, only = null) {
    const { context: c, view } = this;
    const left = -view.x / view.scale, right = left + this.width / view.scale;
    c.globalAlpha = alpha;
    c.strokeStyle = colour;
    c.lineWidth = width / Math.min(1, view.scale) * (only === null ? Math.min(1, Math.max(0.35, view.scale * 2)) : 1);
    c.beginPath();
    for (const op of ops) {
      const to = this.position[op.id];
      for (const id of op.inputs) {
        if (only !== null && id !== only && op.id !== only) continue;
        const from = this.position[id];
        if (Math.max(from.x, to.x) + NODE.width < left || Math.min(from.x, to.x) > right) continue;
        this.traceEdge(from, to);
      }
    }
    c.stroke();
    c.globalAlpha = 1;
  }

  /** From the side of one node to the facing side of the other. */
  traceEdge(from, to) {
    const c = this.context, half = NODE.height / 2;
    if (Math.abs(from.x - to.x) < NODE.width) {
      const isDown = to.y > from.y, x1 = from.x + NODE.width / 2, x2 = to.x + NODE.width / 2;
      const y1 = from.y + (isDown ? NODE.height : 0), y2 = to.y + (isDown ? 0 : NODE.height);
      c.moveTo(x1, y1);
      c.bezierCurveTo(x1, (y1 + y2) / 2, x2, (y1 + y2) / 2, x2, y2);
      return;
    }
    const isRight = to.x > from.x;
    const x1 = from.x + (isRight ? NODE.width : 0), x2 = to.x + (isRight ? 0 : NODE.width);
    const bend = Math.min(80, Math.abs(x2 - x1) / 2) * (isRight ? 1 : -1);
    c.moveTo(x1, from.y + half);
    c.bezierCurveTo(x1 + bend, from.y + half, x2 - bend, to.y + half, x2, to.y + half);
  }

  drawNode(op) {
    const { context: c, view } = this, at = this.position[op.id];
    const x = at.x * view.scale + view.x, y = at.y * view.scale + view.y;
    if (x > this.width || y > this.height || x + NODE.width * view.scale < 0 || y + NODE.height * view.scale < 0) return;
    c.globalAlpha = this.shown(op) ? 1 : 0.15;
    // Seen from far away a node is still a dot.
    const height = Math.max(NODE.height, 1.5 / view.scale);
    c.fillStyle = this.colour(colourOf(op.operand));
    c.fillRect(at.x, at.y, NODE.width, height);
    if (op.result !== op.operand) {
      c.fillStyle = this.colour(colourOf(op.result));
      c.fillRect(at.x + NODE.width * 0.8, at.y, NODE.width * 0.2, height);
    }
    if (view.scale >= 0.35) this.drawLabel(op, at);
    c.globalAlpha = 1;
  }

  drawLabel(op, at) {
    const c = this.context, room = NODE.width * (op.result === op.operand ? 1 : 0.8) - 12;
    const print = (text, size, y) => {
      c.font = size + "px system-ui, sans-serif";
      while (text.length > 2 && c.measureText(text).width > room) text = text.slice(0, Math.max(1, text.length - 3)) + "\u2026";
      c.fillText(text, at.x + 7, y);
    };
    c.fillStyle = this.colour(colourOf(op.operand) + "-ink");
    c.textBaseline = "alphabetic";
    print(op.op, 16, at.y + 18);
    print(op.name || op.reads[0] || op.shape || "scalar", 13, at.y + 35);
  }

  drawOutline(at) {
    const { context: c, view } = this, gap = 3 / Math.min(1, view.scale);
    c.strokeStyle = this.colour("focus");
    c.lineWidth = 3 / Math.min(1, view.scale);
    c.strokeRect(at.x - gap, at.y - gap, NODE.width + 2 * gap, NODE.height + 2 * gap);
  }

  // ---- input ----

  listen() {
    const canvas = this.canvas;
    let down = null;
    canvas.addEventListener("pointerdown", event => {
      down = { x: event.offsetX, y: event.offsetY, isDrag: false };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", event => {
      if (!down) {
        const op = this.opAt(event.offsetX, event.offsetY);
        canvas.title = op ? `${op.op} ${titleOf(op)}\n${typesOf(op)}: ${op.rule}; ${op.reason}` : "";
        return;
      }
      const dx = event.offsetX - down.x, dy = event.offsetY - down.y;
      if (!down.isDrag && Math.hypot(dx, dy) < 4) return;
      canvas.classList.add("moving");
      this.move(dx, dy);
      down = { x: event.offsetX, y: event.offsetY, isDrag: true };
    });
    canvas.addEventListener("pointerup", event => {
      if (down && !down.isDrag) {
        const op = this.opAt(event.offsetX, event.offsetY);
        this.onSelect(op ? op.id : null);
      }
      down = null;
      canvas.classList.remove("moving");
    });
    canvas.addEventListener("pointercancel", () => { down = null; canvas.classList.remove("moving"); });
    canvas.addEventListener("wheel", event => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.offsetX, event.offsetY);
    }, { passive: false });
    canvas.addEventListener("keydown", event => this.pressKey(event));
  }

  pressKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.ops.length - 1, next = step => this.onSelect(Math.min(last, Math.max(0, (this.selected ?? (step > 0 ? -1 : last + 1)) + step)));
    const keys = {
      ArrowLeft: () => this.move(60, 0), ArrowRight: () => this.move(-60, 0),
      ArrowUp: () => this.move(0, 60), ArrowDown: () => this.move(0, -60),
      "+": () => this.zoom(1.25), "=": () => this.zoom(1.25), "-": () => this.zoom(0.8),
      f: () => this.fit(), n: () => next(1), p: () => next(-1),
    };
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}
