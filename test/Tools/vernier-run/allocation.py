#===- allocation.py - A step allocates nothing
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# After the first steps, more of them, with a row of metrics each, do not call
# malloc once: neither the runtime nor what it calls (oneDNN, OpenMP).
# REQUIRES: numpy
# RUN: %python %s %t

from Inputs.runner import *

DIGITS = pathlib.Path(os.environ["VERNIER_SOURCE"]) / "examples/digits"
COMPILER = shutil.which("vernier-compile")
COUNTER = BIN.parent / "lib/libvernier-count-allocations.so"


@unittest.skipIf("asan" in os.environ["VERNIER_BUILD"], "the sanitizer has its own malloc")
class Allocation(RunnerTest):
    def allocations(self, steps, **environment):
        """Of one run. Starting up varies by a handful."""
        run("m.vplan", "train", "--data", self.data, "--steps", steps, "--log", "m.csv", "--log-every", 10**9,
            "--device=cpu:2",
            env={**os.environ, **environment, "LD_PRELOAD": str(COUNTER), "ALLOCATIONS": "count"})
        return int(pathlib.Path("count").read_text())

    def test_steady_state(self):
        """Kernels alone."""
        make_plan("m.vplan", scale=2**22)
        make_data("train.npz")
        self.data = "train.npz"
        first = self.allocations(100)
        self.assertGreater(first, 100)  # it counts
        self.assertLess(self.allocations(1100) - first, 100)  # one in each step would be 1000

    @unittest.skipUnless(COMPILER, "needs the compiler")
    def test_products(self):
        """Products of oneDNN, with every instruction set that it has kernels for here."""
        for policy in ["f32", "bf16"]:
            subprocess.run(
                [COMPILER, str(DIGITS / "mlp.mlir"), "-o", "m.vplan", "--target=cpu:native", f"--policy={policy}",
                 "--optimizer=adamw"], check=True)
            self.data = DIGITS / "train.npz"
            for isa in ["", "AVX2"] if policy == "f32" else [""]:
                environment = {"DNNL_MAX_CPU_ISA": isa} if isa else {}
                with self.subTest(policy=policy, isa=isa):
                    more = self.allocations(300, **environment) - self.allocations(50, **environment)
                    self.assertLess(more, 25)  # one in each step would be 250


main()
