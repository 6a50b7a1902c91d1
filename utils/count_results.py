#!/usr/bin/env python3
#===- count_results.py - One line for several runs of lit
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""usage: count_results.py RESULTS.json...

Reads what `lit -o` wrote, names the tests that failed or were skipped, and ends
with `N passed, N failed, N skipped`. A file that is missing or holds no test is
a failure: a run that did not happen must not look like one that passed."""

import json
import sys

PASSED = {"PASS", "XFAIL", "FLAKYPASS"}
SKIPPED = {"UNSUPPORTED", "SKIPPED", "EXCLUDED"}


def count(paths):
    passed, failed, skipped = [], [], []
    for path in paths:
        try:
            with open(path) as file:
                tests = json.load(file)["tests"]
        except (OSError, ValueError, KeyError) as error:
            failed.append(f"{path}: not a result file of lit: {error}")
            continue
        if not tests:
            failed.append(f"{path}: no test ran")
        for test in tests:
            code = test["code"]
            kind = (passed if code in PASSED
                    else skipped if code in SKIPPED else failed)
            kind.append(f"{test['name']} ({path})")
    return passed, failed, skipped


def main(paths):
    passed, failed, skipped = count(paths)
    for name in skipped:
        print("skipped:", name)
    for name in failed:
        print("FAILED:", name)
    print(f"{len(passed)} passed, {len(failed)} failed" +
          (f", {len(skipped)} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
