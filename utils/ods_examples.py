#===- ods_examples.py - Runs the examples of the op definitions
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""An example in an op's description parses and verifies. What it uses without
defining it becomes an argument of a function around it; the argument's type is
what the parser says that the example expects, so no type is written twice."""

import os
import re
import subprocess
import tempfile

# Top-level ops: an example that starts with one is a module body as it stands.
TOP_LEVEL = ("module", "func.func", "ml_program.", "plan.state", "plan.entry")
CLASH = re.compile(r":(\d+):\d+: error: use of value '(%[\w$.-]+)' expects different type "
                   r"than prior uses: '(.*)' vs '(.*)'")


def undefined_values(example):
    """The values used but not defined, in order of use."""
    code = re.sub(r'"(?:\\.|[^"\\])*"|//[^\n]*', "", example)
    defined = set()
    for names in re.findall(r"^\s*((?:%[\w$.-]+(?::\d+)?\s*,?\s*)+)=(?!=)", code, re.M):
        defined.update(name.split(":")[0] for name in re.findall(r"%[\w$.:-]+", names))
    for arguments in re.findall(r"\^\w+\((.*?)\)\s*:\s*$", code, re.M):
        defined.update(re.findall(r"(%[\w$.-]+)\s*:", arguments))
    used = re.findall(r"%[\w$-]+(?:\.[\w$-]+)*", code)
    return list(dict.fromkeys(name for name in used if name not in defined))


class Example:
    def __init__(self, path, line, op, text):
        self.path, self.line, self.op, self.text = path, line, op, text
        self.wrapped = not text.lstrip().startswith(TOP_LEVEL)
        self.types = {name: "none" for name in undefined_values(text)} if self.wrapped else {}

    def source(self):
        if not self.wrapped:
            return self.text
        arguments = ", ".join(f"{name}: {type}" for name, type in self.types.items())
        return f"func.func @example({arguments}) {{\n{self.text}\nreturn\n}}\n"


def parse(tool, examples):
    """Runs all examples at once; yields (example, line of diagnostics) pairs."""
    lines, starts = 1, []
    with tempfile.NamedTemporaryFile("w", suffix=".mlir", delete=False) as file:
        for example in examples:
            starts.append(lines)
            text = example.source() + "// -----\n"
            file.write(text)
            lines += text.count("\n")
    done = subprocess.run([tool, "-split-input-file", file.name, "-o", os.devnull],
                          capture_output=True, text=True)
    os.unlink(file.name)
    for line in done.stderr.splitlines():
        match = re.match(re.escape(file.name) + r":(\d+):", line)
        if match and " error: " in line:
            at = max(i for i, start in enumerate(starts) if start <= int(match.group(1)))
            yield examples[at], line
    if done.returncode < 0:
        raise RuntimeError(f"{tool} died with signal {-done.returncode}")


def run(tool, raw):
    """Yields (path, line, message) for each of the (path, line, op, text) examples
    that does not run."""
    pending = [Example(*r) for r in raw]
    while pending:
        learned, failed = [], []
        for example, line in parse(tool, pending):
            clash = CLASH.search(line)
            if clash and example.types.get(clash.group(2)) == "none":
                example.types[clash.group(2)] = clash.group(3)
                learned.append(example)
            elif example not in learned:
                failed.append((example, line.split(" error: ", 1)[1]))
        for example, message in failed:
            if example not in learned:
                yield example.path, example.line, f"the example of {example.op} does not run: {message}"
        pending = learned
