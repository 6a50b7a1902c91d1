#===- overwriting.py - Files that are not to be overwritten
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# What a run reads it does not write, under whatever name; nor two things to one file.
# REQUIRES: numpy
# RUN: %python %s %t

from Inputs.runner import *

TRAIN = ("m.vplan", "train", "--data", "d.npz", "--steps", 2)


class Overwriting(RunnerTest):
    def setUp(self):
        super().setUp()
        make_plan("m.vplan")
        make_data("d.npz")
        make_data("e.npz", seed=1)
        self.before = self.contents()

    def contents(self):
        return {path.name: path.read_bytes() for path in pathlib.Path(".").iterdir() if path.is_file()}

    def refused(self, *args, says, code=USAGE):
        """Nothing is written, no folder made."""
        self.fails(code, *args, says=says)
        self.assertEqual(self.contents(), self.before)
        self.assertFalse(pathlib.Path("ck").exists())

    def test_inputs(self):
        """Each output flag with each input."""
        inputs = {"m.vplan": "the plan", "d.npz": "the file of --data", "e.npz": "the file of --eval-data"}
        for flag in ("--log", "--profile-numerics"):
            for path, what in inputs.items():
                self.refused(*TRAIN, "--eval-data", "e.npz", "--save", "ck", flag, path,
                             says=f"error: {flag} {path} would overwrite {what}; give another file\n")
        for path in ("m.vplan", "d.npz"):
            self.refused("m.vplan", "predict", "--data", "d.npz", "--output", path,
                         says=f"error: --output {path} would overwrite {inputs[path]}")

    def test_spellings(self):
        """Other spellings of a path, and links."""
        os.symlink("d.npz", "soft.npz")
        os.link("d.npz", "hard.npz")
        self.before = self.contents()
        for path in ("./d.npz", self.folder / "d.npz", "../" + self.folder.name + "/d.npz", "soft.npz", "hard.npz"):
            for flags in ((*TRAIN, "--log"), ("m.vplan", "predict", "--data", "d.npz", "--output")):
                self.refused(*flags, path, says=f"{path} would overwrite the file of --data")
        self.refused("m.vplan", "predict", "--data", "soft.npz", "--output", "hard.npz", says="would overwrite")

    def test_two_outputs(self):
        """Two outputs that are one file, whether or not it is there."""
        for other in ("x", "./x", self.folder / "x"):
            self.refused(*TRAIN, "--log", "x", "--profile-numerics", other,
                         says=f"--log and --profile-numerics are the same file, {other}; give one of them another")
        run(*TRAIN, "--log", "x")
        self.before = self.contents()
        self.refused(*TRAIN, "--log", "x", "--profile-numerics", "./x", says="are the same file")

    def test_log(self):
        """A log replaces a log of before, also of another version, torn or empty; no other file."""
        for text in ("notes\n", "step,epoch\n1,2\n", "1,2,3\n", "\n"):
            pathlib.Path("m.csv").write_text(text)
            self.before = self.contents()
            self.refused(*TRAIN, "--log", "m.csv", "--save", "ck", code=BAD_FILE,
                         says="m.csv: is not a metrics file of this tool; give --log another file")
        rows = None
        for text in ("", "step,epo", "step,epoch,loss,accuracy\n1,1,2,3\n", None):
            if text is not None:
                pathlib.Path("m.csv").write_text(text)
            run(*TRAIN, "--log", "m.csv")
            rows = rows or pathlib.Path("m.csv").read_text()
            self.assertEqual(pathlib.Path("m.csv").read_text(), rows)
        # Devices keep nothing.
        run(*TRAIN, "--log", "/dev/null")


main()
