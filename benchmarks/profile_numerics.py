#!/usr/bin/env python3
#===- profile_numerics.py - What recording a profile costs
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Step time of `vernier-run train` with --profile-numerics (every 10th step is
recorded) over that without, for the perceptron of mlp.py and for examples/digits,
in f32. The two runs alternate, which comes first does too; a round's ratio is of
the two times of that round, and the number is the median over the rounds."""

import os
import tempfile

import numpy as np

import measure
import mlp

DIGITS = os.path.join(measure.ROOT, "examples", "digits")


def perceptron(folder):
    """Model and data of mlp.py: a few random batches."""
    source, data = os.path.join(folder, "mlp.mlir"), os.path.join(folder, "mlp.npz")
    with open(source, "w") as file:
        file.write(mlp.model())
    random = np.random.RandomState(0)
    np.savez(data, x=random.randn(4 * mlp.BATCH, mlp.LAYERS[0]).astype(np.float32),
             y=random.randint(0, mlp.LAYERS[-1], 4 * mlp.BATCH))
    return source, data


def main():
    parser = measure.arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--every", type=int, default=10)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        models = {"digits": (os.path.join(DIGITS, "mlp.mlir"), os.path.join(DIGITS, "train.npz"), 5000),
                  "mlp": (*perceptron(folder), 40)}
        commands = {}
        for name, (source, data, steps) in models.items():
            plan = os.path.join(folder, name + ".vplan")
            measure.run([f"{options.bin}/vernier-compile", source, "-o", plan, "--target=cpu:native", "--policy=f32",
                         "--optimizer=adam,lr=1e-3"])
            commands[name] = [f"{options.bin}/vernier-run", plan, "train", "--data", data, "--steps", str(steps),
                              f"--device=cpu:{options.threads}", "--log-every", "1000000000"]
        flags = ["--profile-numerics", os.path.join(folder, "profile.json"), "--profile-every", str(options.every)]
        times = {name: [] for name in models}
        for number in range(options.rounds):
            for name, command in commands.items():
                pair = [None, None]
                for profiled in ((0, 1) if number % 2 else (1, 0)):
                    output = measure.run(command + (flags if profiled else []))
                    pair[profiled] = float(measure.result_line(output)["ms_per_step"])
                times[name].append(pair)

    ratios = {name: [b / a for a, b in pairs] for name, pairs in times.items()}
    results = {name: {"ms": measure.median([a for a, _ in times[name]]), "ms_profiled": measure.median([b for _, b in times[name]]),
                      "ratio": measure.median(ratios[name]), "ratio_spread": [min(ratios[name]), max(ratios[name])]}
               for name in models}
    rows = [(name, f"{r['ms']:.3f}", f"{r['ms_profiled']:.3f}", f"{r['ratio']:.3f}",
             f"{r['ratio_spread'][0]:.3f} - {r['ratio_spread'][1]:.3f}") for name, r in results.items()]
    measure.finish("profile_numerics", options,
                   {"threads": options.threads, "rounds": options.rounds, "every": options.every, "models": results},
                   measure.table(("model", "ms/step", "profiled", "ratio", "min - max"), rows))


if __name__ == "__main__":
    main()
