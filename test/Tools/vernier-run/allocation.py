#===- allocation.py - A step allocates nothing
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# After the first steps, a thousand more, with a row of metrics each, do not call
# malloc once.
# REQUIRES: numpy
# RUN: %python %s %t

from Inputs.runner import *

COUNTER = BIN.parent / "lib/libvernier-count-allocations.so"


class Allocation(RunnerTest):
    def allocations(self, steps):
        """The least of a few runs: starting up varies by a handful, what a step does is in every run."""
        return min(self.allocations_once(steps) for _ in range(5))

    def allocations_once(self, steps):
        run("m.vplan", "train", "--data", "train.npz", "--steps", steps, "--log", "m.csv", "--log-every", 10**9,
            "--device=cpu:1", env={**os.environ, "LD_PRELOAD": str(COUNTER), "ALLOCATIONS": "count"})
        return int(pathlib.Path("count").read_text())

    @unittest.skipIf("asan" in os.environ["VERNIER_BUILD"], "the sanitizer has its own malloc")
    def test_steady_state(self):
        make_plan("m.vplan", scale=2**22)
        make_data("train.npz")
        first = self.allocations(100)
        self.assertGreater(first, 100)  # it counts
        self.assertEqual(self.allocations(1100), first)


main()
