#===- fusions.py - Fusing changes no number
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, compiler
"""Training steps evaluated as differentiated, expanded, and fused. Expanding
computes what the composites say; fusing changes no bit of what was expanded."""

import os

import numpy as np

from Numerics.Inputs import vernier

FOLDER = os.path.join(os.path.dirname(__file__), "Inputs")
PREPARE = ["--train-differentiate", "--train-keep-low-precision-copies",
           "--train-legalize-contractions", "--canonicalize", "--cse"]
AUTOCAST = ["--amp-autocast", "--amp-materialize-casts"]


def optimizer(options):
    return [f"--train-attach-optimizer={options}"]


STEPS = {
    "f32 adamw clipped": optimizer(
        "optimizer=adamw clip-norm=0.5 schedule=cosine warmup-steps=2 total-steps=9"),
    "f32 sgd": optimizer("optimizer=sgd momentum=0.9 nesterov=1 lr=0.1"),
    "bf16 adam": AUTOCAST + optimizer(
        "optimizer=adam weight-decay=0.1 schedule=linear total-steps=9"),
    # The scale is too large at first: the step is skipped and the scale halved.
    "f16 scaled": ["--amp-autocast=compute=f16", "--amp-materialize-casts"] + optimizer(
        "optimizer=adamw clip-norm=0.5"),
}
STEP_COUNT = 6
SCALING = ["--amp-loss-scaling=init-scale=4.0e6"]


def relative_error(got, want):
    """The largest difference, relative to the largest value; infinities and NaN of
    a skipped step must be the same."""
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    if not np.array_equal(np.isfinite(got), np.isfinite(want)):
        return np.inf
    got, want = np.nan_to_num(got), np.nan_to_num(want)
    return float(np.max(np.abs(got - want), initial=0.0)
                 / (np.max(np.abs(want), initial=0.0) + 1e-30))


def run(text, data, state, exact):
    outputs, states = vernier.evaluate(text, "step", data, state, exact=exact, steps=STEP_COUNT)
    return {**outputs, **states}


def check(name, text, passes, data, state):
    scaling = SCALING if "scaled" in name else []
    step = vernier.optimize(text, *passes, PREPARE[0], *scaling, *PREPARE[1:])
    expanded = vernier.optimize(step, "--train-expand-composites")
    fused = vernier.optimize(step, "--train-expand-composites", "--canonicalize", "--cse", "--train-prepare-fusions",
                             "--train-form-fusions", "--cse")
    assert "train.fusion" in fused and "train.update" not in fused
    # Exact mode still sees constants that were rounded to f32.
    for exact, bound in ((True, 1e-6), (False, 2e-2 if "16" in name else 2e-4)):
        want, apart, together = (
            run(module, data, state, exact) for module in (step, expanded, fused))
        assert want.keys() == together.keys()
        for key in want:
            error = relative_error(together[key], want[key])
            assert error <= bound, f"{name} exact={exact}: {key} is off by {error}"
            bits = np.array_equal(together[key], apart[key], equal_nan=True)
            assert exact or bits, f"{name}: fusing changes {key}"
        if "scaled" in name and not exact:
            assert not together["all_finite"].all(), "no step is skipped"
            assert together["all_finite"].any(), "every step is skipped"
    print(f"{name}: {fused.count('train.fusion ')} fusions agree")


def read(name):
    with open(os.path.join(FOLDER, name)) as file:
        return file.read()


def with_copies(state, name):
    """The states, and their 16-bit copies where the step keeps some."""
    kind = name.split()[0]
    if "16" not in kind:
        return state
    return {**state, **{f"{key}.{kind}": value for key, value in state.items()}}


def main():
    rng = np.random.default_rng(0)
    block_shapes = {"qkv": (48, 16), "proj": (16, 16), "up": (64, 16), "upb": (64,),
                    "down": (16, 64), "head": (12, 16)}
    block_state = {key: rng.normal(0, 0.2, shape) for key, shape in block_shapes.items()}
    block_data = {"x": rng.normal(0, 1, (STEP_COUNT, 2, 8, 16)),
                  "y": rng.integers(0, 12, (STEP_COUNT, 16)).astype(np.int32)}
    odd_state = {"w": rng.normal(0, 0.2, (7, 13)), "b": rng.normal(0, 0.2, 7)}
    odd_data = {"x": rng.normal(0, 1, (STEP_COUNT, 5, 13)),
                "y": rng.integers(0, 2, (STEP_COUNT, 5, 7)).astype(np.float64),
                "z": rng.normal(0, 1, (STEP_COUNT, 9000))}
    for name, passes in STEPS.items():
        check("block, " + name, read("block.mlir"), passes, block_data,
              with_copies(block_state, name))
        if "scaled" not in name:
            check("odd, " + name, read("odd.mlir"), passes, odd_data,
                  with_copies(odd_state, name))


if __name__ == "__main__":
    main()
