#!/usr/bin/env python3
#===- mlp.py - A training step beside PyTorch's
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Time of one training step of a perceptron (1024 - 4096 - 4096 - 10, ReLU, cross
entropy, Adam, batch 256), in f32 and with bf16 autocast, beside eager PyTorch on
the same threads. All variants run in turn, several rounds; each number is the
median of the rounds' medians, each ratio the median of the rounds' ratios.

The floor is the time that the products would take at the rate of multiply-adds
on registers (peak.c), measured in the same rounds; Adam and the rest come on top.

PyTorch: torch.autocast('cpu', bfloat16), torch.optim.Adam as it comes and with
fused=True; its time is that of the faster one in each round."""

import json
import os
import sys
import tempfile
import time

import measure

BATCH, LAYERS = 256, (1024, 4096, 4096, 10)
SECONDS = 20  # after which a slow variant ends, and later rounds leave it out


def model():
    """The perceptron as train text."""
    lines, body, value = ["module @mlp {"], [], "%x"
    for i, (k, n) in enumerate(zip(LAYERS, LAYERS[1:])):
        for name, shape, init in ((f"w{i}", f"{n}x{k}", "kaiming<uniform = true>"), (f"b{i}", str(n), "constant<0.0>")):
            lines.append(f'  ml_program.global private mutable @{name}(#train.{init}) : tensor<{shape}xf32> {{train.role = "parameter"}}')
            body.append(f"    %{name} = ml_program.global_load @{name} : tensor<{shape}xf32>")
        body.append(f"    %z{i} = train.linear {value}, %w{i}, %b{i} : (tensor<{BATCH}x{k}xf32>, tensor<{n}x{k}xf32>, tensor<{n}xf32>) -> tensor<{BATCH}x{n}xf32>")
        value = f"%z{i}"
        if i < len(LAYERS) - 2:
            body.append(f"    %h{i} = train.relu %z{i} : tensor<{BATCH}x{n}xf32>")
            value = f"%h{i}"
    lines.append(f'  func.func @loss(%x: tensor<{BATCH}x{LAYERS[0]}xf32> {{train.name = "x"}}, %y: tensor<{BATCH}xi32> {{train.name = "y"}})'
                 ' -> (tensor<f32> {train.name = "loss"}) {')
    body.append(f"    %loss = train.cross_entropy {value}, %y : (tensor<{BATCH}x{LAYERS[-1]}xf32>, tensor<{BATCH}xi32>) -> tensor<f32>")
    body.append("    return %loss : tensor<f32>\n  }\n}\n")
    return "\n".join(lines + body)


def flops():
    """Of a step's products: forward, weight gradients, and input gradients of all layers but the first."""
    return sum(2 * BATCH * k * n * (3 if i else 2) for i, (k, n) in enumerate(zip(LAYERS, LAYERS[1:])))


def torch_worker(precision, fused, steps, threads):
    """Runs in the interpreter that has PyTorch; prints milliseconds and bytes."""
    import torch
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    layers = []
    for i, (k, n) in enumerate(zip(LAYERS, LAYERS[1:])):
        layers += [torch.nn.Linear(k, n)] + ([torch.nn.ReLU()] if i < len(LAYERS) - 2 else [])
    net = torch.nn.Sequential(*layers)
    parameters = {p.data_ptr() for p in net.parameters()}
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, **({"fused": True} if fused else {}))
    x, y = torch.randn(BATCH, LAYERS[0]), torch.randint(0, LAYERS[-1], (BATCH,))
    saved = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = torch.nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    def timed_step():
        begin = time.perf_counter()
        step()
        return time.perf_counter() - begin

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        times = [timed_step()]
    # The first step is a warm-up, unless it is all that there is time for.
    if times[0] < SECONDS:
        times, started = [], time.perf_counter()
        while len(times) < steps and time.perf_counter() - started < SECONDS:
            times.append(timed_step())
    print(json.dumps({"ms": measure.median(times) * 1e3, "saved_bytes": sum(saved.values()), "version": torch.__version__}))


def main():
    parser = measure.arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20, help="steps of each variant in each round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--torch-python", default=sys.executable, help="an interpreter with PyTorch; '' leaves it out")
    parser.add_argument("--torch-worker", nargs=2, help="internal: precision, fused")
    options = parser.parse_args()
    if options.torch_worker:
        return torch_worker(options.torch_worker[0], options.torch_worker[1] == "fused", options.steps, options.threads)

    folder = tempfile.mkdtemp()
    source = os.path.join(folder, "mlp.mlir")
    with open(source, "w") as file:
        file.write(model())
    saved_bytes, variants, version = {}, {}, None
    for precision in ("f32", "bf16"):
        plan = os.path.join(folder, f"{precision}.vplan")
        measure.run([f"{options.bin}/vernier-compile", source, "-o", plan, "--target=cpu:native",
                     f"--policy={precision}", "--optimizer=adam,lr=1e-3"])
        info = json.loads(measure.run([f"{options.bin}/vernier-run", plan, "info", "--json"]))
        saved_bytes[f"vernier_{precision}"] = info["memory"]["saved"]
        variants[f"vernier_{precision}"] = [f"{options.bin}/vernier-run", plan, "bench", "--steps", str(options.steps),
                                            f"--device=cpu:{options.threads}"]
    if options.torch_python:
        for precision in ("f32", "bf16"):
            for kind in ("default", "fused"):
                variants[f"torch_{precision}_{kind}"] = [options.torch_python, os.path.abspath(__file__), "--torch-worker", precision, kind,
                                                         "--steps", str(options.steps), "--threads", str(options.threads)]

    peak = os.path.join(folder, "peak")
    measure.run(["clang-22", "-O2", "-march=native", "-fopenmp=libomp", os.path.join(os.path.dirname(os.path.abspath(__file__)), "peak.c"), "-o", peak])
    rounds = []
    for number in range(options.rounds):
        rates = json.loads(measure.run([peak, str(options.threads)]))
        times = {f"floor_{precision}": flops() / rate / 1e6 for precision, rate in rates.items() if rate}
        for name, command in variants.items():
            if rounds and rounds[0][name] > SECONDS * 1e3:
                times[name] = rounds[0][name]  # once is enough of this one
                continue
            output = measure.run(command)
            if name.startswith("torch"):
                found = json.loads(output.splitlines()[-1])
                version = found["version"]
                times[name], saved_bytes[name.rsplit("_", 1)[0]] = found["ms"], found["saved_bytes"]
            else:
                times[name] = float(measure.result_line(output)["ms_per_step"])
            print(f"round {number + 1}: {name} {times[name]:.1f} ms", file=sys.stderr)
        for precision in ("f32", "bf16"):
            kinds = [times[f"torch_{precision}_{k}"] for k in ("default", "fused") if f"torch_{precision}_{k}" in times]
            if kinds:
                times[f"torch_{precision}"] = min(kinds)
        rounds.append(times)

    medians, spread = measure.summarise(rounds)
    ratios = {f"{a}_over_{b}": measure.median([r[a] / r[b] for r in rounds])
              for a, b in (("vernier_f32", "vernier_bf16"), ("vernier_f32", "floor_f32"), ("vernier_bf16", "floor_bf16"),
                           ("torch_f32", "vernier_f32"), ("torch_bf16", "vernier_bf16"))
              if a in medians and b in medians}
    ratios["saved_bytes_f32_over_bf16"] = saved_bytes["vernier_f32"] / saved_bytes["vernier_bf16"]
    rows = [(name, f"{medians[name]:.1f}", f"{spread[name][0]:.1f} - {spread[name][1]:.1f}",
             f"{saved_bytes[name] / 1e6:.2f}" if name in saved_bytes else "") for name in medians]
    text = measure.table(("variant", "ms/step", "min - max", "saved for backward, MB"), rows)
    text += "\n\n" + measure.table(("ratio", "value"), [(k, f"{v:.2f}") for k, v in ratios.items()])
    profiles = {name: measure.profile(variants[name]) for name in ("vernier_f32", "vernier_bf16")}
    for name, lines in profiles.items():
        text += f"\n\nwhere {name} spends its time: ms/step, share, calls, rate\n" + "\n".join(lines)
    if not (measure.cpu()["features"]["avx512_bf16"] or measure.cpu()["features"]["amx_bf16"]):
        text += ("\n\nThis CPU has no bf16 dot products: bf16 contractions are f32 contractions of widened operands here,"
                 "\nso the bf16 speed-up of a CPU that has them cannot be seen on it. PyTorch falls back to slow bf16 kernels:"
                 "\ntorch_bf16_over_vernier_bf16 compares two fallbacks and says nothing about CPUs with bf16.")
    measure.finish("mlp", options, {"threads": options.threads, "rounds": options.rounds, "steps": options.steps, "torch": version,
                                    "ms": medians, "spread_ms": spread, "saved_bytes": saved_bytes,
                                    "profiles": profiles, **ratios}, text)


if __name__ == "__main__":
    main()
