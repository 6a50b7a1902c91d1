#!/usr/bin/env python3
#===- digits.py - Accuracy in each precision
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Test accuracy of the two models of examples/digits after training in f32, bf16 and
f16 (with dynamic loss scaling), several seeds each. The precisions should not differ by
more than the seeds do."""

import os
import tempfile

import measure

# Epochs and learning rate, as in the README there.
MODELS = {"mlp": (30, "1e-3"), "convnet": (8, "2e-3")}
POLICIES = {"f32": [], "bf16": [], "f16": ["--loss-scale=dynamic"]}


def train(options, folder, model, policy):
    """The accuracy of each seed."""
    digits, (epochs, rate) = os.path.join(measure.ROOT, "examples", "digits"), MODELS[model]
    plan = os.path.join(folder, f"{model}-{policy}.vplan")
    measure.run([f"{options.bin}/vernier-compile", f"{digits}/{model}.mlir", "-o", plan, "--target=cpu:native",
                 f"--policy={policy}", f"--optimizer=adamw,lr={rate}", *POLICIES[policy]])
    command = [f"{options.bin}/vernier-run", plan, "train", "--data", f"{digits}/train.npz", "--eval-data",
               f"{digits}/test.npz", "--epochs", str(epochs), "--seed"]
    outputs = [measure.run([*command, str(seed)]) for seed in range(1, options.seeds + 1)]
    return [float(measure.result_line(output)["eval_accuracy"]) for output in outputs]


def main():
    parser = measure.arguments(__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    folder = tempfile.mkdtemp()
    accuracies = {model: {policy: train(options, folder, model, policy) for policy in POLICIES} for model in MODELS}
    rows = [(f"{model} {policy}", *(f"{100 * a:.2f}" for a in values), f"{100 * sum(values) / len(values):.2f}")
            for model, found in accuracies.items() for policy, values in found.items()]
    text = measure.table(("test accuracy, %", *(f"seed {s + 1}" for s in range(options.seeds)), "mean"), rows)
    measure.finish("digits", options, {"epochs": {model: MODELS[model][0] for model in MODELS}, "accuracy": accuracies}, text)


if __name__ == "__main__":
    main()
