#===- policy.py - The policy that --amp-assign-by-profile has put on a module
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Prints the text of the attribute amp.policy, line by line."""

import re
import sys

text = re.search(r'amp\.policy = "((?:[^"\\]|\\.)*)"', sys.stdin.read()).group(1)
print(re.sub(r"\\([0-9A-F]{2}|.)", lambda m: chr(int(m[1], 16)) if len(m[1]) == 2 else m[1], text))
