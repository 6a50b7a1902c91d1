#===- memory.py - Memory: planned, measured, lacking
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# The memory plan covers what the process then uses, and hardly more; what does
# not fit is said before the first step, with the largest tensors and remedies.
# REQUIRES: numpy
# RUN: %python %s %t

import json
import re
import resource

from Inputs.runner import *

MIB = 1 << 20


class Memory(RunnerTest):
    def setUp(self):
        super().setUp()
        make_data("train.npz")

    def test_planned(self):
        """actual <= planned <= 1.10 actual, by what the session reports and by the process's growth."""
        make_plan("m.vplan", parameter_mib=300)
        planned = json.loads(run("m.vplan", "info", "--json").stdout)["memory"]["total"]
        process = run("m.vplan", "train", "--data", "train.npz", "--steps", 2, "--device=cpu:1")
        session = int(process.result["peak_bytes"])
        self.assertLessEqual(session, planned)
        self.assertLessEqual(planned, 1.10 * session)
        amount, unit = re.search(r"process grew by ([0-9.]+) (MiB|GiB)", process.stderr).groups()
        grown = float(amount) * (MIB if unit == "MiB" else 1 << 30)
        # OpenMP and the kernels add a constant few MiB to the process.
        self.assertLessEqual(grown, planned + 16 * MIB)
        self.assertLessEqual(planned, 1.10 * grown)

    def test_too_large(self):
        make_plan("m.vplan", parameter_mib=1 << 20)  # 1 TiB
        process = self.fails(RESOURCES, "m.vplan", "train", "--data", "train.npz", "--steps", 2,
                             says=("not enough memory: the plan needs 1.0 TiB",
                                   "1.0 TiB  parameter 'embedding'", "result of forward at model.mlir:1:forward in",
                                   "smaller batch", "--policy=bf16", "raise the limit"))
        tensors = process.stderr.split("largest tensors:\n")[1].split("  what to do:")[0].splitlines()
        self.assertEqual(len(tensors), 5)
        self.assertEqual(process.result, {"code": "5"})
        for verb in (("eval", "--data", "train.npz"), ("bench",),
                     ("predict", "--data", "train.npz", "--output", "o.npz")):
            self.fails(RESOURCES, "m.vplan", *verb, says="not enough memory")

    @unittest.skipIf("asan" in os.environ["VERNIER_BUILD"], "the sanitizer reserves terabytes")
    def test_limit(self):
        """ulimit -v is respected: named in the message, and enough is enough."""
        make_plan("m.vplan", parameter_mib=512)
        limit = lambda size: lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size))
        command = ("m.vplan", "train", "--data", "train.npz", "--steps", 2, "--device=cpu:1")
        self.fails(RESOURCES, *command, says=("the address space limit (ulimit -v) leaves", "parameter 'embedding'"),
                   preexec_fn=limit(500 * MIB))
        run(*command, preexec_fn=limit(2048 * MIB))

    def test_table(self):
        """Before the first step: configuration, memory by purpose, totals."""
        make_plan("m.vplan")
        stderr = run("m.vplan", "train", "--data", "train.npz", "--steps", 2).stderr
        for line in ("training\n", "  plan ", "  data            train.npz: 100 rows, 12 batches of 8 in an epoch",
                     "  steps           2 ", "  seed            0\n", "memory plan\n", "  parameters ",
                     "  optimizer ", "  copies ", "  saved activations ", "  workspace ", "  total "):
            self.assertIn(line, stderr)
        self.assertLess(stderr.index("memory plan"), stderr.index("step 2/2"))


main()
