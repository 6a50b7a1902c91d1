#===- terminal.py - What a terminal shows
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# On a terminal one line is redrawn, at most ten times a second; elsewhere, and
# with TERM=dumb, there are plain lines. Colours only where they are wanted.
# REQUIRES: numpy
# RUN: %python %s %t

import pty
import threading
import time

from Inputs.runner import *


class Terminal(RunnerTest):
    def on_terminal(self, *flags, code=OK, **environment):
        make_plan("m.vplan")
        make_data("train.npz")
        ours, theirs = pty.openpty()
        chunks = []

        def collect():
            while True:
                try:
                    chunk = os.read(ours, 65536)
                except OSError:  # the other end is closed
                    return
                chunks.append(chunk)

        env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
        env.update({"TERM": "xterm", "LC_ALL": "C.UTF-8", **environment})
        start = time.monotonic()
        process = subprocess.Popen([RUN, "m.vplan", *flags], stdout=subprocess.PIPE, stderr=theirs, env=env)
        os.close(theirs)
        thread = threading.Thread(target=collect)
        thread.start()
        stdout, _ = process.communicate(timeout=120)
        self.seconds = time.monotonic() - start
        thread.join()
        os.close(ours)
        self.assertEqual(process.returncode, code)
        self.assertNotIn(b"\x1b", stdout)  # data only
        return b"".join(chunks).decode()

    def test_live(self):
        text = self.on_terminal("train", "--data", "train.npz", "--steps", "300000")
        draws = text.count("\rstep ")
        self.assertGreater(draws, 0)
        self.assertLessEqual(draws, 10 * self.seconds + 2)
        self.assertRegex(text, r"\rstep 300000/300000  loss [0-9.e-]+  accuracy [0-9.]+ %  \d+ samples/s  ETA 0:00\x1b\[K\r?\n")
        self.assertIn("\x1b[1mtraining\x1b[0m", text)
        self.assertIn("█", text)

    def test_no_color(self):
        """NO_COLOR keeps the line live but takes the colours; an ASCII locale gets ASCII bars."""
        text = self.on_terminal("train", "--data", "train.npz", "--steps", "2000", NO_COLOR="1", LC_ALL="C")
        self.assertNotIn("\x1b[1m", text)
        self.assertIn("\rstep ", text)
        self.assertTrue(text.isascii())

    def test_dumb(self):
        text = self.on_terminal("train", "--data", "train.npz", "--steps", "300", TERM="dumb")
        self.assertNotIn("\x1b", text)
        self.assertEqual([line.split()[1] for line in text.splitlines() if line.startswith("step ")],
                         ["100/300", "200/300", "300/300"])

    def test_error(self):
        self.assertIn("\x1b[1;31merror:\x1b[0m", self.on_terminal("train", "--data", "none.npz", "--steps", "1",
                                                                  code=BAD_FILE))

    def test_plain(self):
        make_plan("m.vplan", scale=2**22)
        make_data("train.npz")
        stderr = run("m.vplan", "train", "--data", "train.npz", "--steps", 25, "--log-every", 10).stderr
        lines = [line for line in stderr.splitlines() if line.startswith("step ")]
        self.assertEqual([line.split()[1] for line in lines], ["10/25", "20/25", "25/25"])
        self.assertRegex(lines[0], r"^step 10/25  loss \S+  accuracy \S+ %  scale \d+  skipped \d+  \d+ samples/s  ETA 0:\d\d$")
        self.assertNotIn("\x1b", stderr)


main()
