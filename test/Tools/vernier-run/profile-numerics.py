#===- profile-numerics.py - The file of --profile-numerics
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# train --profile-numerics: the numbers are those of NumPy and ml_dtypes, the
# file is complete or not there, and the training is not changed by it.
# REQUIRES: numpy, ml_dtypes
# RUN: %python %s %t

import json

import ml_dtypes

from Inputs.runner import *

# Name, type, smallest normal number.
FORMATS = (("f16", np.float16, 2.0**-14), ("bf16", ml_dtypes.bfloat16, 2.0**-126),
           ("e4m3", ml_dtypes.float8_e4m3fn, 2.0**-6), ("e5m2", ml_dtypes.float8_e5m2, 2.0**-14))
TRAIN = ("m.vplan", "train", "--data", "train.npz")


def load(path="p.json"):
    return json.loads(pathlib.Path(path).read_text())


class ProfileNumerics(RunnerTest):
    def setUp(self):
        super().setUp()
        make_plan("m.vplan")

    def tensor(self, profile, name):
        return next(t for t in profile["tensors"] if t["name"] == name)

    @unittest.skipUnless(shutil.which("vernier-compile"), "no compiler in this build")
    def test_windows(self):
        """Of a window of micro-batches the last is recorded: the products are those of a plan without."""
        digits = pathlib.Path(os.environ["VERNIER_SOURCE"]) / "examples/digits"
        products, roles = {}, {}
        for count in (1, 3):
            subprocess.run(["vernier-compile", digits / "convnet.mlir", "-o", "d.vplan", "--policy=f32",
                            f"--accumulate={count}"], check=True)
            run("d.vplan", "train", "--data", digits / "train.npz", "--steps", 3, "--profile-numerics", "d.json",
                "--profile-every", 1)
            profile = load("d.json")
            products[count] = [(p["role"], p["op"], p["identity"], p.get("parameter")) for p in profile["products"]]
            roles[count] = {(t["name"], t["role"]) for t in profile["tensors"] if t["role"] in ("input", "parameter")}
        self.assertEqual(len(products[1]), 11)
        self.assertEqual(products[3], products[1])
        self.assertEqual(roles[3], roles[1])

    @unittest.skipUnless(shutil.which("vernier-compile"), "no compiler in this build")
    def test_path(self):
        """The path of a model, which locations hold, need not be UTF-8; a profile is."""
        digits = pathlib.Path(os.environ["VERNIER_SOURCE"]) / "examples/digits"
        shutil.copy(digits / "mlp.mlir", b"m\xff.mlir")
        subprocess.run(["vernier-compile", b"m\xff.mlir", "-o", "d.vplan", "--policy=f32"], check=True)
        run("d.vplan", "train", "--data", digits / "train.npz", "--steps", 1, "--profile-numerics", "d.json",
            "--profile-every", 1)
        self.assertTrue(any(p["location"].startswith("m\ufffd.mlir:") for p in load("d.json")["products"]))

    def test_counts(self):
        """Planted numbers: exponents, ranges, zeros, losses in each format, rounding errors."""
        random = np.random.RandomState(0)
        image = (random.randn(8, 16) * 2.0 ** random.randint(-30, 17, (8, 16))).astype(np.float32)
        image[0, :6] = 0, -0.0, 65519.996, 65520, 2.0**-25, 1e-40
        make_data("train.npz", rows=8, image=image)
        run(*TRAIN, "--steps", 2, "--profile-numerics", "p.json", "--profile-every", 1)
        tensor = self.tensor(load(), "image")
        self.assertEqual((tensor["role"], tensor["dtype"], tensor["shape"]), ("input", "f32", [8, 16]))
        self.assertEqual((tensor["elements"], tensor["counted"], tensor["zeros"]), (256, 256, 4))
        values = np.abs(image[image != 0]).astype(np.float64)
        self.assertEqual(tensor["max_magnitude"], values.max())
        self.assertEqual(tensor["min_magnitude"], values.min())
        self.assertEqual(tensor["max_exponent"], np.floor(np.log2(values.max())))
        self.assertEqual(tensor["min_exponent"], np.floor(np.log2(values.min())))
        exponents = np.maximum(np.floor(np.log2(values)), -127).astype(int)
        expected = np.bincount(exponents - exponents.min()) * 2
        self.assertEqual(tensor["exponents"], {"first": exponents.min(), "counts": expected.tolist()})
        self.assertAlmostEqual(tensor["rms"] / np.sqrt(np.mean(image.astype(np.float64)**2)), 1, 5)
        self.assertAlmostEqual(tensor["mean"] / np.mean(image.astype(np.float64)), 1, 4)
        for name, dtype, normal in FORMATS:
            with np.errstate(over="ignore"):
                rounded = values.astype(np.float32).astype(dtype).astype(np.float64)
            loss, finite = tensor["formats"][name], np.isfinite(rounded)
            self.assertAlmostEqual(loss["overflow"], np.mean(~finite), 12, name)
            self.assertAlmostEqual(loss["to_zero"], np.mean(rounded == 0), 12, name)
            self.assertAlmostEqual(loss["subnormal"], np.mean((rounded > 0) & (rounded < normal)), 12, name)
            error = np.sqrt(np.sum((values - rounded)[finite]**2) / np.sum(values**2))
            self.assertAlmostEqual(loss["relative_error"], error, 6, name)

    def test_file(self):
        """What the file says of the model and the steps, also of a resumed run."""
        make_data("train.npz")
        make_data("test.npz", seed=1)
        run(*TRAIN, "--steps", 25, "--save", "ck", "--eval-data", "test.npz", "--profile-numerics", "p.json")
        profile = load()
        self.assertEqual(profile["schema"], 2)
        self.assertEqual(profile["model"]["parameters"], {"w": [4, 16], "b": [4]})
        self.assertEqual(profile["model"]["inputs"], {"image": [8, 16], "label": [8]})
        self.assertEqual([profile[k] for k in ("every", "sampled_steps", "first_step", "last_step")], [10, 3, 1, 21])
        # Evaluation is not recorded, and integers have no exponents.
        self.assertEqual(self.tensor(profile, "image")["elements"], 3 * 8 * 16)
        self.assertNotIn("label", [t["name"] for t in profile["tensors"]])
        roles = {t["role"] for t in profile["tensors"]}
        self.assertLessEqual({"input", "parameter", "forward"}, roles)
        run(*TRAIN, "--steps", 45, "--resume", "ck", "--profile-numerics", "p.json", "--profile-every", 7)
        self.assertEqual([load()[k] for k in ("every", "sampled_steps", "first_step", "last_step")], [7, 3, 29, 43])
        # None of the steps of this run is one of those.
        run(*TRAIN, "--steps", 26, "--resume", "ck/step-00000025", "--profile-numerics", "p.json")
        self.assertEqual((load()["sampled_steps"], load()["tensors"]), (0, []))

    def test_neutral(self):
        """The same bits with and without, and with --check-numerics beside it."""
        make_data("train.npz")
        digests = set()
        for i, flags in enumerate(((), ("--profile-numerics", "p.json", "--profile-every", 1),
                                   ("--profile-numerics", "p.json", "--check-numerics"))):
            run(*TRAIN, "--steps", 20, "--save", f"ck{i}", *flags)
            digests.add(digest(checkpoints(f"ck{i}")[0]))
        self.assertEqual(len(digests), 1)

    def test_not_finite(self):
        """A run that ends because its loss is not finite leaves its profile: here is where it began."""
        image = np.array(np.load(make_data("train.npz", rows=16))["image"])
        image[4, 5], image[4, :2] = np.nan, np.inf
        make_data("train.npz", rows=16, image=image)
        self.fails(NUMERIC, *TRAIN, "--steps", 12, "--profile-numerics", "p.json", "--profile-every", 1,
                   says="the loss is")
        profile = load()
        tensor = self.tensor(profile, "image")
        self.assertEqual((tensor["nan"], tensor["inf"]), (1, 2))
        if profile["sampled_steps"] == 1:  # else a step with a finite loss came first
            self.assertIsNone(profile["mean_loss_magnitude"])
        # With a scaler the step is skipped, and said to be.
        make_plan("s.vplan", scale=1024)
        run("s.vplan", *TRAIN[1:], "--steps", 4, "--profile-numerics", "s.json", "--profile-every", 1)
        self.assertEqual(load("s.json")["skipped_steps"], 2)

    def test_refused(self):
        """A file that cannot be written is said before the first step; a failure leaves the old file."""
        make_data("train.npz")
        process = self.fails(RESOURCES, *TRAIN, "--steps", 5, "--save", "ck", "--profile-numerics", "no/p.json",
                             says="no/p.json: cannot be opened for writing: No such file or directory")
        self.assertFalse(pathlib.Path("ck").exists())
        self.assertNotIn("step 1", process.stderr)
        pathlib.Path("p.json").write_text("old")
        self.fails(USAGE, *TRAIN, "--steps", 5, "--profile-numerics", "p.json", "--profile-every", 0,
                   says="--profile-every: '0' is not a whole number of at least 1")
        self.fails(USAGE, *TRAIN, "--steps", 5, "--profile-every", 3,
                   says="--profile-every needs --profile-numerics FILE.json")
        self.assertEqual(pathlib.Path("p.json").read_text(), "old")
        os.mkdir("folder")
        self.fails(RESOURCES, *TRAIN, "--steps", 5, "--profile-numerics", "folder", says="folder: cannot be replaced")
        self.assertEqual(sorted(p.name for p in pathlib.Path(".").iterdir()),
                         ["folder", "m.vplan", "p.json", "train.npz"])


main()
