#===- inputs.py - What is read may be anything
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# Pipes and devices are refused at once, archives by their headers; nothing that
# a file holds reaches a terminal as a command; two runs do not share a folder.
# REQUIRES: numpy
# RUN: %python %s %t

import io
import signal
import socket
import struct
import time
import zipfile

from Inputs.runner import *

TRAIN = ("m.vplan", "train", "--steps", 2, "--device=cpu:1")


class Inputs(RunnerTest):
    def setUp(self):
        super().setUp()
        make_plan("m.vplan")
        make_data("train.npz")

    def test_only_files(self):
        """No flag that reads waits for a pipe or reads a device to its end."""
        os.mkfifo("pipe")
        os.symlink("pipe", "link")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("socket")
            for path, what in (("pipe", "a pipe"), ("link", "a pipe"), ("socket", "a socket"), (".", "a folder"),
                               ("/dev/zero", "a device")):
                for arguments in ((path, "info"), (path, "bench"), (*TRAIN, "--data", path),
                                  (*TRAIN, "--data", "train.npz", "--eval-data", path),
                                  ("m.vplan", "eval", "--data", path),
                                  ("m.vplan", "predict", "--output", "o.npz", "--data", path)):
                    self.fails(BAD_FILE, *arguments, says=f"it is {what}, not a file")
                if path != ".":  # a folder may be of checkpoints
                    self.fails(BAD_FILE, *TRAIN, "--data", "train.npz", "--init", path, says=f"it is {what}, not a file")
                    self.fails(BAD_FILE, *TRAIN, "--data", "train.npz", "--resume", path, says="Not a directory")

    def test_headers_first(self):
        """Arrays that disagree are refused before an element is read: those here are damaged, and nobody finds out."""
        make_data("train.npz", label=np.zeros(99, "i8"))
        whole = pathlib.Path("train.npz").read_bytes()
        values = np.load("train.npz")["image"].tobytes()
        at = whole.index(values) + 3000
        pathlib.Path("train.npz").write_bytes(whole[:at] + b"damage" + whole[at + 6:])
        self.fails(BAD_FILE, *TRAIN, "--data", "train.npz", says="'label' has 99 rows but 'image' has 100")
        make_data("train.npz")
        whole = pathlib.Path("train.npz").read_bytes()
        at = whole.index(values) + 3000
        pathlib.Path("train.npz").write_bytes(whole[:at] + b"damage" + whole[at + 6:])
        self.fails(BAD_FILE, *TRAIN, "--data", "train.npz", says="array 'image': it is damaged")

    def forge(self, rows, claimed, method=zipfile.ZIP_DEFLATED):
        """An array 'image' whose headers claim what its bytes do not hold."""
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (rows, 16)})
        with zipfile.ZipFile("forged.npz", "w", method) as archive:
            archive.writestr("image.npy", header.getvalue() + bytes(64 * 100))
            label = io.BytesIO()
            np.save(label, np.zeros(100, "i8"))
            archive.writestr("label.npy", label.getvalue())
        forged = bytearray(pathlib.Path("forged.npz").read_bytes())
        size = struct.pack("<I", len(header.getvalue()) + claimed)
        for signature, offset in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
            at = forged.index(signature) + offset
            forged[at:at + 4] = size
        pathlib.Path("forged.npz").write_bytes(forged)

    def test_bombs(self):
        """Sizes that the compressed bytes cannot have are refused without taking memory for them."""
        rows = 60_000_000
        self.forge(rows, 64 * rows)
        self.fails(BAD_FILE, *TRAIN, "--data", "forged.npz", says="compressed bytes cannot hold the 3840000")
        self.forge(rows, 64 * rows, zipfile.ZIP_STORED)
        self.fails(BAD_FILE, *TRAIN, "--data", "forged.npz", says="forged.npz")
        # The archive and the array disagree.
        self.forge(rows, 64 * 100)
        self.fails(BAD_FILE, *TRAIN, "--data", "forged.npz", says="it should hold 3840000000 bytes")
        self.forge(100, 64 * 100, zipfile.ZIP_LZMA)
        self.fails(BAD_FILE, *TRAIN, "--data", "forged.npz", says="compressed otherwise than numpy")

    def test_terminal(self):
        """Names of files and arrays are shown, not obeyed."""
        evil = "a\x1b[31mb\x07c\x9bd\u202ee\rf"
        # libzip refuses names that have both ASCII's control characters and others.
        ascii, other = "a\x1b[31mb\x07c\r", "d\x9be\u202ef"
        make_data("train.npz", image=None, **{name: np.zeros((100, 16), "f4") for name in (ascii, other)})
        process = self.fails(BAD_FILE, *TRAIN, "--data", "train.npz", says="a\\x1b[31mb\\x07c\\x0d")
        self.assertIn("d\\u{9b}e\\u{202e}f", process.stderr)
        processes = [process, self.fails(BAD_FILE, *TRAIN, "--data", evil, says="a\\x1b[31mb"),
                     self.fails(BAD_FILE, evil, "info", says="a\\x1b[31mb")]
        shutil.copy("m.vplan", evil)
        processes += [run(evil, "info"), run(evil, "info", "--json"),
                      run(evil, "train", "--steps", 2, "--data", make_data("train.npz"))]
        for process in processes:
            for text in (process.stdout, process.stderr):
                self.assertEqual([c for c in text if c in "\x1b\x07\x9b\u202e\r"], [], text)

    def test_one_run_in_a_folder(self):
        """A second run that saves to a folder is refused when it starts; the first one, killed, leaves no lock."""
        train = ("m.vplan", "train", "--data", "train.npz", "--device=cpu:1", "--save", "ck")
        run(*train, "--steps", 2)
        first = subprocess.Popen([RUN, *map(str, train), "--resume", "ck", "--steps", "100000000", "--save-every", "50"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 60
            while "step-00000002" in pathlib.Path("ck/LATEST").read_text():
                self.assertIsNone(first.poll())
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)
            self.fails(RESOURCES, *train, "--resume", "ck", "--steps", 10**8, says="another process saves to 'ck'; choose another folder")
            run("m.vplan", "eval", "--data", "train.npz", "--resume", "ck")  # reading is free
        finally:
            first.send_signal(signal.SIGKILL)
            first.wait()
        latest = pathlib.Path("ck/LATEST").read_text().strip()
        self.assertTrue(os.path.exists(f"ck/{latest}/MANIFEST.json"), latest)
        steps = int(checkpoints("ck")[-1].name[5:])
        run(*train, "--resume", "ck", "--steps", steps + 2)
        self.assertEqual([name for name in os.listdir("ck") if name.startswith(".")], [])


main()
