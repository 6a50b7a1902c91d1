#===- autocast-test-graphs.py - Min-cut costs least on every graph of the tests
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s %source | FileCheck %s
# REQUIRES: compiler
"""Every model of the tests and examples, as autocast meets it in a compile. Files
that are no models of their own (invalid ones, several behind another) are named
with what is wrong, so that none is left out unseen."""

# CHECK: compared {{[1-9][0-9]+}} functions of {{[1-9][0-9]+}} files

import glob
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
import strategies


def main():
    files = functions = 0
    for path in sorted(glob.glob(os.path.join(sys.argv[1], "test", "**", "*.mlir"), recursive=True)
                       + glob.glob(os.path.join(sys.argv[1], "examples", "**", "*.mlir"), recursive=True)):
        results, error = strategies.compare(path, "policy=bf16", ("--inline",))
        if results:
            files += 1
            functions += len(results["min-cut"][0])
        else:
            print(f"not a model: {os.path.relpath(path, sys.argv[1])}: {error.splitlines()[0][-100:]}")
    print(f"compared {functions} functions of {files} files")


if __name__ == "__main__":
    main()
