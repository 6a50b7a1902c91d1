#!/usr/bin/env python3
#===- format.py - clang-format over the tree
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""usage: format.py [--check] [FILE...]

Formats the C++ files of the project (or the given ones) with clang-format 22,
whose version decides some line breaks. With --check only names the files that
would change; exit status 1 if there is one."""

import os
import shutil
import subprocess
import sys

from check_layout import Tree

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def main(arguments):
    check = "--check" in arguments
    files = [a for a in arguments if a != "--check"]
    if not files:
        files = [os.path.join(ROOT, f) for f in Tree(ROOT).files if f.endswith((".cpp", ".c", ".h"))]
    tool = shutil.which("clang-format-22")
    if not tool:
        sys.exit("format.py: needs clang-format-22 (Debian: clang-format-22)")
    if not check:
        return subprocess.run([tool, "-i", *files]).returncode
    done = subprocess.run([tool, "--dry-run", "-Werror", *files], capture_output=True, text=True)
    wrong = sorted({line.split(":")[0] for line in done.stderr.splitlines() if "code should be clang-formatted" in line})
    for path in wrong:
        print(f"{os.path.relpath(path, ROOT)}:1: not formatted; run utils/format.py")
    print(f"{len(files)} files, {len(wrong)} to format")
    return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
