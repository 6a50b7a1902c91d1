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

    @unittest.skipIf("asan" in os.environ["VERNIER_BUILD"], "the sanitizer's own memory counts, too")
    @unittest.skipUnless(shutil.which("vernier-compile"), "no compiler in this build")
    def test_compiled(self):
        """A compiled model of 370 MB: what a session adds to a process that has run a smaller one before is what was
        planned, to a hundredth. (oneDNN's code for a shape, up to some 100 KB each, is in no plan.)"""
        sys.path.insert(0, str(pathlib.Path(os.environ["VERNIER_SOURCE"]) / "benchmarks"))
        import mlp
        large = mlp.model()
        pathlib.Path("large.mlir").write_text(large)
        # Not a multiple of the tile: the same kinds of products.
        pathlib.Path("small.mlir").write_text(large.replace("4096", "600").replace("1024", "600"))
        for policy in ("f32", "bf16", "f16"):
            for size in ("large", "small"):
                subprocess.run(["vernier-compile", f"{size}.mlir", "-o", f"{size}.vplan", "--target=cpu:native",
                                f"--policy={policy}", "--optimizer=adam"], check=True, capture_output=True)
            for device in ("cpu:1", "cpu:2"):
                output = subprocess.run([BIN / "vernier-measure-steps", "large.vplan", device, "1", "small.vplan"],
                                        check=True, capture_output=True, text=True).stdout
                measured = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", output)}
                with self.subTest(policy=policy, device=device, **measured):
                    self.assertLessEqual(measured["grown"], 1.01 * measured["planned"])
                    self.assertLessEqual(measured["planned"], 1.10 * measured["grown"])

    def report(self, process):
        """The parts of the report: of the memory plan, the largest tensors and the advice, line by line."""
        text = process.stderr.split("not enough memory: ")[1]
        parts = re.fullmatch(r".*?\n  memory plan:\n(.*)  largest tensors:\n(.*)  what to do:\n(.*)", text, re.DOTALL)
        return [[line.strip().lstrip("- ") for line in part.splitlines()] for part in parts.groups()]

    def test_too_large(self):
        """A parameter is too large: everything in the plan is listed, and what helps against parameters."""
        make_plan("m.vplan", parameter_mib=1 << 20)  # 1 TiB
        process = self.fails(RESOURCES, "m.vplan", "train", "--data", "train.npz", "--steps", 2,
                             says="not enough memory: the plan needs 1.0 TiB")
        table, tensors, advice = self.report(process)
        self.assertEqual([line.split("  ")[0] for line in table],
                         ["parameters", "optimizer", "copies", "saved activations", "workspace", "inputs, outputs",
                          "other states", "device work space", "total"])
        self.assertRegex(tensors[0], "^1.0 TiB  parameter 'embedding'$")
        self.assertEqual(len(tensors), 5)
        self.assertIn("512 B  input 'image' of step", tensors)
        self.assertIn("smaller model: its parameters alone take 1.0 TiB", "".join(advice))
        self.assertRegex(advice[-1], "close other programs|raise the limit")
        self.assertNotIn("batch", "".join(advice))  # activations are next to nothing
        self.assertEqual(process.result, {"code": "5"})
        for verb in (("eval", "--data", "train.npz"), ("bench",),
                     ("predict", "--data", "train.npz", "--output", "o.npz")):
            self.assertEqual(self.report(self.fails(RESOURCES, "m.vplan", *verb)), [table, tensors, advice])

    @unittest.skipIf("asan" in os.environ["VERNIER_BUILD"], "the sanitizer reserves terabytes")
    @unittest.skipUnless(shutil.which("vernier-compile"), "no compiler in this build")
    def test_activations(self):
        """Inputs and saved values are too large: a smaller batch helps, bf16 only where it is not used yet."""
        pathlib.Path("m.mlir").write_text("""module @m {
  ml_program.global private mutable @w(#train.normal<0.0, 0.1>) : tensor<64x64xf32> {train.role = "parameter"}
  ml_program.global private mutable @b(#train.constant<0.0>) : tensor<64xf32> {train.role = "parameter"}
  func.func @loss(%x: tensor<16777216x64xf32> {train.name = "x"}) -> (tensor<f32> {train.name = "loss"}) {
    %w = ml_program.global_load @w : tensor<64x64xf32>
    %b = ml_program.global_load @b : tensor<64xf32>
    %h = train.linear %x, %w, %b : (tensor<16777216x64xf32>, tensor<64x64xf32>, tensor<64xf32>) -> tensor<16777216x64xf32>
    %g = train.gelu %h : tensor<16777216x64xf32>
    %o = train.linear %g, %w, %b : (tensor<16777216x64xf32>, tensor<64x64xf32>, tensor<64xf32>) -> tensor<16777216x64xf32>
    %q = arith.mulf %o, %o : tensor<16777216x64xf32>
    %s = train.reduce mean %q dims = [0, 1] : tensor<16777216x64xf32> -> tensor<f32>
    return %s : tensor<f32>
  }
}
""")
        for policy in ("f32", "bf16", "f16"):
            subprocess.run(["vernier-compile", "m.mlir", "-o", "m.vplan", f"--policy={policy}", "--optimizer=sgd,lr=0.1"],
                           check=True)
            limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
            process = self.fails(RESOURCES, "m.vplan", "bench", "--steps", 1, preexec_fn=limit,
                                 says="the address space limit (ulimit -v) leaves")
            _, tensors, advice = self.report(process)
            self.assertTrue(any(line.endswith("GiB  input 'x' of step") for line in tensors), tensors)
            self.assertTrue(any(line.endswith("saved for the backward part") for line in tensors), tensors)
            self.assertIn("smaller batch", advice[0])
            self.assertEqual("--policy=bf16" in "".join(advice), policy == "f32")
            self.assertNotIn("optimizer", "".join(advice))
            self.assertEqual(advice[-1], "raise the limit")

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
