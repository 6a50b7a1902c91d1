#===- explain-page.py - The page of --explain=html in a browser
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s %source/examples/digits %t
# REQUIRES: compiler, chromium
"""The page shows every op in the table and the graph, which select each other;
it sorts, filters, zooms, obeys the keyboard, asks the network for nothing and
leaves the console empty, for both digits models, also with hostile names and with 2,000
ops. Nothing covers a node."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from browser import Browser  # noqa: E402

DIGITS, SCRATCH = sys.argv[1:]
MODELS = [os.path.join(DIGITS, name) for name in ("mlp.mlir", "convnet.mlir")]
os.makedirs(SCRATCH, exist_ok=True)


def explain(model, form, *flags):
    path = os.path.join(SCRATCH, "explain." + form)
    subprocess.run(["vernier-compile", model, f"--explain={form}", "--explain-file=" + path,
                    "-o", os.path.join(SCRATCH, "m.vplan"), *flags], check=True)
    return path


def ops_of(model, function, *flags):
    with open(explain(model, "json", *flags)) as file:
        return next(f["ops"] for f in json.load(file)["functions"] if f["name"] == function)


def column(browser, number):
    return browser.run(f"[...document.querySelectorAll('#table tbody tr')].filter(r => !r.hidden).map(r => r.cells[{number}].textContent)")


def click_element(browser, expression):
    x, y = browser.run(f"(r => [r.x + r.width / 2, r.y + r.height / 2])(({expression}).getBoundingClientRect())")
    browser.click(x, y)


def selected(browser):
    """The op selected in the table, in the graph, and in the panel."""
    return browser.run("""[Number(document.querySelector('tr[aria-selected="true"]')?.dataset.id ?? -1), graph.selected ?? -1,
                           parseInt(document.querySelector('#selected dd')?.textContent.slice(1) ?? '-1')]""")


def node(browser, number):
    """Where a node is in the window."""
    return browser.run(f"""(at => {{ const c = find('canvas').getBoundingClientRect(), v = graph.view;
        return [c.x + (at.x + NODE.width / 2) * v.scale + v.x, c.y + (at.y + NODE.height / 2) * v.scale + v.y]; }})(graph.position[{number}])""")


def check_uncovered(browser):
    """No control lies on a node in view, and the first op is in view."""
    covered = browser.run("""(() => { const c = find('canvas').getBoundingClientRect(), v = graph.view;
        const boxes = graph.position.map(at => [c.left + at.x * v.scale + v.x, c.top + at.y * v.scale + v.y])
            .map(([x, y]) => ({ left: x, top: y, right: x + NODE.width * v.scale, bottom: y + NODE.height * v.scale }));
        const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
        const inView = boxes.filter(box => meet(box, c));
        const controls = [...document.querySelectorAll('#graph *')].filter(e => e !== find('canvas')).map(e => e.getBoundingClientRect());
        return [controls.length > 3, inView.includes(boxes[0]), inView.filter(box => controls.some(other => meet(box, other))).length]; })()""")
    assert covered == [True, True, 0], covered


def check_clean(browser, path):
    assert browser.complaints == [], browser.complaints
    assert browser.requests == ["file://" + os.path.abspath(path)], browser.requests


def check_rows(browser, ops):
    assert column(browser, 0) == [str(op["id"]) for op in ops]
    assert column(browser, 1) == [op["op"] for op in ops]
    for at, key in ((2, "name"), (3, "phase"), (4, "operand"), (5, "accumulate"), (6, "result"), (7, "shape"),
                    (11, "rule"), (12, "reason"), (13, "competing"), (14, "location")):
        assert column(browser, at) == [op[key] for op in ops], key
    assert browser.run("graph.position.filter(Boolean).length") == len(ops)
    # Every op has a place of its own.
    assert browser.run("new Set(graph.position.map(at => at.x + ':' + at.y)).size") == len(ops)


def check_digits(browser, model, flags):
    ops = ops_of(model, "step", *flags)
    path = explain(model, "html", *flags)
    browser.open(path)
    check_rows(browser, ops)
    check_uncovered(browser)
    # In the first view the names of ops can be read: letters of 9 pixels.
    assert browser.run("graph.view.scale * 16") >= 9

    # Numbers sort by size, the largest first, then the other way; text by letter.
    click_element(browser, "COLUMNS.find(c => c.title === 'FLOPs').head")
    by_flops = sorted(ops, key=lambda op: -op["flops"])
    assert column(browser, 0) == [str(op["id"]) for op in by_flops]
    click_element(browser, "COLUMNS.find(c => c.title === 'FLOPs').head")
    assert column(browser, 0) == [str(op["id"]) for op in sorted(ops, key=lambda op: op["flops"])]
    assert browser.run("COLUMNS.find(c => c.title === 'FLOPs').head.getAttribute('aria-sort')") == "ascending"
    click_element(browser, "COLUMNS.find(c => c.title === 'op').head")
    assert column(browser, 1) == sorted(op["op"] for op in ops)
    click_element(browser, "COLUMNS[0].head")

    # The filter, from the keyboard; each word must be there. The graph follows.
    browser.press("/")
    browser.type_text("LINEAR low")
    found = [op for op in ops if "linear" in (op["op"] + op["rule"] + op["reason"]) and "low" in op["rule"]]
    assert 0 < len(found) < len(ops) and column(browser, 0) == [str(op["id"]) for op in found]
    assert browser.run("find('count').textContent") == f"{len(found)} of {len(ops)} ops"
    assert browser.run("graph.ops.filter(graph.shown).length") == len(found)
    browser.run("find('filter').value = ''; find('phase').value = 'update'; find('phase').dispatchEvent(new Event('change'))")
    assert set(column(browser, 3)) == {"update"}
    browser.run("find('phase').value = ''; find('phase').dispatchEvent(new Event('change'))")

    # A row selects its node, a node its row; a click beside the nodes, or Escape, none.
    click_element(browser, "table.rows[3]")
    assert selected(browser) == [3, 3, 3]
    click_element(browser, "find('zoom-fit')")
    browser.click(*node(browser, 1))
    assert selected(browser) == [1, 1, 1]
    browser.press("Escape")
    assert selected(browser) == [-1, -1, -1]

    # The keyboard in the table and in the graph.
    click_element(browser, "table.rows[4]")
    browser.press("ArrowDown")
    assert selected(browser) == [5, 5, 5]
    browser.press("End")
    last = ops[-1]["id"]
    assert selected(browser) == [last, last, last]
    browser.run("find('canvas').focus()")
    browser.press("p")
    assert selected(browser) == [last - 1] * 3
    browser.press("f")
    before = browser.run("({...graph.view})")
    browser.press("+")
    browser.press("ArrowLeft")
    after = browser.run("({...graph.view})")
    assert after["scale"] > before["scale"] and after["x"] != before["x"]

    # Drag and wheel move the graph; a drag selects nothing.
    x, y = browser.run("(r => [r.x + r.width / 2, r.y + r.height / 2])(find('canvas').getBoundingClientRect())")
    browser.press("Escape")
    browser.drag(x, y, 60, 25)
    moved = browser.run("({...graph.view})")
    assert (round(moved["x"] - after["x"]), round(moved["y"] - after["y"])) == (60, 25), (moved, after)
    assert selected(browser) == [-1, -1, -1]
    browser.wheel(x, y, -200)
    assert browser.run("graph.view.scale") > moved["scale"]

    # The colour of a node is that of the type it reads.
    browser.run("graph.select(0)")
    browser.frames()
    px, py = node(browser, 0)
    colour = browser.run(f"""(([r, g, b]) => '#' + [r, g, b].map(v => v.toString(16).padStart(2, '0')).join(''))((c =>
        find('canvas').getContext('2d').getImageData({px} - c.x - NODE.width * graph.view.scale / 2 + 2, {py} - c.y - NODE.height * graph.view.scale / 2 + 2, 1, 1).data)
        (find('canvas').getBoundingClientRect()))""")
    assert colour == browser.run(f"graph.colour('{ops[0]['operand']}')"), colour

    # Contractions and memory are all there; another function replaces everything.
    contractions = [op for op in ops if "contraction" in op]
    assert browser.run("document.querySelectorAll('#contractions .link').length") == len(contractions)
    click_element(browser, "(document.querySelector('#contractions .link').scrollIntoView(), document.querySelector('#contractions .link'))")
    assert selected(browser)[0] in [op["id"] for op in contractions]
    assert "parameters" in browser.run("find('memory').textContent")
    browser.run("find('function').value = 'predict'; find('function').dispatchEvent(new Event('change'))")
    browser.frames()
    check_rows(browser, ops_of(model, "predict", *flags))
    check_clean(browser, path)


def check_themes(browser):
    """Light and dark by the system's wish and by the button, readable in both:
    text on its ground has a contrast of 4.5 (WCAG 2.2, 1.4.3)."""
    path = explain(MODELS[0], "html")
    contrast = """(pairs => { const rgb = n => { const h = getComputedStyle(document.documentElement).getPropertyValue('--' + n).trim();
        return [1, 3, 5].map(i => parseInt(h.slice(i, i + 2), 16) / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); };
        const light = n => rgb(n).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
        return pairs.map(([a, b]) => { const x = light(a), y = light(b); return [a, b, (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05)]; }); })"""
    pairs = [[t, t + "-ink"] for t in ("bf16", "f16", "tf32", "f32", "f64", "other")] + [["ink", g] for g in ("page", "panel", "hover", "chosen")] + \
        [["faint", "page"], ["faint", "panel"], ["faint", "lane"], ["focus", "panel"]]
    for dark in (False, True):
        browser.set_dark(dark)
        browser.open(path)
        for _ in range(2):
            for a, b, value in browser.run(contrast + f"({json.dumps(pairs)})"):
                assert value >= 4.5, (dark, a, b, value)
            click_element(browser, "find('theme')")
        assert browser.run("document.documentElement.dataset.theme") == ("dark" if dark else "light")
    browser.set_dark(False)


def check_hostile(browser):
    """Names are text wherever they appear."""
    name = r"</script><img src=x onerror=window.pwned=1><b>&amp;"
    model = os.path.join(SCRATCH, "hostile.mlir")
    with open(model, "w") as file:
        file.write('func.func @predict(%x: tensor<4xf32> {train.name = "<i>x</i>"}) -> tensor<4xf32> {\n'
                   f'  %0 = math.tanh %x : tensor<4xf32> loc("{name}")\n  return %0 : tensor<4xf32>\n}}\n')
    path = explain(model, "html")
    browser.open(path)
    assert name in column(browser, 2)
    click_element(browser, "table.rows.find(r => r.cells[1].textContent === 'math.tanh')")
    assert name in browser.run("find('selected').textContent")
    assert browser.run("window.pwned === undefined && document.querySelectorAll('img, i, b').length === 0")
    check_clean(browser, path)


def check_large(browser):
    """2,000 ops, in 400 gated residual layers: all in the table and in view, drawn once for each change."""
    kind, square = "tensor<8x16xf32>", "tensor<16x16xf32>"
    lines = [f'func.func @predict(%x0: {kind} {{train.name = "x"}}, %w: {square} {{train.name = "w"}}) -> {kind} {{']
    for i in range(400):
        lines.append(f"  %y{i} = train.linear %x{i}, %w : ({kind}, {square}) -> {kind}")
        lines.append(f"  %t{i} = math.tanh %y{i} : {kind}")
        lines.append(f"  %g{i} = train.sigmoid %y{i} : {kind}")
        lines.append(f"  %p{i} = arith.mulf %t{i}, %g{i} : {kind}")
        lines.append(f"  %x{i + 1} = arith.addf %p{i}, %x{i} : {kind}")
    lines.append(f"  return %x400 : {kind}\n}}")
    model = os.path.join(SCRATCH, "large.mlir")
    with open(model, "w") as file:
        file.write("\n".join(lines))
    ops = ops_of(model, "predict")
    assert len(ops) >= 2000
    path = explain(model, "html")
    browser.open(path)
    check_rows(browser, ops)
    check_uncovered(browser)
    assert int(browser.run("find('canvas').dataset.draws")) <= 2
    assert browser.run("graph.right * graph.view.scale <= graph.width && graph.bottom * graph.view.scale <= graph.height")
    before = int(browser.run("find('canvas').dataset.draws"))
    # However many events arrive within a frame.
    browser.run("for (let i = 0; i < 50; ++i) graph.move(1, 1)")
    browser.frames()
    assert int(browser.run("find('canvas').dataset.draws")) == before + 1
    click_element(browser, "COLUMNS.find(c => c.title === 'bytes').head")
    assert column(browser, 0) == [str(op["id"]) for op in sorted(ops, key=lambda op: -op["bytes"])]
    check_clean(browser, path)


for model in MODELS:
    for policy in ("bf16", "f32", "f16"):
        with Browser() as browser:
            check_digits(browser, model, ["--policy=" + policy])
with Browser() as browser:
    check_themes(browser)
with Browser() as browser:
    check_hostile(browser)
with Browser() as browser:
    check_large(browser)
