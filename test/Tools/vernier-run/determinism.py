#===- determinism.py - The same bits in every step of every run
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# The same plan, data and seed give the same bits: each state, after each step, run
# twice on 1, 2 and 4 threads, more than there may be cores.
# REQUIRES: numpy, compiler
# RUN: %python %s %t

from Inputs.runner import *
from Inputs.tensors import read_states

DIGITS = pathlib.Path(os.environ["VERNIER_SOURCE"]) / "examples/digits"
RUNS = [(f"cpu:{threads}", attempt) for threads in (1, 2, 4) for attempt in (1, 2)]


class Determinism(RunnerTest):
    def trace(self, plan, folder, steps, *flags):
        """For each step: a hash of each state by name."""
        run(plan, "train", "--data", DIGITS / "train.npz", "--seed", 5, "--steps", steps, "--save", folder,
            "--save-every", 1, "--keep", 0, *flags)
        return [{name: hashlib.sha256(content).hexdigest() for name, content in read_states(checkpoint).items()}
                for checkpoint in checkpoints(folder)]

    def check(self, model, steps, *flags, has=()):
        subprocess.run(["vernier-compile", DIGITS / model, "-o", "m.vplan", *flags], check=True)
        traces = [self.trace("m.vplan", f"{device[4:]}-{attempt}", steps, f"--device={device}")
                  for device, attempt in RUNS]
        expected = traces[0]
        self.assertEqual(len(expected), steps)
        self.assertLessEqual(set(has), set(expected[0]))
        # Each step changes something: what is compared is training.
        for before, after in zip(expected, expected[1:]):
            self.assertNotEqual(before, after)
        for (device, attempt), found in zip(RUNS, traces):
            for step, (want, got) in enumerate(zip(expected, found, strict=True), 1):
                differs = sorted(name for name in want if want[name] != got[name])
                self.assertEqual(differs, [], f"{device}, run {attempt}, step {step}: other bits than on cpu:1")

    def test_f32(self):
        """Momentum and weight decay."""
        self.check("mlp.mlir", 8, "--policy=f32", "--optimizer=sgd,lr=0.1,momentum=0.9,weight_decay=0.01",
                   has=("fc1.weight", "fc1.weight.momentum", "train.step"))

    def test_bf16(self):
        """The norm of all gradients, an average of the parameters."""
        self.check("mlp.mlir", 8, "--policy=bf16", "--optimizer=adamw,lr=1e-3,clip_norm=1,ema_decay=0.9",
                   has=("fc1.weight", "fc1.weight.m", "fc1.weight.v", "fc1.weight.ema"))

    def test_f16(self):
        """A scale that grows so fast that steps are skipped: the scaler's states too."""
        self.check("mlp.mlir", 8, "--policy=f16", "--optimizer=adamw,lr=1e-3",
                   "--loss-scale=dynamic,init=1024,growth_interval=1,growth_factor=1024", has=("fc1.weight.m", "amp.scale", "amp.overflows"))

    def test_convnet(self):
        """Convolutions and their gradients, batch statistics, dropout."""
        self.check("convnet.mlir", 5, "--policy=bf16", "--optimizer=adamw,lr=2e-3",
                   has=("conv2.weight", "conv2.weight.v", "norm1.mean", "dropout.step"))


main()
