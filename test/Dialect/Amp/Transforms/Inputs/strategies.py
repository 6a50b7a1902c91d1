#===- strategies.py - What the assignments of each strategy cost
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Runs --amp-autocast with each strategy over a module and returns the costs that
its remarks report; and counts them again from the casts in the IR."""

import re
import subprocess

STRATEGIES = ("lists", "propagate", "min-cut")
REMARK = re.compile(r"remark: \[Analysis\] (\S+) \| Category:amp-strategy \| Function=([\w.]+) \| "
                    r"Bytes=(\d+), CastBytes=(\d+), Casts=(\d+)")


def run(path, strategy, options="", passes=()):
    """(costs by function, IR, error) of a file; the error is empty if it ran."""
    done = subprocess.run(
        ["vernier-opt", path, *passes, f"--amp-autocast=strategy={strategy} {options}", "--amp-materialize-casts",
         "--amp-verify-precision", "--remarks-filter=amp-strategy", "--remark-format=emitRemark"],
        capture_output=True, text=True)
    costs = {}
    for name, function, *numbers in REMARK.findall(done.stderr):
        assert name == strategy, f"decided by {name} instead of {strategy}"
        costs[function] = tuple(map(int, numbers))
    return costs, done.stdout, done.stderr if done.returncode else ""


def compare(path, options="", passes=()):
    """Costs by strategy and function; nothing may cost less than min-cut."""
    results = {}
    for strategy in STRATEGIES:
        costs, text, error = run(path, strategy, options, passes)
        if error:
            return None, error
        results[strategy] = (costs, text)
    cheapest = results["min-cut"][0]
    for strategy, (costs, _) in results.items():
        assert costs.keys() == cheapest.keys()
        for function, cost in costs.items():
            assert cheapest[function][0] <= cost[0], \
                f"{path} @{function}: {strategy} costs {cost[0]} bytes, min-cut {cheapest[function][0]}"
    return results, ""
