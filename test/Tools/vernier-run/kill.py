#===- kill.py - Killed at any instant
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# Whatever system call of a run kill -9 comes at, resuming (or starting anew if
# nothing was saved yet) ends with the bits of a run that never stopped.
# REQUIRES: numpy, strace
# RUN: %python %s %t

import concurrent.futures
import threading

from Inputs.runner import *

CALLS = "openat,fallocate,write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,ftruncate"
# One thread, so that the calls of a run come in one order.
FLAGS = ("--steps", 6, "--save-every", 2, "--keep", 2, "--save", "ck", "--log", "m.csv", "--device=cpu:1")


WORKERS = 2


class Kill(RunnerTest):
    def test_kill(self):
        """Every call of the run."""
        make_plan("m.vplan")
        make_data("train.npz", rows=16)
        self.kill("m.vplan", "train", "--data", "train.npz", *FLAGS)

    @unittest.skipUnless(shutil.which("vernier-compile"), "no compiler in this build")
    def test_digits(self):
        """The same for a compiled model: parameters, moments, copies, loss scale."""
        digits = pathlib.Path(os.environ["VERNIER_SOURCE"]) / "examples/digits"
        subprocess.run(["vernier-compile", digits / "mlp.mlir", "-o", "d.vplan", "--policy=f16",
                        "--loss-scale=dynamic", "--optimizer=adamw,lr=1e-3"], check=True)
        self.kill("d.vplan", "train", "--data", digits / "train.npz", *FLAGS)

    def kill(self, plan, verb, data, path, *flags):
        """Kill the run at each of its calls."""
        train = (self.folder / plan, verb, data, self.folder / path, *flags)
        run(*train)
        self.train, self.expected = train, digest(checkpoints("ck")[-1])
        self.expected_log = pathlib.Path("m.csv").read_text()
        shutil.rmtree("ck")

        # The first calls load libraries and data: nothing is at stake. All from
        # the folder of checkpoints on.
        calls = traced(CALLS, *train)
        first = next(i for i, (_, _, line) in enumerate(calls) if '"ck' in line)
        points = [call for call in calls[first:] if "libarcher" not in call[2]]  # OpenMP looks for it
        self.assertGreater(len(points), 150)
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            outcomes = list(pool.map(self.kill_at, points))
        killed, resumed = (sum(column) for column in zip(*outcomes))
        self.assertGreater(killed, len(points) * 0.95)  # a run may have one call less
        self.assertGreater(resumed, len(points) * 0.3)
        print(f"{killed} kills at {len(points)} calls, {resumed} resumed")

    def kill_at(self, point):
        """Kill a run at one call and go on: whether it died, and whether there was something to resume."""
        name, number, line = point
        folder = self.folder / threading.current_thread().name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        killed = inject(name, number, "signal=SIGKILL", *self.train, cwd=folder).returncode != OK
        saved = folder / "ck"
        names = [c.name for c in checkpoints(saved)] if saved.exists() else []
        run(*self.train, *(("--resume", "ck") if names else ()), cwd=folder)
        self.assertEqual(digest(checkpoints(saved)[-1]), self.expected, f"killed at {line}")
        self.assertEqual((folder / "m.csv").read_text(), self.expected_log, f"killed at {line}")
        # The next save removes what the killed one left, if there was one.
        if "step-00000006" not in names:
            self.assertEqual([p.name for p in saved.iterdir() if p.name.startswith(".")], [], f"killed at {line}")
        return killed, bool(names)


main()
