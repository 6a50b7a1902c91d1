#===- kill.py - Killed at any instant
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# Whatever system call of a run kill -9 comes at, resuming (or starting anew if
# nothing was saved yet) ends with the bits of a run that never stopped.
# REQUIRES: numpy, strace
# RUN: %python %s %t

import random
import time

from Inputs.runner import *

CALLS = "openat,write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,ftruncate"
# One thread, so that the calls of a run come in one order.
FLAGS = ("--steps", 6, "--save-every", 2, "--keep", 2, "--save", "ck", "--log", "m.csv", "--device=cpu:1")


class Kill(RunnerTest):
    def test_kill(self):
        make_plan("m.vplan")
        make_data("train.npz", rows=16)
        self.kill("m.vplan", "train", "--data", "train.npz", *FLAGS, seconds=40)

    @unittest.skipUnless(shutil.which("vernier-compile"), "no compiler in this build")
    def test_digits(self):
        """A compiled model: parameters, moments, copies, loss scale."""
        digits = pathlib.Path(os.environ["VERNIER_SOURCE"]) / "examples/digits"
        subprocess.run(["vernier-compile", digits / "mlp.mlir", "-o", "d.vplan", "--policy=f16",
                        "--loss-scale=dynamic", "--optimizer=adamw,lr=1e-3"], check=True)
        self.kill("d.vplan", "train", "--data", digits / "train.npz", *FLAGS, seconds=15)

    def kill(self, *train, seconds):
        """Kill `train` at up to 200 of its calls, as many as `seconds` allow."""
        run(*train)
        expected = digest(checkpoints("ck")[-1])
        expected_log = pathlib.Path("m.csv").read_text()
        shutil.rmtree("ck")

        # The first calls load libraries and data: nothing is at stake. All from
        # the metrics file on, in random order.
        calls = traced(CALLS, *train)
        first = next(i for i, (_, _, line) in enumerate(calls) if "m.csv" in line)
        points = [call for call in calls[first:] if "libarcher" not in call[2]]  # OpenMP looks for it
        random.Random(0).shuffle(points)
        start, done, killed, resumed = time.monotonic(), 0, 0, 0
        for name, number, line in points[:200]:
            if time.monotonic() - start > seconds:
                break
            shutil.rmtree("ck", ignore_errors=True)
            process = inject(name, number, "signal=SIGKILL", *train)
            killed += process.returncode != OK  # a run may have one call less
            names = [c.name for c in checkpoints("ck")] if pathlib.Path("ck").exists() else []
            resumed += bool(names)
            run(*train, *(("--resume", "ck") if names else ()))
            self.assertEqual(digest(checkpoints("ck")[-1]), expected, f"killed at {line}")
            self.assertEqual(pathlib.Path("m.csv").read_text(), expected_log, f"killed at {line}")
            # The next save removes what the killed one left, if there was one.
            if "step-00000006" not in names:
                self.assertEqual([p.name for p in pathlib.Path("ck").iterdir() if p.name.startswith(".")],
                                 [], f"killed at {line}")
            done += 1
        self.assertGreater(done, 5)
        self.assertGreater(killed, done * 0.9)
        self.assertGreater(resumed, done * 0.3)
        print(f"{killed} kills among {len(points)} calls, {resumed} resumed")


main()
