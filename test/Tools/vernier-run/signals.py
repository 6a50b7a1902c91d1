#===- signals.py - Ctrl-C, and what else ends a run
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# The first signal finishes the step, saves and exits with 130; the second exits
# at once and leaves the checkpoints alone.
# REQUIRES: numpy
# RUN: %python %s %t

import fcntl
import pty
import select
import signal
import termios
import time

from Inputs.runner import *


class Signals(RunnerTest):
    def start(self, *flags, **options):
        make_plan("m.vplan")
        make_data("train.npz")
        process = subprocess.Popen([RUN, "m.vplan", "train", "--data", "train.npz", "--steps", "1000000000",
                                    "--log-every", "1000", *flags], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, **options)
        for line in process.stderr:
            if line.startswith("step "):
                return process

    def test_save(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            shutil.rmtree("ck", ignore_errors=True)
            process = self.start("--save", "ck", "--log", "m.csv")
            process.send_signal(number)
            stdout, stderr = process.communicate(timeout=30)
            self.assertEqual(process.returncode, INTERRUPTED, stderr)
            self.assertIn("go on with --resume ck", stderr)
            self.assertTrue(stdout.startswith("RESULT interrupted steps="))
            steps = int(result_of(stdout)["steps"])
            self.assertEqual(checkpoints("ck")[-1].name, f"step-{steps:08}")
            # The checkpoint and the metrics are those of a run of that length.
            run("m.vplan", "train", "--data", "train.npz", "--steps", steps, "--save", "straight",
                "--log", "straight.csv")
            self.assertEqual(digest(checkpoints("ck")[-1]), digest(checkpoints("straight")[-1]))
            self.assertEqual(pathlib.Path("m.csv").read_text(), pathlib.Path("straight.csv").read_text())
            shutil.rmtree("straight")

    def test_without_save(self):
        process = self.start()
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
        self.assertEqual(process.returncode, INTERRUPTED)
        self.assertIn("nothing is saved without --save", stderr)

    def test_second(self):
        """While the tool is stopped both signals queue up: it exits at once, unsaved."""
        process = self.start("--save", "ck", "--save-every", "1000")
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.05)
        before = [c.name for c in checkpoints("ck")]
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        stdout, _ = process.communicate(timeout=30)
        self.assertEqual(process.returncode, INTERRUPTED)
        self.assertEqual(stdout, "")
        self.assertEqual([c.name for c in checkpoints("ck")], before)
        run("m.vplan", "eval", "--data", "train.npz", "--resume", "ck")

    def test_hang_up(self):
        """The shell and the terminal both send SIGHUP: the second does not hurry the first."""
        process = self.start("--save", "ck")
        process.send_signal(signal.SIGSTOP)
        for number in (signal.SIGHUP, signal.SIGTERM):
            process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGHUP)
        stdout, stderr = process.communicate(timeout=30)
        self.assertEqual(process.returncode, INTERRUPTED, stderr)
        self.assertEqual(checkpoints("ck")[-1].name, f"step-{int(result_of(stdout)['steps']):08}")

    def test_nohup(self):
        """Who ignores SIGHUP for it wants it to go on."""
        process = self.start("--save", "ck", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        process.send_signal(signal.SIGHUP)
        for line in process.stderr:  # goes on
            if line.startswith("step "):
                break
        process.send_signal(signal.SIGINT)
        self.assertIn("RESULT interrupted", process.communicate(timeout=30)[0])

    def test_closed_terminal(self):
        """The terminal is gone, and stderr with it: saved all the same."""
        make_plan("m.vplan")
        make_data("train.npz")
        ours, theirs = pty.openpty()
        process = subprocess.Popen([RUN, "m.vplan", "train", "--data", "train.npz", "--steps", "1000000000",
                                    "--save", "ck"], stdin=theirs, stdout=subprocess.DEVNULL, stderr=theirs,
                                   env={**os.environ, "TERM": "xterm"},  # one that rewrites its line
                                   preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)))
        os.close(theirs)
        text = b""
        while b"\rstep " not in text:
            self.assertTrue(select.select([ours], [], [], 30)[0], text)
            text += os.read(ours, 4096)
            self.assertLess(len(text), 1 << 20, text[-200:])
        os.close(ours)
        self.assertEqual(process.wait(timeout=30), INTERRUPTED)
        run("m.vplan", "eval", "--data", "train.npz", "--resume", "ck")

    def test_eval_and_predict(self):
        """What has nothing to save stops at once and writes nothing."""
        make_plan("m.vplan")
        make_data("large.npz", rows=4_000_000)
        for verb in (["eval"], ["predict", "--output", "out.npz"]):
            process = subprocess.Popen([RUN, "m.vplan", *verb, "--data", "large.npz"], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
            self.assertIn("no --resume", process.stderr.readline())  # the data is loaded
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=30)
            self.assertEqual(process.returncode, INTERRUPTED, stderr)
            self.assertIn("interrupted; nothing was written", stderr)
        self.assertFalse(pathlib.Path("out.npz").exists())

    def test_bench(self):
        make_plan("m.vplan")
        process = subprocess.Popen([RUN, "m.vplan", "bench", "--steps", "100000000"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if line.startswith("device"):
                break
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=30)
        self.assertEqual(process.returncode, INTERRUPTED)
        self.assertTrue(stdout.startswith("RESULT interrupted entry=step"))


main()
