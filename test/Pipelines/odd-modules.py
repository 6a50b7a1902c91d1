# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# RUN: %python %s %S/Inputs/odd-modules.mlir
# REQUIRES: compiler
"""Every pass and every stage check on modules that are no models: each leaves what it
does not handle, or says so. None crashes."""

import re
import subprocess
import sys

# Passes that do nothing, or something else, without options.
OPTIONS = ["--train-accumulate-gradients=steps=2",
           "--train-group-parameters=group=a parameters=.* settings={lr=1}",
           "--amp-loss-scaling=mode=dynamic", "--amp-loss-scaling=mode=static",
           "--amp-autocast=policy=f16 strategy=min-cut",
           "--amp-autocast=policy=f16 strategy=propagate",
           "--amp-pad-for-tensor-cores=multiple=8 always"]


def run(*arguments):
    return subprocess.run(["vernier-opt", *arguments], capture_output=True, text=True)


def list_flags():
    text = run("--help").stdout
    passes = re.findall(r"^ +(--(?:amp|train|plan|convert-train)-[a-z-]+) ", text, re.M)
    assert len(passes) > 20, passes
    stages = re.search(r"^ +--verify-stage .*\n((?: {8,}--.*\n)+)", text, re.M)[1]
    stages = re.findall(r"--([a-z-]+)", stages)
    assert "codegen" in stages and "plan" in stages, stages
    return passes + [f"--verify-stage={stage}" for stage in stages] + OPTIONS


# All of it is verified IR.
result = run(sys.argv[1], "--split-input-file")
assert result.returncode == 0, result.stderr
for flag in list_flags():
    result = run(sys.argv[1], "--split-input-file", flag)
    assert result.returncode in (0, 1), (flag, result.returncode, result.stderr)
    assert result.returncode == 0 or "error: " in result.stderr, (flag, result.stderr)
