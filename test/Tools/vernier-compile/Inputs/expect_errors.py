# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles each part of a file of bad models (parts end at `// -----`) and checks
that every `expected-error {{text}}` of the part is printed as an error with a
line number, that the exit code is the one of `exit: N`, and that nothing is
written. Usage: expect_errors.py FILE [vernier-compile flags]."""

import os
import re
import subprocess
import sys
import tempfile

path, flags = sys.argv[1], sys.argv[2:]
failures = 0
with tempfile.TemporaryDirectory() as folder:
    for number, part in enumerate(open(path).read().split("// -----\n")):
        expected = re.findall(r"expected-error[^{\n]*\{\{(.*?)\}\}", part)
        code = int(re.search(r"exit: (\d)", part).group(1))
        model = os.path.join(folder, f"part{number}.mlir")
        plan = os.path.join(folder, f"part{number}.vplan")
        open(model, "w").write(part)
        done = subprocess.run(["vernier-compile", model, "-o", plan] + flags,
                              capture_output=True, text=True)
        errors = re.findall(r"^.*:\d+:\d+: error: (.*)$", done.stderr, re.M)
        missing = [text for text in expected
                   if not any(text in error for error in errors)]
        if missing or done.returncode != code or os.path.exists(plan) or not expected:
            failures += 1
            print(f"part {number}: exit {done.returncode}, expected {code}; "
                  f"missing {missing}; plan written: {os.path.exists(plan)}\n"
                  f"{done.stderr}")
sys.exit(failures != 0)
