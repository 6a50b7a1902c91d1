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
POINTS, SECONDS = 200, 45
# One thread, so that the calls of a run come in one order.
TRAIN = ("m.vplan", "train", "--data", "train.npz", "--steps", 6, "--save-every", 2, "--keep", 2,
         "--save", "ck", "--log", "m.csv", "--device=cpu:1")


class Kill(RunnerTest):
    def test_kill(self):
        make_plan("m.vplan")
        make_data("train.npz", rows=16)
        run(*TRAIN)
        expected = digest(checkpoints("ck")[-1])
        expected_log = pathlib.Path("m.csv").read_text()
        shutil.rmtree("ck")

        # The first calls load libraries and data: nothing is at stake. All from
        # the metrics file on, in random order, as many as a minute has.
        calls = traced(CALLS, *TRAIN)
        first = next(i for i, (_, _, line) in enumerate(calls) if "m.csv" in line)
        points = [call for call in calls[first:] if "libarcher" not in call[2]]  # OpenMP looks for it
        random.Random(0).shuffle(points)
        start, done, resumed = time.monotonic(), 0, 0
        for name, number, line in points[:POINTS]:
            if time.monotonic() - start > SECONDS:
                break
            shutil.rmtree("ck", ignore_errors=True)
            process = inject(name, number, "signal=SIGKILL", *TRAIN)
            self.assertNotEqual(process.returncode, OK, line)
            names = [c.name for c in checkpoints("ck")] if pathlib.Path("ck").exists() else []
            resumed += bool(names)
            run(*TRAIN, *(("--resume", "ck") if names else ()))
            self.assertEqual(digest(checkpoints("ck")[-1]), expected, f"killed at {line}")
            self.assertEqual(pathlib.Path("m.csv").read_text(), expected_log, f"killed at {line}")
            # The next save removes what the killed one left, if there was one.
            if "step-00000006" not in names:
                self.assertEqual([p.name for p in pathlib.Path("ck").iterdir() if p.name.startswith(".")],
                                 [], f"killed at {line}")
            done += 1
        self.assertGreater(done, 20)
        self.assertGreater(resumed, done * 0.3)
        print(f"{done} kills among {len(points)} calls, {resumed} resumed")


main()
