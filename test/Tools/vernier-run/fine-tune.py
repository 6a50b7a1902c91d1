#===- fine-tune.py - A trained network with another head
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# The digits' perceptron, trained on ten classes in f32, becomes one of two classes
# in bf16, with another optimizer and batch size; a convolutional network takes its
# running statistics along.
# REQUIRES: numpy, compiler
# RUN: %python %s %t

from Inputs import safetensors
from Inputs.runner import *
from Inputs.tensors import read_states

DIGITS = pathlib.Path(os.environ["VERNIER_SOURCE"]) / "examples/digits"


def compile_model(model, plan, *flags):
    subprocess.run(["vernier-compile", model, "-o", plan, *flags], check=True)
    return plan


class FineTune(RunnerTest):
    def test_other_head(self):
        """Whether a digit is at least five: with the trained layers far better after an epoch than without."""
        compile_model(DIGITS / "mlp.mlir", "ten.vplan", "--policy=f32", "--optimizer=adamw,lr=1e-3")
        run("ten.vplan", "train", "--data", DIGITS / "train.npz", "--epochs", 10, "--save", "ten")
        text = (DIGITS / "mlp.mlir").read_text()
        text = text.replace("10x128x", "2x128x").replace("<10xf32>", "<2xf32>").replace("<32x10xf32>", "<32x2xf32>")
        pathlib.Path("two.mlir").write_text(text.replace("tensor<32x", "tensor<16x"))
        compile_model("two.mlir", "two.vplan", "--policy=bf16", "--optimizer=sgd,lr=0.02")
        for part in ("train", "test"):
            data = np.load(DIGITS / f"{part}.npz")
            np.savez(part, image=data["image"], label=(data["label"] >= 5).astype(np.int32))
        command = ("two.vplan", "train", "--data", "train.npz", "--eval-data", "test.npz", "--epochs", 1)
        self.fails(BAD_FILE, *command, "--init", "ten",
                   says=("'fc3.weight' is f32[10, 128], 'fc3.weight' of the plan is f32[2, 128]", "--init-map fc3.weight="))
        tuned = run(*command, "--init", "ten", "--init-map", "fc3.*=")
        self.assertIn("weights that stay as they are: 'fc3.weight', 'fc3.bias'", tuned.stderr)
        self.assertIn("tensors that are not used: 'fc3.bias', 'fc3.weight'", tuned.stderr)
        afresh = run(*command)
        # Seen: 93.6 % and 0.203 against 89.7 % and 0.402.
        self.assertGreater(float(tuned.result["eval_accuracy"]), float(afresh.result["eval_accuracy"]) + 0.02)
        self.assertLess(float(tuned.result["eval_loss"]), 0.6 * float(afresh.result["eval_loss"]))

    def test_running_statistics(self):
        """They are weights: eval by --init is eval by --resume. Without them it is refused."""
        compile_model(DIGITS / "convnet.mlir", "f32.vplan", "--policy=f32", "--optimizer=sgd,lr=0.05,momentum=0.9")
        run("f32.vplan", "train", "--data", DIGITS / "train.npz", "--steps", 20, "--save", "ck")
        evaluate = ("f32.vplan", "eval", "--data", DIGITS / "test.npz")
        expected = run(*evaluate, "--resume", "ck").result["loss"]
        self.assertEqual(run(*evaluate, "--init", "ck").result["loss"], expected)
        shapes = {"norm1.mean": 16, "norm1.var": 16, "norm2.mean": 32, "norm2.var": 32, "norm3.mean": 64, "norm3.var": 64}
        states = {name: np.frombuffer(data, np.float32) for name, data in read_states(checkpoints("ck")[0]).items()
                  if not name.endswith("momentum") and not name.endswith("step")}
        # As PyTorch calls them, and as it lays out weights of convolutions.
        torch = {name.replace("mean", "running_mean").replace("var", "running_var"): states[name] for name in shapes}
        for name in states.keys() - shapes.keys():
            rows = {"conv1": (16, 3, 3, 1), "conv2": (32, 3, 3, 16), "conv3": (64, 3, 3, 32), "fc": (10, 64)}
            is_matrix = name.endswith("weight") and not name.startswith("norm")
            torch[name] = states[name].reshape(rows[name.split(".")[0]]) if is_matrix else states[name]
        safetensors.write("torch.safetensors", torch)
        maps = ("--init-map", "*.mean=*.running_mean", "--init-map", "*.var=*.running_var")
        self.assertEqual(run(*evaluate, "--init", "torch.safetensors", *maps).result["loss"], expected)
        self.fails(BAD_FILE, *evaluate, "--init", "torch.safetensors",
                   says="has no 'norm1.mean', 'norm1.var', 'norm2.mean'")
        safetensors.write("torch.safetensors", {**torch, "conv2.weight": torch["conv2.weight"].transpose(0, 3, 1, 2)})
        self.fails(BAD_FILE, *evaluate, "--init", "torch.safetensors", *maps,
                   says=("f32[32, 16, 3, 3]", "f32[32, 3, 3, 16]", "permute(0, 2, 3, 1)"))

    def test_padded(self):
        """A plan that stores its weights padded takes them as they are."""
        flags = ("--policy=f16", "--optimizer=sgd,lr=0.1")
        text = (DIGITS / "mlp.mlir").read_text().replace("256x64", "250x64").replace("128x256", "123x250")
        text = text.replace("10x128", "10x123").replace("<256xf32>", "<250xf32>").replace("<128xf32>", "<123xf32>")
        pathlib.Path("odd.mlir").write_text(text.replace("<32x256", "<32x250").replace("<32x128", "<32x123"))
        results = []
        for name, more in (("plain", ()), ("padded", ("--pad-for-tensor-cores",))):
            compile_model("odd.mlir", name + ".vplan", *flags, *more)
            run(name + ".vplan", "train", "--data", DIGITS / "train.npz", "--steps", 5, "--save", name)
        for plan in ("plain", "padded"):
            results.append([run(plan + ".vplan", "eval", "--data", DIGITS / "test.npz", "--init", name).result["loss"]
                            for name in ("plain", "padded")])
        np.testing.assert_allclose(np.array(results, float), float(results[0][0]), rtol=1e-3)
        np.testing.assert_allclose(float(results[0][1]), float(results[1][1]), rtol=1e-6)


if __name__ == "__main__":
    main()
