#!/usr/bin/env python3
#===- digits.py - Accuracy in each precision
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Test accuracy on examples/digits after training in f32, bf16 and f16 (with
dynamic loss scaling), several seeds each. The precisions should not differ by
more than the seeds do."""

import os
import tempfile

import measure

POLICIES = {"f32": [], "bf16": [], "f16": ["--loss-scale=dynamic"]}


def main():
    parser = measure.arguments(__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=30)
    options = parser.parse_args()
    digits = os.path.join(measure.ROOT, "examples", "digits")
    folder = tempfile.mkdtemp()
    accuracies, rows = {}, []
    for policy, flags in POLICIES.items():
        plan = os.path.join(folder, f"{policy}.vplan")
        measure.run([f"{options.bin}/vernier-compile", f"{digits}/mlp.mlir", "-o", plan, "--target=cpu:native",
                     f"--policy={policy}", "--optimizer=adamw,lr=1e-3", *flags])
        accuracies[policy] = []
        for seed in range(1, options.seeds + 1):
            output = measure.run([f"{options.bin}/vernier-run", plan, "train", "--data", f"{digits}/train.npz", "--eval-data",
                                  f"{digits}/test.npz", "--epochs", str(options.epochs), "--seed", str(seed)])
            accuracies[policy].append(float(measure.result_line(output)["eval_accuracy"]))
        values = accuracies[policy]
        rows.append((policy, *(f"{100 * a:.2f}" for a in values), f"{100 * sum(values) / len(values):.2f}"))
    text = measure.table(("test accuracy, %", *(f"seed {s + 1}" for s in range(options.seeds)), "mean"), rows)
    measure.finish("digits", options, {"epochs": options.epochs, "accuracy": accuracies}, text)


if __name__ == "__main__":
    main()
