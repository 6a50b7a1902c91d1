#===- lit.cfg.py - How the tests run
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""How the tests run. %python is VERNIER_PYTHON (the project's virtual environment
when the test script set it up) or the interpreter that runs lit."""

import os
import shutil
import subprocess
import sys

import lit.formats
import lit.util

config.name = "Vernier"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".py"]
config.excludes = ["lit.cfg.py", "CMakeLists.txt", "Inputs", "Unit"]
config.test_source_root = os.path.join(config.source_dir, "test")
config.test_exec_root = os.path.join(config.binary_dir, "test")

python = os.environ.get("VERNIER_PYTHON", sys.executable)
config.substitutions += [
    ("%python", python),
    # The one of the build: a bare machine has no cc.
    ("%cc", config.c_compiler),
    ("%source", config.source_dir),
    ("%build", config.binary_dir),
]
config.environment["PATH"] = os.pathsep.join(
    [os.path.join(config.binary_dir, "bin"), config.llvm_tools_dir,
     os.environ["PATH"]])
config.environment["PYTHONPATH"] = os.path.join(config.source_dir, "test")
config.environment["VERNIER_BUILD"] = config.binary_dir
config.environment["VERNIER_SOURCE"] = config.source_dir


def find_modules(*modules):
    """Those that %python could import; importing them would take seconds."""
    # GradScaler runs on the CPU since torch 2.3 (Debian 12 has 1.13).
    script = ("import sys, importlib.util as u, importlib.metadata as d\n"
              "print(*(m for m in sys.argv[1:] if u.find_spec(m)))\n"
              "if u.find_spec('torch') and tuple(map(int,\n"
              "    d.version('torch').split('.')[:2])) >= (2, 3):\n"
              "  print('torch-gradscaler')")
    return subprocess.run([python, "-c", script, *modules],
                          capture_output=True, text=True).stdout.split()


# An instrumented runtime has only the tests of the runtime and its tool, and
# borrows the compiler of another build.
compiler_bin = os.environ.get("VERNIER_COMPILER_BIN")
if not config.has_compiler:
    config.excludes += [name for name in os.listdir(config.test_source_root)
                        if name not in ("Fuzz", "Runtime", "Tools")]
    config.excludes += ["vernier-compile", "vernier-evaluate"]
if not config.has_compiler and compiler_bin:
    config.environment["PATH"] += os.pathsep + compiler_bin
if config.has_compiler or compiler_bin:
    config.available_features.add("compiler")
# A plain program cannot load an instrumented library.
if config.has_asan:
    config.available_features.add("asan")
if shutil.which("clang-format-22"):
    config.available_features.add("clang-format")
if shutil.which("chromium"):
    config.available_features.add("chromium")
config.available_features.update(
    find_modules("numpy", "ml_dtypes", "jax", "torch"))
# A processor with dot products of bf16.
if os.path.exists("/proc/cpuinfo") and "avx512_bf16" in open("/proc/cpuinfo").read():
    config.available_features.add("avx512bf16")
# The fuzzers that this build has: fuzz-plan, ...
config.available_features.update(
    program.removeprefix("vernier-")
    for program in os.listdir(os.path.join(config.binary_dir, "bin"))
    if program.startswith("vernier-fuzz-"))
# ONNX's conformance cases (Debian: libonnx-testdata).
if os.path.isdir("/usr/share/libonnx-testdata/data"):
    config.available_features.add("onnx-testdata")
# Fault injection needs strace and the right to trace.
if subprocess.run("strace -o /dev/null true", shell=True, capture_output=True).returncode == 0:
    config.available_features.add("strace")
