#===- measure.py - What every benchmark records
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Where, when and with what a number was measured, and how it is printed."""

import argparse
import datetime
import json
import os
import shlex
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Instruction sets that decide what a 16-bit contraction costs on a CPU.
FEATURES = ("avx2", "fma", "avx512f", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16")


def cpu():
    model, flags = "unknown", []
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
            elif line.startswith("flags"):
                flags = line.split(":", 1)[1].split()
    return {"model": model, "cores": len(os.sched_getaffinity(0)),
            "features": {f: f in flags for f in FEATURES}}


def commit():
    """The commit, "-dirty" if more than earlier results differs from it."""
    def git(*words):
        return subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!benchmarks/results")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("-dirty" if changed else "")


def record():
    """The circumstances of a run, kept beside its numbers. The Python that has
    PyTorch is somewhere else on every machine."""
    words = [os.path.relpath(os.path.abspath(sys.argv[0]), ROOT)] + sys.argv[1:]
    for i, word in enumerate(words[:-1]):
        if word == "--torch-python":
            words[i + 1] = "PYTHON"
    return {"date": datetime.date.today().isoformat(), "commit": commit(), "cpu": cpu(),
            "command": shlex.join(["python3"] + words)}


def run(command, **keywords):
    """The standard output of a command; its failure ends the benchmark."""
    done = subprocess.run(command, capture_output=True, text=True, **keywords)
    if done.returncode:
        sys.exit(f"{shlex.join(map(str, command))}\nexit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def run_with_peak(command):
    """As run(), and the most bytes that the process had resident."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=output, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = [(file.seek(0), file.read())[1] for file in (output, errors)]
    if process.returncode:
        sys.exit(f"{shlex.join(map(str, command))}\nexit {process.returncode}\n{texts[0]}{texts[1]}")
    return texts[0], usage.ru_maxrss * 1024


def profile(command):
    """The calls of a step that take at least 1 % of it, longest first, as bench --profile prints them."""
    done = subprocess.run([*command, "--profile"], capture_output=True, text=True, check=True)
    lines = done.stderr[done.stderr.index("profile of"):].splitlines()
    return [line for line in lines[2:] if float(line.split()[1]) >= 1.0]


def result_line(output):
    """The values of `RESULT ok key=value ...`, the last line of vernier-run."""
    line = output.strip().splitlines()[-1]
    if not line.startswith("RESULT ok"):
        sys.exit(f"expected a RESULT line, got '{line}'")
    return dict(field.split("=", 1) for field in line.split()[2:])


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def summarise(rounds):
    """Of numbers by name, for each round: the medians, and the least and greatest."""
    return ({name: median([r[name] for r in rounds]) for name in rounds[0]},
            {name: [min(r[name] for r in rounds), max(r[name] for r in rounds)] for name in rounds[0]})


def table(header, rows):
    cells = [list(map(str, row)) for row in [header, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = ["  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                       for i, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in cells]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def arguments(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "release", "bin"), help="folder of the tools")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/NAME.{json,md}")
    return parser


def finish(name, options, results, text):
    """Prints, and saves if asked to, what a benchmark found."""
    results = {"benchmark": name, **record(), **results}
    print(json.dumps(results, indent=1) if options.json else text)
    if not options.save:
        return
    stem = os.path.join(ROOT, "benchmarks", "results", name)
    with open(stem + ".json", "w") as file:
        json.dump(results, file, indent=1)
        file.write("\n")
    machine = results["cpu"]
    has = " ".join(f for f, there in machine["features"].items() if there)
    with open(stem + ".md", "w") as file:
        file.write(f"# {name}\n\n{results['date']}, commit {results['commit']}, {machine['model']}, "
                   f"{machine['cores']} cores ({has})\n\n    $ {results['command']}\n\n```\n{text}\n```\n")
