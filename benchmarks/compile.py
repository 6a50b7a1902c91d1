#!/usr/bin/env python3
#===- compile.py - What compiling costs
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Time to compile the perceptron of mlp.py; and on graphs of 100 to 100,000 ops
time, memory and plan of the whole vernier-compile, and time of each pass beside
upstream's --canonicalize on the same graph. What is linear in the number of ops
shows the same microseconds per op in every column, but for caches: graphs of more
than 10,000 ops fit into none. So --instructions counts what valgrind sees, too,
for the passes that are named."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import measure
import mlp

STRATEGIES = ("lists", "propagate", "min-cut")
SIZES = (100, 1_000, 10_000, 100_000)
INSTRUCTION_SIZES = (1_000, 10_000) # callgrind is some fifty times slower
# The pipeline of a bf16 compile, as in lib/Pipelines/Pipelines.cpp.
# Nested in func.func where Pipelines.cpp does so: its time is that of all functions.
PASSES = ["amp-autocast{policy=bf16}", "amp-materialize-casts", "amp-verify-precision", "train-attach-optimizer{optimizer=adamw}",
          "train-differentiate", "func.func(train-share-loads)", "canonicalize", "cse",
          "train-keep-low-precision-copies", "func.func(train-legalize-contractions)", "func.func(train-expand-composites,canonicalize,cse)",
          "func.func(train-prepare-fusions)", "func.func(train-form-fusions)", "func.func(cse)", "symbol-dce", "convert-train-to-plan",
          "plan-assign-buffers"]


def graph(ops):
    """A residual network of about `ops` ops with a weight for each 30 of them."""
    tensor, weight = "tensor<8x16xf32>", "tensor<16x16xf32>"
    lines, body, x, count, weights = ["module {"], [], "%x", 0, 0
    while count < ops:
        if count >= 30 * weights:
            lines.append(f'  ml_program.global private mutable @w{weights}(#train.xavier<uniform = true>) : {weight} {{train.role = "parameter"}}')
            body.append(f"    %w{weights} = ml_program.global_load @w{weights} : {weight}")
            weights += 1
        i = count
        body += [f"    %a{i} = train.linear {x}, %w{weights - 1} : ({tensor}, {weight}) -> {tensor}",
                 f"    %b{i} = train.relu %a{i} : {tensor}",
                 f"    %c{i} = math.tanh %a{i} : {tensor}",
                 f"    %d{i} = arith.mulf %b{i}, %c{i} : {tensor}",
                 f"    %e{i} = arith.addf {x}, %d{i} : {tensor}"]
        x = f"%e{i}"
        count += 5
    lines.append(f'  func.func @loss(%x: {tensor} {{train.name = "x"}}, %y: {tensor} {{train.name = "y"}}) -> (tensor<f32> {{train.name = "loss"}}) {{')
    body.append(f"    %loss = train.mse_loss {x}, %y : ({tensor}, {tensor}) -> tensor<f32>\n    return %loss : tensor<f32>\n  }}\n}}\n")
    return "\n".join(lines + body)


def flag(name):
    """A pass without its options and the ops it runs on."""
    return re.sub(r"func\.func\(|\)|{.*", "", name)


def display_name(name):
    """What the timing report calls a pass."""
    own = "".join(word.capitalize() for word in flag(name).split("-")) + "Pass"
    return {"canonicalize": "Canonicalizer", "cse": "CSE", "symbol-dce": "SymbolDCE"}.get(flag(name), own)


def time_passes(tool, source, passes):
    """Seconds of each pass of a pipeline, in order."""
    pipeline = "builtin.module(" + ",".join(passes) + ")"
    output = subprocess.run([tool, source, "--pass-pipeline=" + pipeline, "--mlir-timing", "--mlir-timing-display=tree",
                                     "--verify-each=false", "--mlir-disable-threading", "-o", os.devnull],
                                    capture_output=True, text=True)
    if output.returncode:
        sys.exit(f"{pipeline}\n{output.stderr[:2000]}")
    # In the order of the report: passes of functions are nested, and what runs inside a pass comes after the output.
    found = []
    for line in output.stderr.splitlines():
        match = re.match(r"\s+([\d.]+) \(\s*[\d.]+%\) +([\w']+)", line)
        if len(found) < len(passes) and match and match.group(2) == display_name(passes[len(found)]):
            found.append(float(match.group(1)))
    if len(found) != len(passes):
        sys.exit(f"expected the times of {len(passes)} passes, got {len(found)}:\n{output.stderr[:4000]}")
    return found


def processor_seconds():
    """Of all that has been run so far: what else runs on the machine does not count."""
    used = os.times()
    return used.children_user + used.children_system


def measure_tool(folder, source, plan):
    """Of a whole compile of `source`: processor seconds without and with --explain, bytes of the plan and of the tool's
    memory, and the processor seconds in which vernier-run has loaded and checked the plan."""
    command = [f"{folder}/vernier-compile", source, "-o", plan, "--target=cpu:native", "--policy=bf16", "--optimizer=adamw,lr=1e-3"]
    seconds = []
    for extra in ([], ["--explain=json", f"--explain-file={plan}.json"]):
        begin = processor_seconds()
        _, peak = measure.run_with_peak([*command, *extra])
        seconds.append(processor_seconds() - begin)
    begin = processor_seconds()
    measure.run([f"{folder}/vernier-run", plan, "info"])
    return {"seconds": seconds[0], "seconds_explained": seconds[1], "plan_bytes": os.path.getsize(plan), "peak_bytes": peak,
            "info_seconds": processor_seconds() - begin}


def tabulate_tool(tools):
    """Microseconds and bytes for each op of the model, by the number of ops."""
    rows = [(name, *(f"{scale * tools[size][key] / size:.0f}" for size in tools))
            for name, key, scale in (("vernier-compile, microseconds", "seconds", 1e6),
                                     ("with --explain=json, microseconds", "seconds_explained", 1e6),
                                     ("vernier-run info, microseconds", "info_seconds", 1e6),
                                     ("plan, bytes", "plan_bytes", 1), ("peak memory, bytes", "peak_bytes", 1))]
    return measure.table(("the whole compile, for each op of the model", *(f"{size:,} ops" for size in tools)), rows)


def count_pass_instructions(tool, source, name):
    """Instructions inside of one pass of PASSES, by callgrind, on what the passes before it make of `source`."""
    position = next((i for i, p in enumerate(PASSES) if flag(p) == name), None)
    if position is None:
        sys.exit(f"--instructions: no pass '{name}' in the pipeline; it has {', '.join(map(flag, PASSES))}")
    before = source + ".before"
    measure.run([tool, source, "--pass-pipeline=builtin.module(" + ",".join(PASSES[:position]) + ")", "--verify-each=false",
                 "-o", before])
    # FormFusionsPass of train-form-fusions, with whatever it calls.
    function = "*" + "".join(word.capitalize() for word in name.split("-")[1:]) + "Pass::runOnOperation*"
    output = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--toggle-collect={function}",
                             tool, before, f"--pass-pipeline=builtin.module({PASSES[position]})", "--verify-each=false",
                             "--mlir-disable-threading", "-o", os.devnull], capture_output=True, text=True, check=True).stderr
    count = int(re.search(r"Collected : (\d+)", output).group(1))
    if not count:
        sys.exit(f"--instructions: no instructions in {function}: not a pass of ours?")
    return count


def main():
    parser = measure.arguments(__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--instructions", nargs="*", default=[], metavar="PASS", help="count these passes' instructions, too (minutes)")
    options = parser.parse_args()
    if options.instructions and not shutil.which("valgrind"):
        sys.exit("--instructions needs valgrind (apt-get install valgrind)")
    folder = tempfile.mkdtemp()
    source = os.path.join(folder, "mlp.mlir")
    with open(source, "w") as file:
        file.write(mlp.model())
    compile_seconds = {}
    for policy in ("f32", "bf16"):
        times = []
        for _ in range(options.rounds):
            begin = time.perf_counter()
            measure.run([f"{options.bin}/vernier-compile", source, "-o", os.path.join(folder, "mlp.vplan"), "--target=cpu:native",
                         f"--policy={policy}", "--optimizer=adam,lr=1e-3"])
            times.append(time.perf_counter() - begin)
        compile_seconds[policy] = measure.median(times)
    text = measure.table(("compile the perceptron of mlp.py", "seconds"), [(p, f"{s:.2f}") for p, s in compile_seconds.items()])

    tools = {}
    for size in options.sizes:
        source = os.path.join(folder, f"graph{size}.mlir")
        with open(source, "w") as file:
            file.write(graph(size))
        tools[size] = measure_tool(options.bin, source, os.path.join(folder, f"graph{size}.vplan"))
        print(f"{size} ops: {tools[size]['seconds']:.2f} s in all", file=sys.stderr)
    text += "\n\n" + tabulate_tool(tools)

    names = [flag(p) for p in PASSES]
    seconds = {}
    for size in options.sizes:
        source = os.path.join(folder, f"graph{size}.mlir")
        # The same file through upstream's canonicalizer alone, for scale.
        upstream = time_passes(f"{options.bin}/vernier-opt", source, ["canonicalize"])[0]
        strategies = {f"amp-autocast, {name}": time_passes(f"{options.bin}/vernier-opt", source, [f"amp-autocast{{policy=bf16 strategy={name}}}"])[0]
                      for name in STRATEGIES}
        seconds[size] = {"upstream canonicalize of the model": upstream, **strategies,
                         **dict(zip(names, time_passes(f"{options.bin}/vernier-opt", source, PASSES)))}
        print(f"{size} ops: {sum(seconds[size].values()):.2f} s", file=sys.stderr)
    rows = [(name, *(f"{1e6 * seconds[s][name] / s:.2f}" for s in options.sizes)) for name in next(iter(seconds.values()))]
    text += "\n\n" + measure.table(("microseconds for each op of the model", *(f"{s:,} ops" for s in options.sizes)), rows)
    instructions = {}
    for size in INSTRUCTION_SIZES if options.instructions else ():
        source = os.path.join(folder, f"counted{size}.mlir")
        with open(source, "w") as file:
            file.write(graph(size))
        instructions[size] = {name: count_pass_instructions(f"{options.bin}/vernier-opt", source, name) for name in options.instructions}
    if instructions:
        text += "\n\n" + measure.table(("thousand instructions for each op of the model", *(f"{s:,} ops" for s in instructions)),
                                       [(name, *(f"{instructions[s][name] / s / 1e3:.1f}" for s in instructions))
                                        for name in options.instructions])
    # How many times as long as upstream's canonicalizer on the same graph: lists is to stay below 3, min-cut below 10.
    upstream = "upstream canonicalize of the model"
    ratios = {name: {s: seconds[s][f"amp-autocast, {name}"] / seconds[s][upstream] for s in options.sizes} for name in STRATEGIES}
    text += "\n\n" + measure.table(("amp-autocast beside upstream's --canonicalize", *(f"{s:,} ops" for s in options.sizes)),
                                   [(name, *(f"{ratios[name][s]:.2f}" for s in options.sizes)) for name in STRATEGIES])
    measure.finish("compile", options, {"compile_seconds": compile_seconds, "tool": tools, "pass_seconds": seconds,
                                        "pass_instructions": instructions,
                                        "autocast_to_canonicalize": ratios}, text)


if __name__ == "__main__":
    main()
