#===- runner.py - What the tests of vernier-run share
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Runs vernier-run on small plans and data sets in a folder of the test's own."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

import numpy as np

BIN = pathlib.Path(os.environ["VERNIER_BUILD"]) / "bin"
RUN = str(BIN / "vernier-run")
MAKE_PLAN = str(BIN / "vernier-make-test-plan")

OK, FAILED, USAGE, BAD_FILE, NUMERIC, RESOURCES, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130


def run(*args, code=OK, wrap=(), **options):
    """Run the tool; the exit code must be `code`. Returns the process with
    stdout and stderr as text, and `result`, the fields of the RESULT line."""
    command = [*map(str, wrap), RUN, *map(str, args)]
    process = subprocess.run(command, capture_output=True, text=True, timeout=120, **options)
    if process.returncode != code:
        raise AssertionError(f"{' '.join(command)}\nexit code {process.returncode}, expected "
                             f"{code}\n{process.stdout}{process.stderr}")
    process.result = result_of(process.stdout)
    return process


def result_of(stdout):
    lines = stdout.splitlines()
    if not lines or not lines[-1].startswith("RESULT "):
        return {}
    return dict(field.split("=", 1) for field in lines[-1].split()[2:])


def make_plan(path, **keys):
    """A linear classifier of 16 features into 4 classes, in batches of 8."""
    subprocess.run([MAKE_PLAN, str(path), *(f"{k.replace('_', '-')}={v}" for k, v in keys.items())],
                   check=True)
    return path


def make_data(path, rows=100, seed=0, **changes):
    """Four well separated classes. `changes` replace or (None) drop arrays."""
    random = np.random.RandomState(seed)
    centres = np.random.RandomState(99).randn(4, 16)
    label = random.randint(0, 4, rows)
    image = (centres[label] + 0.5 * random.randn(rows, 16)).astype(np.float32)
    arrays = {"image": image, "label": label.astype(np.int64)}
    arrays.update(changes)
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def checkpoints(folder):
    return sorted(p for p in pathlib.Path(folder).iterdir() if p.name.startswith("step-"))


def digest(checkpoint):
    """SHA-256 of all states of a checkpoint."""
    sha = hashlib.sha256()
    for name in ("params.safetensors", "optimizer.safetensors"):
        sha.update((pathlib.Path(checkpoint) / name).read_bytes())
    return sha.hexdigest()


# LeakSanitizer stops the world with ptrace, which strace has taken.
TRACED = {**os.environ, "ASAN_OPTIONS":
          os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


def traced(calls, *command):
    """The system calls that a run makes, in order: (name, number among the calls
    of that name, line of the trace). strace counts as we do, for injections."""
    subprocess.run(["strace", "-f", "-qq", "-e", f"trace={calls}", "-o", "trace", RUN,
                    *map(str, command)], capture_output=True, check=True, env=TRACED)
    seen, result = {}, []
    for line in pathlib.Path("trace").read_text().splitlines():
        name = line.split(maxsplit=1)[1].split("(")[0]
        if "(" in line and name.isidentifier():
            seen[name] = seen.get(name, 0) + 1
            result.append((name, seen[name], line))
    return result


def inject(name, number, what, *command, also=(), cwd=None):
    """Run with `what` (error=EIO, signal=SIGKILL) at the call of this name and number, and `also` at others."""
    injections = [f"{name}:{what}:when={number}", *also]
    names = ",".join(injection.split(":")[0] for injection in injections)
    return subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={names}",
                           *(f"--inject={injection}" for injection in injections), RUN, *map(str, command)],
                          capture_output=True, text=True, env=TRACED, cwd=cwd)


class RunnerTest(unittest.TestCase):
    """A test with an empty folder `self.folder`, which is its working directory."""

    def setUp(self):
        self.folder = pathlib.Path(sys.argv[1]) / self.id().split(".")[-1]
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        os.chdir(self.folder)

    def fails(self, code, *args, says=(), **options):
        """The tool exits with `code` and its error says each of `says`."""
        process = run(*args, code=code, **options)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, process.stderr)
        self.assertIn("error:", process.stderr)
        return process


def main():
    unittest.main(argv=sys.argv[:1])
