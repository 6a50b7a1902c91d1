#===- autocast-test-graphs.py - Min-cut costs least on every graph of the tests
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s %source %t.mlir
# REQUIRES: compiler
"""Every model of the tests and examples, as autocast meets it in a compile; each part
of a file that is several. A part that autocast does not accept is named here with what
is wrong, so that none is left out unseen."""

import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
import strategies

# Parts that are no models (file and number of the part) and why: passes behind autocast
# are tested on types that a model may not have.
PARAMETER, LOSS = "where small updates are lost: make it f32", "which rounds what the gradients start from: return f32"
NO_MODELS = {
    ("test/Dialect/Amp/Transforms/analyze-ranges.mlir", 2): PARAMETER,
    ("test/Dialect/Amp/Transforms/analyze-ranges.mlir", 6): LOSS,
    ("test/Dialect/Amp/Transforms/padding-cost.mlir", 0): PARAMETER,
    ("test/Dialect/Amp/Transforms/padding-propagation.mlir", 0): PARAMETER,
    ("test/Dialect/Amp/Transforms/padding-propagation.mlir", 2): PARAMETER,
    ("test/Dialect/Amp/Transforms/padding-propagation.mlir", 4): PARAMETER,
}


def is_invalid(path):
    """A test of diagnostics, by the name that such tests have."""
    return re.search(r"(^|[/-])invalid\.mlir$|/bad-model\.mlir$", path)


def find_models(root):
    """(file, number, text) of each part of each file that is meant to be valid."""
    for folder in ("test", "examples"):
        for path in sorted(glob.glob(os.path.join(root, folder, "**", "*.mlir"), recursive=True)):
            name = os.path.relpath(path, root)
            if not is_invalid(name):
                with open(path) as file:
                    # As -split-input-file and split-file do.
                    for number, text in enumerate(re.split(r"(?m)^(?:// -----|//--- .*)$", file.read())):
                        yield name, number, text


def main():
    root, scratch = sys.argv[1:]
    functions, files, refused = 0, set(), set()
    for name, number, text in find_models(root):
        with open(scratch, "w") as file:
            file.write(text)
        results, error = strategies.compare(scratch, "policy=bf16", ("--inline",))
        if results:
            files.add(name)
            functions += len(results["min-cut"][0])
            continue
        expected = NO_MODELS.get((name, number))
        assert expected and expected in error, f"{name}, part {number}: {error}"
        refused.add((name, number))
    assert refused == set(NO_MODELS), f"models after all: {set(NO_MODELS) - refused}"
    print(f"compared {functions} functions of {len(files)} files, {len(refused)} parts are no models")
    assert functions > 150 and len(files) > 45


if __name__ == "__main__":
    main()
