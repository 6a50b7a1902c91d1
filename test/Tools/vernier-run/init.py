#===- init.py - Weights from files of anyone
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# --init takes weights by name from safetensors files that this test writes itself,
# from .npz files and from checkpoints, and nothing else of them. What does not fit
# is refused with its name, both shapes and the file.
# REQUIRES: numpy
# RUN: %python %s %t

import zipfile

from Inputs import safetensors
from Inputs.runner import *
from Inputs.tensors import read_states

random = np.random.RandomState(3)
W = random.randn(4, 16).astype(np.float32)
B = random.randn(4).astype(np.float32)


class Init(RunnerTest):
    def setUp(self):
        super().setUp()
        make_plan("m.vplan", scale=1024)
        make_data("train.npz")

    def states(self, path, *flags, plan="m.vplan"):
        """All states after --init and no step, and what was said."""
        shutil.rmtree("ck", ignore_errors=True)
        process = run(plan, "train", "--data", "train.npz", "--steps", 0, "--init", path, "--save", "ck", *flags)
        return read_states(checkpoints("ck")[-1]), process.stderr

    def weights(self, path, *flags):
        states, said = self.states(path, *flags)
        return (np.frombuffer(states["w"], np.float32).reshape(4, 16), np.frombuffer(states["b"], np.float32), said)

    def refused(self, path, *flags, says, code=BAD_FILE):
        """Refused by every verb, and nothing is saved."""
        for verb in (("train", "--steps", 1, "--save", "none"), ("eval",), ("predict", "--output", "o.npz")):
            self.fails(code, "m.vplan", *verb, "--data", "train.npz", "--init", path, *flags, says=says)
        self.assertFalse(os.path.exists("none/LATEST") or os.path.exists("o.npz"))

    def write(self, **tensors):
        return safetensors.write("file.safetensors", {"w": W, "b": B, **tensors})

    def test_types(self):
        """Each float type becomes f32 with at most one rounding, which is said."""
        w, b, said = self.weights(self.write())
        np.testing.assert_array_equal(w, W)
        np.testing.assert_array_equal(b, B)
        self.assertNotIn("became", said)
        self.assertNotIn("warning", said)
        thirds = W.astype(np.float64) / 3
        rounded = np.count_nonzero(thirds.astype(np.float32) != thirds)
        for name, stored, value, text in (
                ("f16", W.astype(np.float16), W.astype(np.float16), "f16 became f32, every value as it was"),
                ("bf16", safetensors.bf16(W), safetensors.from_bf16(safetensors.bf16(W)),
                 "bf16 became f32, every value as it was"),
                ("f64", thirds, thirds, f"f64 became f32: {rounded} values rounded once"),
                ("tiny", np.full((4, 16), 1e-60), np.zeros((4, 16)),
                 "f64 became f32: 64 values rounded once, 64 of them to zero")):
            w, b, said = self.weights(self.write(w=stored))
            np.testing.assert_array_equal(w, value.astype(np.float32), name)
            np.testing.assert_array_equal(b, B, name)
            self.assertIn("1 tensor of " + text, said)

    def test_rounds_once(self):
        """f64 to f32 to nearest even, as numpy rounds: ties, next to ties, subnormals."""
        ties = 1 + (2 * np.arange(16) + 1) * 2.0**-24
        values = np.stack([ties, np.nextafter(ties, 2), np.nextafter(ties, 0), ties * 2.0**-140])
        w, _, _ = self.weights(self.write(w=values))
        np.testing.assert_array_equal(w.view(np.uint32), values.astype(np.float32).view(np.uint32))

    def test_nothing_else(self):
        """Optimizer, scaler and counters start anew, whatever the file has of them."""
        run("m.vplan", "train", "--data", "train.npz", "--steps", 20, "--save", "trained")
        before = read_states(checkpoints("trained")[0])
        fresh = self.states(self.write())[0]
        for source in ("trained", checkpoints("trained")[0], checkpoints("trained")[0] / "params.safetensors"):
            states, _ = self.states(source)
            self.assertEqual((states["w"], states["b"]), (before["w"], before["b"]))
            for name in states.keys() - {"w", "b"}:
                self.assertEqual(states[name], fresh[name], name)
        self.assertNotEqual(before["w.m"], fresh["w.m"])
        self.assertNotEqual(before["train.step"], fresh["train.step"])
        # A file may hold them: they are not taken, which is said.
        states, said = self.states(self.write(**{"w.m": W, "train.step": np.int32(7)}))
        self.assertEqual(states["w.m"], fresh["w.m"])
        self.assertEqual(states["train.step"], fresh["train.step"])
        self.assertIn("tensors that are not used: 'train.step', 'w.m'", said)
        # The run begins at step 1.
        self.assertEqual(run("m.vplan", "train", "--data", "train.npz", "--steps", 5, "--init", "trained").result["steps"], "5")

    def test_evaluates(self):
        """eval and predict compute with them: logits as numpy has them."""
        run("m.vplan", "predict", "--data", "train.npz", "--init", self.write(), "--output", "o.npz")
        logits = np.load("train.npz")["image"] @ W.T + B
        np.testing.assert_allclose(np.load("o.npz")["logits"], logits, rtol=1e-5, atol=1e-5)
        label = np.load("train.npz")["label"]
        loss = np.mean((logits - np.eye(4)[label]) ** 2)
        result = run("m.vplan", "eval", "--data", "train.npz", "--init", "file.safetensors").result
        self.assertAlmostEqual(float(result["loss"]), loss, places=4)
        run("m.vplan", "train", "--data", "train.npz", "--steps", 20, "--save", "trained")
        self.assertEqual(*(run("m.vplan", "eval", "--data", "train.npz", flag, "trained").result["loss"]
                           for flag in ("--init", "--resume")))

    def test_npz(self):
        """numpy's archives: float32 and float64, compressed; others' arrays do not matter."""
        np.savez_compressed("w.npz", w=W.astype(np.float64), b=B, note=np.array(["text"], object))
        w, b, said = self.weights("w.npz")
        np.testing.assert_array_equal(w, W)
        np.testing.assert_array_equal(b, B)
        self.assertIn("note", said)
        np.savez("w.npz", w=np.ascontiguousarray(W.T), b=B)
        self.refused("w.npz", says=("w.npz", "'w' is f32[16, 4]", "f32[4, 16]", "transposed"))
        np.savez("w.npz", w=np.asfortranarray(W), b=B)
        self.refused("w.npz", says=("array 'w': it is in Fortran order", "'w.npz' has no 'w'"))
        np.savez("w.npz", w=W, b=B.astype(complex))
        self.refused("w.npz", says=("w.npz", "'b'"))

    def test_names(self):
        """By flag, by pattern, by file; the first rule that fits counts."""
        path = safetensors.write("file.safetensors", {"model.fc.w": W, "bias": B, "model.fc.b": B + 1})
        for flags, bias in ((("--init-map", "w=model.fc.w", "--init-map", "b=bias"), B),
                            (("--init-map", "*=model.fc.*"), B + 1),
                            (("--init-map", "b=bias", "--init-map", "*=model.fc.*"), B)):
            w, b, _ = self.weights(path, *flags)
            np.testing.assert_array_equal(w, W)
            np.testing.assert_array_equal(b, bias)
        pathlib.Path("names.txt").write_text("# ours=theirs\n\nb=bias\r\n*=model.fc.*\n")
        np.testing.assert_array_equal(self.weights(path, "--init-map", "names.txt")[1], B)
        self.refused(path, says=("has none of the plan's weights", "'bias', 'model.fc.b', 'model.fc.w'",
                                 "perhaps --init-map '*=model.fc.*'"))
        self.refused(path, "--init-map", "w=model.fc.w",
                     says=("'file.safetensors' has no 'b'", "'bias', 'model.fc.b', which are not used", "--init-partial"))
        self.refused(path, "--init-map", "x=bias", "--init-map", "*=model.fc.*", code=USAGE,
                     says="'x=bias' renames nothing")
        self.refused(path, "--init-map", "*=model.fc.w", code=USAGE, says="'*=model.fc.w': expected one * on both sides")
        self.refused(path, "--init-map", "**=a.**", code=USAGE, says="expected one *")
        self.refused(path, "--init-map", "=w", code=USAGE, says="'=w' is no name: expected OURS=THEIRS")
        self.refused(path, "--init-map", "none.txt", says="cannot read 'none.txt'")
        pathlib.Path("names.txt").write_text("b=bias\nw model.fc.w\n")
        self.refused(path, "--init-map", "names.txt", says="names.txt:2: 'w model.fc.w' is no name")

    def test_partial(self):
        """What the file lacks starts as the model says; what starts so is named."""
        start = read_states(self.initial(5))
        path = safetensors.write("file.safetensors", {"b": B, "other": W})
        self.refused(path, says=("has no 'w'", "'other'"))
        states, said = self.states(path, "--init-partial", "--seed", 5)
        self.assertEqual(states["w"], start["w"])
        self.assertEqual(states["b"], B.tobytes())
        self.assertIn("1 weight of 'file.safetensors'", said)
        self.assertIn("weights that stay as they are: 'w'", said)
        self.assertIn("tensors that are not used: 'other'", said)
        # OURS= leaves one alone that the file has, in whatever shape.
        states, said = self.states(self.write(w=W[:3]), "--init-map", "w=", "--seed", 5)
        self.assertEqual((states["w"], states["b"]), (start["w"], B.tobytes()))
        self.assertIn("weights that stay as they are: 'w'", said)
        self.refused(safetensors.write("file.safetensors", {"other": W}), "--init-partial", says="has none of the plan's weights")
        # A file that has it in another shape is not one that lacks it.
        self.refused(self.write(w=W[:3]), "--init-partial", says=("f32[3, 16]", "f32[4, 16]"))

    def initial(self, seed):
        run("m.vplan", "train", "--data", "train.npz", "--steps", 0, "--seed", seed, "--save", "start")
        return checkpoints("start")[0]

    def test_wrong_shapes(self):
        """Both shapes, the file, and what may have happened."""
        for value, says in ((np.ascontiguousarray(W.T), ("'w' is f32[16, 4]", "transposed")),
                            (W.reshape(4, 4, 4), ("'w' is f32[4, 4, 4]", "reshape it")),
                            (W[None], ("'w' is f32[1, 4, 16]", "reshape it")),
                            (W[:, :15], ("'w' is f32[4, 15]", "--init-map w=")),
                            (W.astype(np.float16).T, ("'w' is f16[16, 4]", "transposed"))):
            self.refused(self.write(w=value), says=("'file.safetensors': ", "'w' of the plan is f32[4, 16]", *says))
        self.refused(self.write(b=B[:, None]), says="'b' is f32[4, 1], 'b' of the plan is f32[4]")

    def test_wrong_values(self):
        """A NaN, an inf, what f32 cannot hold, what is no float: with its place."""
        def spoilt(value, dtype=np.float32):
            w = W.astype(dtype)
            w[1, 2] = value
            return w
        for value, says in ((spoilt(np.nan), "it holds nan at [1, 2]"),
                            (spoilt(-np.inf, np.float16), "it holds -inf at [1, 2]"),
                            (spoilt(1e39, np.float64), "it holds 1e+39 at [1, 2], which f32 cannot"),
                            (safetensors.bf16(spoilt(np.inf)), "it holds inf at [1, 2]"),
                            (np.ones((4, 16), np.int64), "values of type I64 do not become f32"),
                            (np.ones((4, 16), bool), "values of type BOOL do not become f32"),
                            (safetensors.Raw("F8_E4M3", (4, 16), bytes(64)), "values of type F8_E4M3 do not become f32")):
            self.refused(self.write(w=value), says=("file.safetensors", "'w'", says))
        # Of tensors that are not used only the names matter.
        self.weights(self.write(x=np.full(3, np.nan, np.float32), y=safetensors.Raw("F4", (3, 2), bytes(3))))

    def test_wrong_files(self):
        """No file, no format, damage."""
        self.refused("none.safetensors", says="none.safetensors")
        os.mkdir("empty")
        self.refused("empty", says="there is no checkpoint below 'empty'")
        self.refused("train.npz", says=("train.npz", "has none of the plan's weights", "'image', 'label'"))
        self.refused("m.vplan", says=("m.vplan", "not a safetensors file"))
        twice = '{"w": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}, "w": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}'
        self.refused(safetensors.write("twice.safetensors", {}, header=twice), says="the key 'w' occurs twice")
        self.write()
        content = pathlib.Path("file.safetensors").read_bytes()
        for size in (0, 7, 20, len(content) - 1):
            pathlib.Path("cut.safetensors").write_bytes(content[:size])
            self.refused("cut.safetensors", says="'cut.safetensors'")
        with zipfile.ZipFile("model.pt", "w") as archive:
            archive.writestr("model/data.pkl", b"\x80\x02}q\x00.")
        self.refused("model.pt", says=("a zip archive, as torch.save writes", "safetensors.torch.save_file"))

    def test_damaged_checkpoint(self):
        """The next older one is taken, and that is said."""
        run("m.vplan", "train", "--data", "train.npz", "--steps", 20, "--save", "two", "--save-every", 10)
        older = read_states(checkpoints("two")[0])
        file = checkpoints("two")[1] / "params.safetensors"
        file.write_bytes(file.read_bytes()[:-1] + b"\0")
        states, said = self.states("two")
        self.assertEqual(states["w"], older["w"])
        self.assertIn("skipped the damaged checkpoint", said)

    def test_flags(self):
        path = self.write()
        train = ("m.vplan", "train", "--data", "train.npz", "--steps", 1)
        self.fails(USAGE, *train, "--init", path, "--resume", "ck", says="give one")
        self.fails(USAGE, *train, "--init-partial", says="--init-partial needs --init")
        self.fails(USAGE, *train, "--init-map", "a=b", says="--init-map needs --init")
        self.fails(USAGE, *train, "--init", "", says="empty")
        self.fails(USAGE, *train, "--init", path, "--log", path, says="would overwrite the file of --init")
        self.assertEqual(run(*train[:-1], 0, "--init", path).result["steps"], "0")


if __name__ == "__main__":
    main()
