# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# RUN: %python %s %t
# REQUIRES: numpy, compiler
"""How many copies padding leaves in a training step: those of data that nothing but
a contraction reads. A hidden layer of 700 and an output layer of 50257 classes, with
activations, norms and losses between contractions, a tied embedding, and attention."""

import itertools
import os
import re
import subprocess
import sys

from Numerics.Inputs.padded_models import MODELS, PERCEPTRONS

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)


def find_copies(name, policy, optimizer, *flags):
    """(source type, result type) of each copy in the plan."""
    source = os.path.join(folder, name + ".mlir")
    with open(source, "w") as file:
        file.write(MODELS[name].text())
    plan = subprocess.run(["vernier-compile", source, "--emit=plan", "--policy=" + policy,
                           "--optimizer=" + optimizer, *flags],
                          check=True, stdout=subprocess.PIPE, text=True).stdout
    return re.findall(r"plan\.copy .* : (\S+) to (\S+)", plan)


for policy, optimizer, name in itertools.product(
        ("bf16", "f16", "tf32"), ("sgd,lr=0.1,momentum=0.9", "adamw,clip-norm=1"), MODELS):
    padded = find_copies(name, policy, optimizer, "--pad-for-tensor-cores")
    resizing = [(source, result) for source, result in padded if source != result]
    # Data that tf32 contractions read as they are; @loss and @step pad them.
    expected = 2 if policy == "tf32" and name in (*PERCEPTRONS, "convolutions") else 0
    # A mean over all dims reads channels and pixels as one row, which padding would break:
    # of the output in @loss and @step, and its gradient.
    expected += 3 if name == "convolutions" else 0
    # The tokens are rows of one contraction and columns of the next.
    expected += {"tf32": 6, "bf16": 9, "f16": 9}[policy] if name == "attention" else 0
    assert len(resizing) == expected, (policy, optimizer, name, resizing)
    # Nor does padding keep an update from being done in place.
    plain = find_copies(name, policy, optimizer)
    assert len(padded) - len(resizing) <= len(plain), (policy, optimizer, name, padded, plain)
