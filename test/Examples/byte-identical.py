#===- byte-identical.py - Compiling is reproducible
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# The same model and flags give the same bytes: wherever the files lie, however
# many compilations run at once, on however many processors and threads, and
# whatever the environment and the time are.
# REQUIRES: compiler
# RUN: %python %s %t

import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import time

DIGITS = pathlib.Path(os.environ["VERNIER_SOURCE"]) / "examples/digits"
FLAGS = {
    "mlp.mlir": (("--policy=bf16", "--optimizer=adamw,lr=1e-3"),
                 ("--policy=f16", "--loss-scale=dynamic", "--optimizer=sgd,lr=0.1,momentum=0.9", "--accumulate=2")),
    "convnet.mlir": (("--policy=f16", "--strategy=min-cut", "--pad-for-tensor-cores"),),
}
TIMES = 4  # that each compilation runs while others do


def compile_at(model, flags, place, cpus=None, **environment):
    """The bytes of the plan of `model` in the folder `place`, compiled on `cpus`."""
    place.mkdir(parents=True)
    shutil.copy(DIGITS / model, place)
    start = (lambda: os.sched_setaffinity(0, cpus)) if cpus else None
    subprocess.run(["vernier-compile", model, "-o", "out.vplan", *flags], cwd=place, check=True,
                   preexec_fn=start, env={**os.environ, **environment})
    return (place / "out.vplan").read_bytes()


def main():
    folder = pathlib.Path(sys.argv[1])
    shutil.rmtree(folder, ignore_errors=True)
    for model, variants in FLAGS.items():
        for number, flags in enumerate(variants):
            root = folder / model / str(number)
            expected = compile_at(model, flags, root / "alone")
            one = {min(os.sched_getaffinity(0))}
            others = {
                "elsewhere": compile_at(model, flags, root / "another/much deeper/place"),
                "one processor": compile_at(model, flags, root / "one", cpus=one, OMP_NUM_THREADS="1"),
                "many threads": compile_at(model, flags, root / "many", OMP_NUM_THREADS="16", LC_ALL="C.UTF-8",
                                           TZ="Asia/Tokyo", HOME="/nowhere"),
            }
            # An absolute path to the model, from another folder, to another name; later.
            time.sleep(1.1)
            subprocess.run(["vernier-compile", root / "alone" / model, "-o", root / "other.vplan", *flags],
                           cwd="/", check=True)
            others["absolute"] = (root / "other.vplan").read_bytes()
            with concurrent.futures.ThreadPoolExecutor(TIMES) as pool:
                for i, plan in enumerate(pool.map(lambda i: compile_at(model, flags, root / f"at-once-{i}"), range(TIMES))):
                    others[f"at once, {i}"] = plan
            for name, plan in others.items():
                assert plan == expected, f"{model} {' '.join(flags)}: differs when compiled {name}"


main()
