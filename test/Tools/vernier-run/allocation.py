#===- allocation.py - A step allocates nothing
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# After the first steps, more of them do not call malloc once: neither the
# runtime nor what it calls (oneDNN, OpenMP). Nor does training, which adds rows
# of metrics and batches of data.
# REQUIRES: numpy
# RUN: %python %s %t

import re

from Inputs.runner import *

DIGITS = pathlib.Path(os.environ["VERNIER_SOURCE"]) / "examples/digits"
COMPILER = shutil.which("vernier-compile")
COUNTER = BIN.parent / "lib/libvernier-count-allocations.so"
MEASURE = BIN / "vernier-measure-steps"


def compile_model(name, policy):
    subprocess.run([COMPILER, str(DIGITS / f"{name}.mlir"), "-o", "m.vplan", "--target=cpu:native", f"--policy={policy}",
                    "--optimizer=adamw"], check=True, capture_output=True)


@unittest.skipIf("asan" in os.environ["VERNIER_BUILD"], "the sanitizer has its own malloc")
class Allocation(RunnerTest):
    def allocations_in_steps(self, plan, device, steps, **environment):
        """Of that many steps of `plan`, in a process that runs nothing else."""
        output = subprocess.run([MEASURE, plan, device, str(steps)], env={**os.environ, **environment}, check=True,
                                capture_output=True, text=True).stdout
        return int(re.search(r"^allocations=(\d+)$", output, re.MULTILINE)[1])

    def allocations_of_run(self, steps):
        """Of training for that many steps. Starting up varies by a handful, so the least of some runs."""
        def once():
            run("m.vplan", "train", "--data", self.data, "--steps", steps, "--log", "m.csv", "--log-every", 10**9,
                "--device=cpu:2", env={**os.environ, "LD_PRELOAD": str(COUNTER), "ALLOCATIONS": "count"})
            return int(pathlib.Path("count").read_text())
        return min(once() for _ in range(3))

    @unittest.skipUnless(COMPILER, "needs the compiler")
    def test_steps(self):
        """Kernels, products and convolutions, with every instruction set that oneDNN has kernels for here."""
        for model in ["mlp", "convnet"]:
            for policy in ["f32", "bf16", "f16"]:
                compile_model(model, policy)
                for device in ["cpu:1", "cpu:2", "cpu:3"]:
                    for isa in ["", "AVX2"] if policy == "f32" else [""]:
                        environment = {"DNNL_MAX_CPU_ISA": isa} if isa else {}
                        with self.subTest(model=model, policy=policy, device=device, isa=isa):
                            self.assertEqual(self.allocations_in_steps("m.vplan", device, 50, **environment), 0)

    def test_counts(self):
        """The counter does count: starting a run takes many."""
        make_plan("m.vplan", scale=1024)
        make_data("train.npz")
        self.data = "train.npz"
        self.assertGreater(self.allocations_of_run(1), 100)

    def test_training(self):
        make_plan("m.vplan", scale=2**22)
        make_data("train.npz")
        self.data = "train.npz"
        self.assertLess(self.allocations_of_run(1100) - self.allocations_of_run(100), 10)

    @unittest.skipUnless(COMPILER, "needs the compiler")
    def test_training_convnet(self):
        compile_model("convnet", "bf16")
        self.data = DIGITS / "train.npz"
        self.assertLess(self.allocations_of_run(250) - self.allocations_of_run(50), 10)


main()
