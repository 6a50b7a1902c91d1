#===- data.py - Data files of vernier-run
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# Data files: what fits is bound by name and converted exactly, the rest is
# refused with file, array, place and remedy.
# REQUIRES: numpy
# RUN: %python %s %t

import struct
import warnings
import zipfile

from Inputs.runner import *


class Data(RunnerTest):
    def setUp(self):
        super().setUp()
        make_plan("m.vplan")

    def refuses(self, *says, code=BAD_FILE, verb=("train", "--steps", 3), **changes):
        make_data("train.npz", **changes)
        return self.fails(code, "m.vplan", *verb, "--data", "train.npz", says=says)

    def test_types(self):
        """Labels and pixels may be stored in any type that holds them exactly."""
        image = np.arange(16 * 16).reshape(16, 16) % 3
        losses = set()
        for label_type in ("i1", "u1", "i2", "i4", "i8", "u8", "f4", "f8"):
            for image_type in ("f4", "f8", "f2", "u1", "i8"):
                make_data("train.npz", image=image.astype(image_type),
                          label=(np.arange(16) % 4).astype(label_type))
                losses.add(run("m.vplan", "train", "--data", "train.npz", "--steps", 3).result["loss"])
        self.assertEqual(len(losses), 1)

    def test_shapes(self):
        """Neighbouring dims may be merged: (N, 4, 4) images are (N, 16)."""
        image = np.random.RandomState(0).rand(16, 4, 4).astype("f4")
        label = np.arange(16) % 4
        losses = set()
        for i, l in ((image, label), (image.reshape(16, 16), label.reshape(16, 1))):
            make_data("train.npz", image=i, label=l)
            losses.add(run("m.vplan", "train", "--data", "train.npz", "--steps", 3).result["loss"])
        self.assertEqual(len(losses), 1)

    def test_compressed(self):
        """savez_compressed is read as savez is."""
        make_data("train.npz")
        arrays = np.load("train.npz")
        np.savez_compressed("small.npz", **arrays)
        self.assertEqual(run("m.vplan", "train", "--data", "train.npz", "--steps", 3).result["loss"],
                         run("m.vplan", "train", "--data", "small.npz", "--steps", 3).result["loss"])

    def test_names(self):
        self.refuses("train.npz: there is no array 'image' (f32 (8, 16))", "did you mean 'images'?",
                     "the file holds 'images' float32 (10, 16), 'label' int64 (10,)",
                     rows=10, image=None, images=np.zeros((10, 16), "f4"))

    def test_wrong_shape(self):
        self.refuses("array 'image' is float32 (100, 15), but the model takes f32 (8, 16) in "
                     "batches of 8; expected shape (rows, 16)", image=np.zeros((100, 15), "f4"))
        self.refuses("array 'image' is float32 (100, 4, 5)", image=np.zeros((100, 4, 5), "f4"))
        self.refuses("expected shape (rows,)", label=np.zeros((100, 2), "i4"))
        self.refuses("'label' has 99 rows but 'image' has 100", label=np.zeros(99, "i4"))
        self.refuses("array 'image' is float32 ()", image=np.float32(1))

    def test_wrong_type(self):
        self.refuses("array 'image'", "its type '<c8' is not supported", image=np.zeros((100, 16), "c8"))
        self.refuses("array 'label'", "its type '<U1'", label=np.full(100, "a"))
        self.refuses("array 'image'", "it is big endian", image=np.zeros((100, 16), ">f4"))
        self.refuses("array 'image'", "Fortran order", image=np.zeros((16, 100), "f4").T)
        self.refuses("array 'label': element [7] is 0.5, which int32 cannot hold exactly",
                     "a.astype('int32')", label=np.where(np.arange(100) == 7, 0.5, 0))
        self.refuses("array 'image': element [0, 0] is 0.10000000000000001, which float32 cannot hold "
                     "exactly", image=np.full((100, 16), 0.1))
        self.refuses("which int32 cannot hold exactly", label=np.full(100, 2**40))

    def test_other_arrays(self):
        """What no input of the plan names may be anything."""
        losses = set()
        for others in ({}, {"names": np.full(100, "abc"), "objects": np.array([{}, "x"], object),
                            "dates": np.array(["2024-01-01"], "M8[D]"), "waves": np.zeros(3, "c8"),
                            "big": np.zeros(3, ">f4"), "columns": np.zeros((2, 3), "f4").T,
                            "records": np.zeros(3, [("x", "f4")])}):
            make_data("train.npz", **others)
            losses.add(run("m.vplan", "train", "--data", "train.npz", "--steps", 3).result["loss"])
        # Not even arrays, or two of one name.
        with zipfile.ZipFile("train.npz", "a") as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in ("text.npy", "text.npy", "notes.txt", "dates.npy"):
                archive.writestr(name, "nothing\n")
        losses.add(run("m.vplan", "train", "--data", "train.npz", "--steps", 3).result["loss"])
        self.assertEqual(len(losses), 1)
        # One that is missing is: the list says what there is.
        self.refuses("there is no array 'label'", "the file holds 'image' float32 (100, 16), 'labels' (cannot be read)",
                     label=None, labels=np.full(100, "a"))
        with zipfile.ZipFile(make_data("train.npz"), "a") as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            archive.writestr("label.npy", "nothing\n")
        self.fails(BAD_FILE, "m.vplan", "train", "--data", "train.npz", "--steps", 3,
                   says="train.npz: array 'label': it is in the archive twice")

    def test_labels(self):
        """All labels are checked before the first step, also those of the last row."""
        label = np.zeros(100, "i8")
        label[99] = 4
        self.refuses("'label' in row 99 is 4; expected a class in 0..3", label=label)
        label[99] = -1
        self.refuses("'label' in row 99 is -1; expected a class in 0..3", label=label)

    def test_rows(self):
        self.refuses("has 7 rows, fewer than a batch of 8", rows=7)
        self.refuses("has 0 rows", rows=0)
        self.refuses("has no rows", rows=0, verb=("eval",))
        run("m.vplan", "train", "--data", make_data("train.npz", rows=8), "--steps", 3)

    def test_eval_data(self):
        """--eval-data is checked before the first step too."""
        make_data("train.npz")
        make_data("test.npz", label=np.full(100, 9))
        self.fails(BAD_FILE, "m.vplan", "train", "--steps", 3, "--data", "train.npz", "--eval-data",
                   "test.npz", says="test.npz: 'label' in row 0 is 9")

    def test_missing(self):
        self.fails(BAD_FILE, "m.vplan", "train", "--steps", 3, "--data", "none.npz",
                   says="none.npz: cannot be opened: No such file or directory")

    def test_broken(self):
        """No truncated or altered archive is accepted or crashes."""
        make_data("train.npz", rows=16)
        good = pathlib.Path("train.npz").read_bytes()
        bad = pathlib.Path("bad.npz")
        command = ("m.vplan", "train", "--data", "bad.npz", "--steps", 1)
        random = np.random.RandomState(1)
        for size in [0, 1, 21, len(good) // 2, len(good) - 1]:
            bad.write_bytes(good[:size])
            self.fails(BAD_FILE, *command, says="bad.npz")
        bad.write_bytes(b"this is text, not an archive\n" * 9)
        self.fails(BAD_FILE, *command, says="expected a .npz archive")
        for at in random.randint(0, len(good), 40):
            altered = bytearray(good)
            altered[at] ^= 1 << random.randint(8)
            bad.write_bytes(altered)
            process = subprocess.run([RUN, *map(str, command)], capture_output=True, text=True)
            # Some bytes (dates, say) do not matter.
            self.assertIn(process.returncode, (OK, BAD_FILE), process.stderr)

    def test_lying_size(self):
        """An array that claims to be huge is refused at once."""
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 16)}\n"
        with zipfile.ZipFile("bad.npz", "w") as archive:
            archive.writestr("image.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
        self.fails(BAD_FILE, "m.vplan", "train", "--data", "bad.npz", "--steps", 1,
                   says="it should hold 6399999999936 bytes")


main()
