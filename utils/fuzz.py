#!/usr/bin/env python3
#===- fuzz.py - Damaged files of every kind, by the thousand
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""usage: fuzz.py [KIND ...] [--runs N] [--seed S] [--corpus DIR] [--build DIR]

Makes good files of each kind (plan, object, npz, safetensors, checkpoint, model,
policy, profile) from the tests and runs libFuzzer on damaged ones. Without KIND, on
every kind whose fuzzer is built: those of the runtime are in build/asan, those of
the compiler in build/release. An input that crashes, hangs or takes too much memory
is kept, its path is printed, and the exit status is 1. --corpus keeps what libFuzzer
found interesting in DIR/KIND, to start from the next time."""

import argparse
import concurrent.futures
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import zipfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent
KINDS = ["plan", "object", "npz", "safetensors", "checkpoint", "model", "policy", "profile"]
# An input may take this long and this much; longer ones only slow the search.
LIMITS = ["-timeout=10", "-rss_limit_mb=3000", "-malloc_limit_mb=1000"]
LONGEST = {"plan": 16384, "object": 16384, "model": 16384}


def find_program(name, builds):
    for build in builds:
        program = build / "bin" / name
        if program.exists():
            return program
    return None


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def npy(dtype, shape, data, version=1):
    """A .npy file (numpy.lib.format)."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    size = struct.pack("<H" if version == 1 else "<I", len(header) + 1)
    return b"\x93NUMPY" + bytes([version, 0]) + size + header.encode() + b"\n" + data


def make_npz(folder):
    """The first byte tells the fuzzer what the rest is: 0 an archive, 1 an array."""
    arrays = {"x": npy("<f4", (2, 3), struct.pack("<6f", *range(6))),
              "y": npy("<i8", (2,), struct.pack("<2q", 1, -1)),
              "h": npy("<f2", (), b"\0\x3c", version=2), "b": npy("|b1", (3,), b"\0\1\1")}
    for name, array in arrays.items():
        write(folder / name, b"\1" + array)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        path = folder / f"archive-{method}"
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, array in arrays.items():
                archive.writestr(name + ".npy", array)
        write(path, b"\0" + path.read_bytes())


def make_models(folder):
    models = [*SOURCE.glob("test/**/*.mlir"), *SOURCE.glob("examples/**/*.mlir")]
    for path in models:
        parts = re.split(r"^// -----.*$", path.read_text(), flags=re.M)
        for number, part in enumerate(parts):
            code = re.sub(r"^ *//.*\n", "", part, flags=re.M).strip()
            if 0 < len(code) < LONGEST["model"]:
                write(folder / f"{path.stem}-{number}", code + "\n")


def make_policies(folder):
    for path in [*SOURCE.glob("lib/Dialect/Amp/Policies/*.yaml"), *SOURCE.glob("test/**/*.yaml")]:
        write(folder / path.stem, path.read_bytes())


def make_profiles(folder, builds):
    """A profile and an explanation of the fuzzers' own model."""
    header = (SOURCE / "test/Fuzz/SmallModel.h").read_text()
    compiler, runner = (find_program(name, builds) for name in ("vernier-compile", "vernier-run"))
    with tempfile.TemporaryDirectory() as scratch:
        model, plan, data = (pathlib.Path(scratch) / name for name in ("m.mlir", "m.vplan", "m.npz"))
        write(model, re.search(r'R"mlir\((.*)\)mlir"', header, re.S)[1])
        with zipfile.ZipFile(data, "w") as archive:
            archive.writestr("x.npy", npy("<f4", (16, 8), struct.pack("<128f", *(0.1 * i for i in range(128)))))
            archive.writestr("y.npy", npy("<i4", (16,), struct.pack("<16i", *(i % 4 for i in range(16)))))
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([compiler, model, "-o", plan, "--explain=json", "--explain-file",
                        folder / "explanation"], check=True, capture_output=True)
        subprocess.run([runner, plan, "train", "--data", data, "--steps", "2", "--profile-numerics",
                        folder / "profile"], check=True, capture_output=True)


def make_seeds(kind, folder, builds):
    """Good files of `kind` in folder/kind."""
    if kind in ("plan", "object", "checkpoint", "safetensors"):
        subprocess.run([find_program("vernier-fuzz-seeds", builds), folder], check=True)
    elif kind == "npz":
        make_npz(folder / kind)
    elif kind == "model":
        make_models(folder / kind)
    elif kind == "policy":
        make_policies(folder / kind)
    else:
        make_profiles(folder / kind, builds)


def fuzz(kind, arguments, builds):
    """Whether nothing was found, and a line that says what was tried."""
    program = find_program(f"vernier-fuzz-{kind}", builds)
    with tempfile.TemporaryDirectory(prefix="vernier-fuzz-") as scratch:
        seeds = pathlib.Path(scratch) / "seeds"
        make_seeds(kind, seeds, builds)
        corpus = pathlib.Path(arguments.corpus or scratch) / kind
        corpus.mkdir(parents=True, exist_ok=True)
        artifacts = pathlib.Path(tempfile.mkdtemp(prefix=f"vernier-fuzz-{kind}-"))
        command = [program, corpus, seeds / kind, f"-runs={arguments.runs}", f"-seed={arguments.seed}",
                   f"-artifact_prefix={artifacts}/", "-close_fd_mask=3", "-print_final_stats=1",
                   f"-max_len={LONGEST.get(kind, 4096)}", *LIMITS]
        result = subprocess.run(command, capture_output=True, text=True, errors="replace",
                                env={**os.environ, "TMPDIR": scratch})
    count = re.search(r"number_of_executed_units: (\d+)", result.stderr)
    kept = sorted(artifacts.iterdir())
    if result.returncode == 0 and count and not kept:
        artifacts.rmdir()
        return True, f"{kind}: {count[1]} inputs, none failed"
    tail = "\n".join(result.stderr.splitlines()[-40:])
    return False, f"{tail}\n{kind}: failed (status {result.returncode}) on {[str(path) for path in kept]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND")
    parser.add_argument("--runs", type=int, default=100000, help="inputs of each kind (100000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", metavar="DIR")
    parser.add_argument("--build", action="append", metavar="DIR",
                        help="where the fuzzers are (build/release and build/asan)")
    parser.add_argument("--jobs", type=int, default=1, help="kinds at the same time (1)")
    arguments = parser.parse_args()
    builds = [pathlib.Path(folder).resolve()
              for folder in arguments.build or (SOURCE / "build/release", SOURCE / "build/asan")]
    for kind in arguments.kinds:
        if kind not in KINDS:
            parser.error(f"unknown kind '{kind}'; expected {', '.join(KINDS)}")
        if not find_program(f"vernier-fuzz-{kind}", builds):
            parser.error(f"vernier-fuzz-{kind} is not built in {', '.join(map(str, builds))}; run utils/test")
    kinds = arguments.kinds or [kind for kind in KINDS if find_program(f"vernier-fuzz-{kind}", builds)]
    if not kinds:
        parser.error("no fuzzer is built; run utils/test")
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        outcomes = []
        for good, line in pool.map(lambda kind: fuzz(kind, arguments, builds), kinds):
            print(line, flush=True)
            outcomes.append(good)
    return 0 if all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
