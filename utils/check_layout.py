#!/usr/bin/env python3
#===- check_layout.py - The house rules that a program can check
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""usage: check_layout.py [--root DIR] [--build DIR] [--report]

Checks that names, folders, documentation and tests are what they promise to be,
and prints each violation as `file:line: what; what to do`. Without --build the
checks that run vernier-opt are left out. --report prints function lengths,
which are never an error. Exit status 1 if there is a violation."""

import argparse
import functools
import json
import os
import re
import subprocess
import sys

import ods_examples

LLVM_BIN = "/usr/lib/llvm-22/bin"
LLVM_INCLUDE = "/usr/lib/llvm-22/include"
CPP = (".cpp", ".c", ".h", ".inc")
SOURCES = CPP + (".td", ".fbs", ".py")
LONGEST_FILE = 800

# Which folders of include/vernier and lib a folder may include, besides itself.
# A prefix stands for everything below it. TARGET_FACTS is what passes ask of the
# device, and how they find it.
TARGET_FACTS = ["Target/TargetModel.h", "Target/IR"]
DIALECTS = ["Dialect/Train/IR", "Dialect/Amp/IR", "Dialect/Plan/IR", "Interfaces"]
MAY_INCLUDE = {
    "Interfaces": [],
    "Dialect/Train/IR": ["Interfaces"],
    "Dialect/Amp/IR": ["Interfaces", "Dialect/Train/IR"],
    "Dialect/Plan/IR": [],
    "Dialect/Train/Transforms": ["Interfaces", "Dialect/Train/IR"] + TARGET_FACTS,
    "Dialect/Amp/Policies": ["Interfaces", "Dialect/Train/IR"],
    "Dialect/Amp/Transforms": ["Interfaces", "Dialect/Amp/IR", "Dialect/Amp/Policies",
                               "Dialect/Train/IR"] + TARGET_FACTS,
    "Dialect/Plan/Transforms": ["Dialect/Plan/IR"] + TARGET_FACTS,
    "Conversion": DIALECTS + ["Codegen"] + TARGET_FACTS,
    "Codegen": DIALECTS + TARGET_FACTS,
    "Target": DIALECTS + ["vernier-c", "Runtime/CallTitle.h"],
    "Target/IR": ["Target/TargetModel.h"],
    "Import": DIALECTS,
    "Reference": DIALECTS,
    "Pipelines": DIALECTS + ["Dialect", "Conversion", "Codegen", "Target", "Import", "Reference", "vernier-c"],
    "Runtime": ["vernier-c"],
    "vernier-c": [],
    "tools": DIALECTS + ["Pipelines", "Dialect", "Conversion", "Codegen", "Target", "Import", "Reference", "vernier-c"],
    "tools/vernier-compile": DIALECTS + ["Pipelines", "Dialect", "Target", "vernier-c", "Runtime/Printable.h"],
    "tools/vernier-run": ["Runtime", "vernier-c"],
    "tools/vernier-evaluate": DIALECTS + ["Pipelines", "Reference", "Runtime/Npz.h"],
}
WITHOUT_LLVM = ("Runtime", "vernier-c", "tools/vernier-run")


def kebab(camel):
    """FormFusions -> form-fusions; a run of capitals is one word."""
    camel = re.sub(r"(.)([A-Z][a-z])", r"\1-\2", camel)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", camel).lower()


def camel(flag):
    return "".join(word[:1].upper() + word[1:] for word in flag.split("-"))


class Tree:
    """The files of the project, by path relative to its root."""

    def __init__(self, root):
        self.root = root
        self.files = sorted(self._list())

    def _list(self):
        git = subprocess.run(
            ["git", "-C", self.root, "ls-files", "-co", "--exclude-standard", "--full-name", "."],
            capture_output=True, text=True, errors="replace") if os.path.exists(
                os.path.join(self.root, ".git")) else None
        if git and git.returncode == 0:
            listed = git.stdout.splitlines()
            return [f for f in listed if os.path.isfile(os.path.join(self.root, f))]
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders
                          if not f.startswith(".") and f not in ("build", "__pycache__")]
            found += [os.path.relpath(os.path.join(folder, n), self.root) for n in names]
        return found

    @functools.lru_cache(maxsize=None)
    def read(self, path):
        with open(os.path.join(self.root, path), errors="replace") as file:
            return file.read()

    def under(self, *prefixes, suffix=""):
        return [f for f in self.files if f.startswith(prefixes) and f.endswith(suffix)]

    def line_of(self, path, text):
        """The line of the first occurrence of `text`, 1 if there is none."""
        at = self.read(path).find(text)
        return self.read(path).count("\n", 0, at) + 1 if at >= 0 else 1


class Checker:
    def __init__(self, root, build):
        self.tree = Tree(root)
        self.build = build
        self.violations = []

    def report(self, path, line, message):
        self.violations.append(f"{path}:{line}: {message}")

    # ---- files ------------------------------------------------------------

    def check_files(self):
        marker = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"]) + r")\b(?!\(#\d+\))")
        for path in self.tree.files:
            for folder in os.path.dirname(path).split("/"):
                if folder in ("Utils", "Common"):
                    self.report(path, 1, f"a folder named '{folder}' says nothing; name what it holds")
            if not path.endswith(SOURCES + (".mlir", ".test", ".md", ".cmake", "CMakeLists.txt")):
                continue
            text = self.tree.read(path)
            generated = path.startswith(("docs/Dialects/", "docs/Passes.md", "benchmarks/results/"))
            lines = text.count("\n")
            if lines > LONGEST_FILE and not generated:
                self.report(path, LONGEST_FILE + 1, f"{lines} lines, at most {LONGEST_FILE}; split it at a heading")
            if path.endswith(SOURCES):
                head = "\n".join(text.split("\n", 8)[:8])
                if "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception" not in head:
                    self.report(path, 1, "no licence banner in the first 8 lines; copy it from a file beside it")
                for number, line in enumerate(text.split("\n"), 1):
                    if marker.search(line):
                        self.report(path, number, "an open end without an issue; write TO" "DO(#number)")
                    if path.startswith("lib/") and re.search(r"\bcl::(opt|list|bits)\b", line):
                        self.report(path, number, "cl::opt in lib; make it an option of the pass")

    # ---- includes ---------------------------------------------------------

    @staticmethod
    def room(path):
        """The entry of MAY_INCLUDE that speaks for a file, or None."""
        for prefix in ("include/vernier/", "lib/", "include/"):
            if path.startswith(prefix):
                path = path[len(prefix):]
                break
        rooms = [r for r in MAY_INCLUDE if path.startswith(r + "/")]
        return max(rooms, key=len) if rooms else None

    def check_includes(self):
        for path in self.tree.under("include/", "lib/", "tools/"):
            room = self.room(path)
            if room is None or not path.endswith(CPP + (".td", ".fbs")):
                continue
            allowed = MAY_INCLUDE[room] + [room]
            for number, line in enumerate(self.tree.read(path).split("\n"), 1):
                match = re.match(r'\s*#?\s*include\s+["<]([^">]+)[">]', line)
                if not match:
                    continue
                target = match.group(1)
                if room in WITHOUT_LLVM and target.startswith(("mlir", "llvm", "lld/")):
                    self.report(path, number, f"{room} builds without LLVM and may not include '{target}'")
                if not target.startswith(("vernier/", "vernier-c/")):
                    continue
                target = target.removeprefix("vernier/")
                if not any(target == a or target.startswith(a + "/") for a in allowed):
                    self.report(path, number, f"{room} may not include '{target}'; see Architecture.md, \"The house\"")

    # ---- the C API --------------------------------------------------------

    def check_c_api(self):
        """Each function and callback says who may call it, and whose its values are."""
        for path in self.tree.under("include/vernier-c/", suffix=".h"):
            text = self.tree.read(path)
            for match in re.finditer(r"^VERNIER_API [^;]*?(vernier_\w+)\s*\(|"
                                     r"^typedef \w+ \(\*(vernier_\w+)\)", text, re.MULTILINE):
                name = match.group(1) or match.group(2)
                above = re.search(r"(?:^///.*\n)*\Z", text[:match.start()], re.MULTILINE).group(0)
                for word in ("Threads:", "Ownership:"):
                    if word not in above:
                        self.report(path, text.count("\n", 0, match.start()) + 1,
                                    f"{name} says nothing about '{word}'; see the declarations beside it")

    # ---- passes -----------------------------------------------------------

    def records(self, path):
        """The records that the .td file `path` defines, not those it includes."""
        done = subprocess.run(
            [f"{LLVM_BIN}/llvm-tblgen", "--dump-json", "-I", os.path.join(self.tree.root, "include"),
             "-I", LLVM_INCLUDE, os.path.join(self.tree.root, path)], capture_output=True, text=True)
        if done.returncode:
            self.report(path, 1, "llvm-tblgen: " + (done.stderr.strip().split("\n") or ["failed"])[0])
            return [], {}
        everything = json.loads(done.stdout)
        own = [everything[name] for name in
               {n for names in everything["!instanceof"].values() for n in names}
               if not everything[name]["!anonymous"]
               and everything[name]["!locs"]
               and everything[name]["!locs"][0].split(":")[0] == os.path.basename(path)]
        return sorted(own, key=record_line), everything

    def check_passes(self):
        defined = {}  # GEN_PASS_DEF_ name -> source file
        for path in self.tree.under("lib/", suffix=".cpp"):
            for name in re.findall(r"#define GEN_PASS_DEF_(\w+)", self.tree.read(path)):
                defined[name] = path
        tests = {os.path.basename(t) for t in self.tree.under("test/", suffix=".mlir")}
        for path in self.tree.under("include/vernier/", suffix="Passes.td"):
            records, everything = self.records(path)
            for record in records:
                if "PassBase" in record["!superclasses"]:
                    self.check_pass(path, record, everything, defined, tests)
        for name, path in defined.items():
            self.report(path, self.tree.line_of(path, name), f"no pass record for GEN_PASS_DEF_{name}")

    def check_pass(self, path, record, everything, defined, tests):
        line = record_line(record)
        name, flag = record["!name"], record["argument"]
        self.check_text(path, line, f"pass {flag}", record)
        if name != camel(flag) + "Pass":
            self.report(path, line, f"record {name} of flag '{flag}' should be {camel(flag)}Pass")
        for option in record["options"]:
            self.check_option(path, flag, everything[option["def"]])
        source = defined.pop(name.upper(), None)
        if source is None:
            self.report(path, line, f"pass {flag} has no source: no file of lib/ defines GEN_PASS_DEF_{name.upper()}")
            return
        stem = os.path.basename(source)[:-len(".cpp")]
        expected = self.flag_of(source, stem)
        if flag != expected:
            self.report(path, line, f"flag '{flag}' of {source} should be '{expected}'")
        if not tests & {kebab(stem) + ".mlir", flag + ".mlir"}:
            self.report(source, 1, f"no test of this pass; write {source.replace('lib/', 'test/', 1).rsplit('/', 1)[0]}/{kebab(stem)}.mlir")

    @staticmethod
    def flag_of(source, stem):
        dialect = re.match(r"lib/Dialect/(\w+)/Transforms/", source)
        if dialect:
            return kebab(dialect.group(1)) + "-" + kebab(stem)
        is_short = source.startswith("lib/Conversion/") and not stem.startswith("Convert")
        return ("convert-" if is_short else "") + kebab(stem)

    def check_option(self, path, flag, option):
        argument, variable = option["argument"], option["cppName"]
        where = f"option '{argument}' of {flag}"
        line = self.tree.line_of(path, f'"{argument}"')
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", argument):
            self.report(path, line, f"{where}: flags are kebab-case")
        if not re.fullmatch(r"[a-z][a-zA-Z0-9]*", variable):
            self.report(path, line, f"{where}: variables are camelBack, not '{variable}'")
        if not option.get("description"):
            self.report(path, line, f"{where} has no description; say when to change it")

    # ---- dialects ---------------------------------------------------------

    def check_text(self, path, line, what, record):
        summary, description = record.get("summary"), record.get("description")
        if not summary:
            self.report(path, line, f"{what} has no summary")
        elif summary.rstrip().endswith("."):
            self.report(path, line, f"the summary of {what} ends in a full stop")
        if not (description or "").strip():
            self.report(path, line, f"{what} has no description")

    def check_ops(self):
        examples = []
        for path in self.tree.under("include/vernier/", suffix=".td"):
            text = self.tree.read(path)
            if "/IR/" not in path or not re.search(r"^def\s", text, re.M):
                continue
            for record in self.records(path)[0]:
                if "Op" in record["!superclasses"]:
                    examples += self.check_op(path, record)
                elif {"AttrDef", "TypeDef"} & set(record["!superclasses"]) and record.get("mnemonic"):
                    if not record.get("summary"):
                        self.report(path, record_line(record), f"{record['mnemonic']} has no summary")
        if self.build:
            tool = os.path.join(self.build, "bin", "vernier-opt")
            for path, line, message in ods_examples.run(tool, examples):
                self.report(path, line, message)

    def check_op(self, path, record):
        line = record_line(record)
        op = record["opName"]
        self.check_text(path, line, f"op {op}", record)
        examples = re.findall(r"```mlir\n(.*?)```", record.get("description") or "", re.S)
        if not examples:
            self.report(path, line, f"op {op} has no example; end its description with a ```mlir block")
        if examples and not any(re.search(rf"\b{op}\b", e) for e in examples):
            self.report(path, line, f"no example of op {op} contains it")
        return [(path, line, op, example) for example in examples]

    # ---- features ---------------------------------------------------------

    def check_features(self):
        """Rows of the tables: `| A1 | a feature | rivals... | our word: what, and the tests that show it |`,
        `| 7 | a conformance case | the tests of it |`."""
        path = "docs/Features.md"
        text = self.tree.read(path) if path in self.tree.files else ""
        for number, line in enumerate(text.split("\n"), 1):
            row = re.match(r"\| ([A-Z]?\d+) \|", line)
            if not row:
                continue
            ours = line.rstrip(" |").rsplit("|", 1)[-1].strip()
            word = re.match(r"(Yes|Partial|No)\b", ours)
            tests = re.findall(r"\]\(\.\./(test/[^)#]+)\)", ours)
            if row.group(1).isdigit():
                if not tests:
                    self.report(path, number, f"case {row.group(1)} has no test; link the test that shows it")
            elif not word:
                self.report(path, number, f"{row.group(1)}: begin with Yes, Partial or No")
            elif word.group(1) != "No" and not tests:
                self.report(path, number, f"{row.group(1)} is a {word.group(1)} without a test; link the test that shows it")
            for test in tests:
                if test not in self.tree.files:
                    self.report(path, number, f"{row.group(1)}: there is no {test}")

    def check_attributes(self):
        """`kRoleAttr = "train.role"`: an attribute on ops of other dialects has a row in its dialect's table."""
        for path in self.tree.under("include/", suffix=".h"):
            text = self.tree.read(path)
            for found in re.finditer(r'\bk\w+Attr\s*=\s*"((\w+)\.\w+)"', text):
                name, dialect = found.groups()
                page = f"docs/Dialects/{dialect.capitalize()}.md"
                if page not in self.tree.files or f"\n| `{name}` |" not in self.tree.read(page):
                    self.report(path, self.tree.line_of(path, found.group()),
                                f"{name} has no row in the dialect's table of attributes; describe it in the ODS")

    # ---- tests ------------------------------------------------------------

    def check_requirements(self):
        """A test names each package that it imports, itself or by a module of ours, so that it is skipped where
        that is not installed."""
        packages = {"numpy", "ml_dtypes", "jax", "torch"}
        inputs = "test/Numerics/Inputs/"
        own = {path[len(inputs):-len(".py")]: self.imports(path) for path in self.tree.under(inputs, suffix=".py")}
        for path in self.tree.under("test/", suffix=".py"):
            required = re.search(r"^# REQUIRES: (.*)$", self.tree.read(path), re.M)
            if not required:
                continue
            named = set(re.findall(r"[\w-]+", required.group(1)))
            needed = set(self.imports(path))
            for module in list(needed):
                needed.update(own.get(module, ()))
            for package in sorted(packages & needed - named):
                if not any(name.startswith(package) for name in named):
                    self.report(path, self.tree.line_of(path, required.group()), f"it imports {package}; say so in REQUIRES")

    def imports(self, path):
        """The modules that a file imports at its top, those of test/Numerics/Inputs by their own names."""
        text = self.tree.read(path)
        names = re.findall(r"^import (\w+)", text, re.M)
        for line in re.findall(r"^from Numerics\.Inputs import (.*)$", text, re.M):
            names += re.findall(r"\w+", line)
        return names

    # ---- diagnostics ------------------------------------------------------

    def check_diagnostics(self):
        expected = []
        for path in self.tree.under("test/"):
            if path.endswith((".mlir", ".test", ".py", ".cpp")):
                text = self.tree.read(path)
                expected += find_expectations(path, text)
        expected = [normalise(e) for e in expected]
        everything = "\n".join(expected)
        for path in self.tree.under("lib/", suffix=".cpp"):
            if self.room(path) in WITHOUT_LLVM:
                continue
            for line, message in find_diagnostics(self.tree.read(path)):
                if not is_tested(message, expected, everything):
                    self.report(path, line, f"no test expects this error: \"{message[0][:60]}\"; add it to an invalid.mlir")
            # The label of a numbered constraint, passed to a function that reports.
            for match in re.finditer(r'"([A-Z]\d+)"', self.tree.read(path)):
                if f"({match.group(1)})" not in everything:
                    line = self.tree.read(path).count("\n", 0, match.start()) + 1
                    self.report(path, line, f"no test expects an error of constraint ({match.group(1)}); add it to an invalid.mlir")

    # ---- documents --------------------------------------------------------

    def check_documents(self):
        script = os.path.join(self.tree.root, "utils", "generate_docs.py")
        if not os.path.exists(script):
            return
        done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
        for line in done.stdout.splitlines():
            self.report(line, 1, "not what the definitions say; run utils/generate_docs.py")

    # ---- report -----------------------------------------------------------

    def function_lengths(self):
        lengths = []
        for path in self.tree.under("lib/", "tools/", suffix=".cpp"):
            start = None
            for number, line in enumerate(self.tree.read(path).split("\n"), 1):
                opens = re.match(r"( *)(?!if|for|while|switch|else|namespace|struct|class|enum|do\b)[\w:<>~].*\{$", line)
                if start is None and opens and len(opens.group(1)) <= 2 and ("(" in line or ")" in line):
                    start = (number, opens.group(1), line.strip())
                elif start and line.rstrip(";") == start[1] + "}":
                    lengths.append((number - start[0] + 1, path, start[0]))
                    start = None
        return sorted(lengths)


def record_line(record):
    return int(record["!locs"][0].split(":")[1])


def normalise(message):
    return re.sub(r"\s+", " ", message.replace("\\", "")).strip()


def unescape(literals):
    """The text of C++ string literals that stand side by side."""
    text = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', literals))
    return bytes(text, "utf-8").decode("unicode_escape")


def find_arguments(text, start):
    """The arguments of a call whose parenthesis ends in front of `start`."""
    arguments, depth = [""], 0
    for token in re.finditer(r'"(?:\\.|[^"\\])*"|.', text[start:], re.DOTALL):
        token = token.group()
        depth += (token in "([{") - (token in ")]}")
        if depth < 0:
            break
        if token == "," and depth == 0:
            arguments.append("")
        else:
            arguments[-1] += token
    return arguments


def find_expectations(path, text):
    """What a test expects to be said: by `expected-error`, by a line of FileCheck
    with one of the prefixes that the test declares, or, in C++, by a literal that
    EXPECT, ASSERT, HasSubstr or find compares with; other strings are what it says."""
    if path.endswith(".cpp"):
        calls = re.finditer(r"\b(?:(?:EXPECT|ASSERT)_\w+|HasSubstr|find)\(", text)
        arguments = [argument.strip() for call in calls for argument in find_arguments(text, call.end())]
        return [unescape(a) for a in arguments if re.fullmatch(r'(?:"(?:\\.|[^"\\])*"\s*)+', a)]
    prefixes = {"CHECK"}.union(*(names.split(",") for names in re.findall(r"--check-prefix(?:es)?=([\w,-]+)", text)))
    lines = rf"^\W*(?:CHECK[\w-]*|(?:{'|'.join(map(re.escape, prefixes))})(?:-\w+)?):(.*(?:error|failed).*)"
    return (re.findall(r"expected-error[^{\n]*\{\{(.*?)\}\}", text)
            + re.findall(lines, text, re.MULTILINE))


def find_diagnostics(text):
    """Yields (line, literal pieces) for each emitError or emitOpError; what is
    streamed between two literals separates them."""
    for match in re.finditer(r"\bemit(?:Op)?Error\b", text):
        # Up to the end of the statement; literals may hold semicolons.
        statement = re.match(r'(?:"(?:\\.|[^"\\])*"|[^";])*', text[match.end():]).group(0)
        # `"a" "b"` is one literal; comments between the two do not count.
        statement = re.sub(r"//[^\n]*", "", statement)
        pieces = [bytes("".join(re.findall(r'"((?:\\.|[^"\\])*)"', run)), "utf-8").decode("unicode_escape")
                  for run in re.findall(r'"(?:\\.|[^"\\])*"(?:\s*"(?:\\.|[^"\\])*")*', statement)]
        pieces = [p for p in (normalise(p) for p in pieces) if len(p) >= 8]
        if pieces:
            yield text.count("\n", 0, match.start()) + 1, pieces


def is_tested(pieces, expected, everything):
    """Whether some expected text shows one of the pieces: whole, or cut at
    either end of the expected text."""
    for piece in pieces:
        if piece in everything:
            return True
        for text in expected:
            core = re.sub(r"^'[\w.]+' op ", "", text)
            if len(core) >= 8 and core in piece:
                return True
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser.add_argument("--build", help="build folder with bin/vernier-opt")
    parser.add_argument("--report", action="store_true", help="print function lengths")
    options = parser.parse_args()
    checker = Checker(options.root, options.build)
    checker.check_files()
    checker.check_includes()
    checker.check_c_api()
    checker.check_passes()
    checker.check_ops()
    checker.check_requirements()
    checker.check_diagnostics()
    checker.check_documents()
    checker.check_features()
    checker.check_attributes()
    for violation in sorted(set(checker.violations)):
        print(violation)
    if options.report:
        lengths = checker.function_lengths()
        if lengths:
            print(f"{len(lengths)} functions, median {lengths[len(lengths) // 2][0]} lines, "
                  f"p90 {lengths[len(lengths) * 9 // 10][0]}; the longest:")
        for length, path, line in reversed(lengths[-5:]):
            print(f"  {length} lines at {path}:{line}")
    print(f"{len(checker.tree.files)} files, {len(set(checker.violations))} violations")
    return 1 if checker.violations else 0


if __name__ == "__main__":
    sys.exit(main())
