#!/usr/bin/env python3
#===- convnet.py - A training step with convolutions beside PyTorch's
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Time and memory of one training step of a convolutional network for 8x8 digits,
batch 256: 3x3 convolutions to 32 and 64 channels, 2x2 max pooling, a 3x3
convolution to 128 channels, each with batch norm and ReLU, then the mean over all
pixels, dropout, a linear layer to 10 classes, cross entropy and Adam. In f32 and
with bf16 autocast, beside eager PyTorch on the same threads. All variants run in
turn, several rounds; each number is the median of the rounds' medians, each ratio
the median of the rounds' ratios.

Memory is the most that the process had resident, libraries included; its ratio is
the worse one of f32 and bf16.

PyTorch: torch.autocast('cpu', bfloat16), torch.optim.Adam(fused=True), images in
its own layout and in channels_last; its time is that of the faster one in each
round, its memory that of the smaller one."""

import json
import os
import sys
import tempfile
import time

import measure

BATCH, SIDE, CLASSES, RATE = 256, 8, 10, 0.25
# Channels in and out, side of the images, whether they are pooled afterwards.
LAYERS = ((1, 32, SIDE, False), (32, 64, SIDE, True), (64, 128, SIDE // 2, False))


def model():
    """The network as train text."""
    states, body = ["module @convnet {"], []

    def load(name, shape, init, role="parameter"):
        kind = "tensor<" + "x".join(map(str, shape)) + "xf32>"
        states.append(f'  ml_program.global private mutable @{name}(#train.{init}) : {kind} {{train.role = "{role}"}}')
        body.append(f"    %{name} = ml_program.global_load @{name} : {kind}")
        return kind

    value = "%x"
    for i, (k, n, side, pool) in enumerate(LAYERS):
        images, row = f"tensor<{BATCH}x{side}x{side}x%sxf32>", f"tensor<{n}xf32>"
        weight = load(f"w{i}", (n, 3, 3, k), "kaiming")
        for name, init, role in (("g", 1.0, "parameter"), ("b", 0.0, "parameter"), ("m", 0.0, "statistic"), ("v", 1.0, "statistic")):
            load(f"{name}{i}", (n,), f"constant<{init}>", role)
        body += [f"    %c{i} = train.conv2d {value}, %w{i} padding = [1, 1, 1, 1] : ({images % k}, {weight}) -> {images % n}",
                 f"    %n{i}, %nm{i}, %nv{i} = train.batch_norm %c{i}, %g{i}, %b{i}, %m{i}, %v{i} : "
                 f"({images % n}, {row}, {row}, {row}, {row}) -> ({images % n}, {row}, {row})",
                 f"    ml_program.global_store @m{i} = %nm{i} : {row}", f"    ml_program.global_store @v{i} = %nv{i} : {row}",
                 f"    %h{i} = train.relu %n{i} : {images % n}"]
        value = f"%h{i}"
        if pool:
            body.append(f"    %p{i} = train.pool2d max {value} window = [2, 2] strides = [2, 2] : {images % n} -> "
                        f"tensor<{BATCH}x{side // 2}x{side // 2}x{n}xf32>")
            value = f"%p{i}"
    rows, logits = f"tensor<{BATCH}x{n}xf32>", f"tensor<{BATCH}x{CLASSES}xf32>"
    weight, bias = load("w", (CLASSES, n), "kaiming<uniform = true>"), load("b", (CLASSES,), "constant<0.0>")
    states.append('  ml_program.global private mutable @drops(dense<0> : tensor<i32>) : tensor<i32> {train.role = "counter"}')
    body += [f"    %mean = train.pool2d average {value} adaptive : {images % n} -> tensor<{BATCH}x1x1x{n}xf32>",
             f"    %flat = tensor.collapse_shape %mean [[0], [1, 2, 3]] : tensor<{BATCH}x1x1x{n}xf32> into {rows}",
             "    %drops = ml_program.global_load @drops : tensor<i32>", "    %one = arith.constant dense<1> : tensor<i32>",
             "    %next = arith.addi %drops, %one : tensor<i32>", "    ml_program.global_store @drops = %next : tensor<i32>",
             f"    %kept = train.dropout %flat step %drops {{rate = {RATE} : f64, seed = 1 : i32}} : ({rows}, tensor<i32>) -> {rows}",
             f"    %z = train.linear %kept, %w, %b : ({rows}, {weight}, {bias}) -> {logits}",
             f"    %loss = train.cross_entropy %z, %y : ({logits}, tensor<{BATCH}xi32>) -> tensor<f32>",
             "    return %loss : tensor<f32>\n  }\n}\n"]
    head = (f'  func.func @loss(%x: tensor<{BATCH}x{SIDE}x{SIDE}x1xf32> {{train.name = "x"}}, %y: tensor<{BATCH}xi32> '
            '{train.name = "y"}) -> (tensor<f32> {train.name = "loss"}) {')
    return "\n".join([*states, head, *body])


def torch_worker(precision, layout, steps, threads):
    """Runs in the interpreter that has PyTorch; prints milliseconds."""
    import torch
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    layers = []
    for k, n, _, pool in LAYERS:
        layers += [torch.nn.Conv2d(k, n, 3, padding=1, bias=False), torch.nn.BatchNorm2d(n), torch.nn.ReLU()]
        layers += [torch.nn.MaxPool2d(2)] if pool else []
    net = torch.nn.Sequential(*layers, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Dropout(RATE), torch.nn.Linear(n, CLASSES))
    x, y = torch.randn(BATCH, 1, SIDE, SIDE), torch.randint(0, CLASSES, (BATCH,))
    if layout == "channels_last":
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)

    def step():
        begin = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = torch.nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        loss.item()
        return time.perf_counter() - begin

    for _ in range(5):
        step()
    print(json.dumps({"ms": measure.median([step() for _ in range(steps)]) * 1e3, "version": torch.__version__}))


def make_variants(options, folder):
    """The command of each variant."""
    source = os.path.join(folder, "convnet.mlir")
    with open(source, "w") as file:
        file.write(model())
    variants = {}
    for precision in ("f32", "bf16"):
        plan = os.path.join(folder, f"{precision}.vplan")
        measure.run([f"{options.bin}/vernier-compile", source, "-o", plan, "--target=cpu:native",
                     f"--policy={precision}", "--optimizer=adam,lr=1e-3"])
        variants[f"vernier_{precision}"] = [f"{options.bin}/vernier-run", plan, "bench", "--steps", str(options.steps),
                                            f"--device=cpu:{options.threads}"]
    for precision in ("f32", "bf16") if options.torch_python else ():
        for layout in ("nchw", "channels_last"):
            variants[f"torch_{precision}_{layout}"] = [options.torch_python, os.path.abspath(__file__), "--torch-worker", precision, layout,
                                                       "--steps", str(options.steps), "--threads", str(options.threads)]
    return variants


def main():
    parser = measure.arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=50, help="steps of each variant in each round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--torch-python", default=sys.executable, help="an interpreter with PyTorch; '' leaves it out")
    parser.add_argument("--torch-worker", nargs=2, help="internal: precision, layout")
    options = parser.parse_args()
    if options.torch_worker:
        return torch_worker(*options.torch_worker, options.steps, options.threads)

    folder = tempfile.mkdtemp()
    variants = make_variants(options, folder)
    rounds, peaks, version = [], [], None
    for number in range(options.rounds):
        times, peak = {}, {}
        for name, command in variants.items():
            output, peak[name] = measure.run_with_peak(command)
            if name.startswith("torch"):
                found = json.loads(output.splitlines()[-1])
                times[name], version = found["ms"], found["version"]
            else:
                times[name] = float(measure.result_line(output)["ms_per_step"])
            print(f"round {number + 1}: {name} {times[name]:.2f} ms, {peak[name] / 1e6:.0f} MB", file=sys.stderr)
        for precision in ("f32", "bf16") if options.torch_python else ():
            for values in (times, peak):
                values[f"torch_{precision}"] = min(values[f"torch_{precision}_{layout}"] for layout in ("nchw", "channels_last"))
        rounds.append(times)
        peaks.append(peak)

    (medians, spread), (peak, _) = measure.summarise(rounds), measure.summarise(peaks)
    ratios = {f"{a}_over_{b}": measure.median([r[a] / r[b] for r in rounds])
              for a, b in (("vernier_f32", "vernier_bf16"), ("torch_f32", "vernier_f32"), ("torch_bf16", "vernier_bf16"))
              if a in medians and b in medians}
    if options.torch_python:
        ratios["vernier_peak_over_torch_peak"] = max(measure.median([p[f"vernier_{precision}"] / p[f"torch_{precision}"] for p in peaks])
                                                     for precision in ("f32", "bf16"))
    rows = [(name, f"{medians[name]:.2f}", f"{spread[name][0]:.2f} - {spread[name][1]:.2f}", f"{peak[name] / 1e6:.0f}") for name in medians]
    text = measure.table(("variant", "ms/step", "min - max", "peak of the process, MB"), rows)
    text += "\n\n" + measure.table(("ratio", "value"), [(k, f"{v:.2f}") for k, v in ratios.items()])
    profiles = {name: measure.profile(variants[name]) for name in ("vernier_f32", "vernier_bf16")}
    for name, lines in profiles.items():
        text += f"\n\nwhere {name} spends its time: ms/step, share, calls, rate\n" + "\n".join(lines)
    measure.finish("convnet", options, {"threads": options.threads, "rounds": options.rounds, "steps": options.steps, "torch": version,
                                        "ms": medians, "spread_ms": spread, "peak_bytes": peak, "profiles": profiles, **ratios}, text)


if __name__ == "__main__":
    main()
