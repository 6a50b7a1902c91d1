#===- disk.py - Disks that are full, broken or read-only
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# A write that fails ends the run with exit code 5 and a message; the checkpoint
# before it stays valid.
# REQUIRES: numpy, strace
# RUN: %python %s %t

import pwd
import re
import resource
import stat
import tempfile

from Inputs.runner import *

SHORT_WRITES = BIN.parent / "lib/libvernier-short-writes.so"
TRAIN = ("m.vplan", "train", "--data", "train.npz", "--device=cpu:1", "--save", "ck")


class Disk(RunnerTest):
    def setUp(self):
        super().setUp()
        make_plan("m.vplan")
        make_data("train.npz", rows=16)
        run(*TRAIN, "--steps", 2)
        self.before = digest(checkpoints("ck")[0])
        self.resume = (*TRAIN, "--steps", 4, "--resume", "ck")

    def still_resumes(self, where):
        self.assertEqual(digest(checkpoints("ck")[0]), self.before, where)
        result = run(*self.resume).result
        self.assertEqual(result["steps"], "4", where)

    def test_injected(self):
        """ENOSPC and EIO at each write, fsync and rename of the second save, and of the log."""
        self.resume += ("--log", "m.csv")
        run(*TRAIN[:-2], "--steps", 4, "--log", "straight.csv")
        straight = pathlib.Path("straight.csv").read_text()
        rows = straight.splitlines(keepends=True)
        shutil.copytree("ck", "first")
        pathlib.Path("first.csv").write_text("".join(rows[:3]))

        def start_again():
            shutil.rmtree("ck")
            shutil.copytree("first", "ck")
            shutil.copy("first.csv", "m.csv")
        start_again()
        failures = failures_of_log = 0
        for name, number, line in traced("write,fallocate,fsync,renameat2,renameat,mkdirat", *self.resume):
            if "(1," in line or "(2," in line or "memfd" in line:  # stdout and stderr: tested below
                continue
            for error in ("ENOSPC", "EIO"):
                start_again()
                process = inject(name, number, f"error={error}", *self.resume)
                where = f"{error} at {line}\n{process.stderr}"
                # What only cleans up may fail; what saves may not.
                if process.returncode != OK:
                    self.assertEqual(process.returncode, RESOURCES, where)
                    self.assertIn("error:", process.stderr, where)
                    failures += 1
                if "m.csv: cannot be written" in process.stderr:
                    failures_of_log += 1
                    self.assertEqual(pathlib.Path("m.csv").read_text(), "".join(rows[:3]), where)
                    # It is found before training, or training is not lost.
                    self.assertEqual("training\n" in process.stderr, "step-00000004" in os.listdir("ck"), where)
                self.still_resumes(where)
                self.assertEqual(pathlib.Path("m.csv").read_text(), straight, where)
        self.assertGreater(failures, 20)
        self.assertEqual(failures_of_log, 4)

    def test_log(self):
        """A log that takes no more ends training, which is saved with the rows that the log lacks."""
        run("m.vplan", "train", "--data", "train.npz", "--steps", 600, "--log", "straight.csv", "--save", "straight")
        expected = digest(checkpoints("straight")[0])
        straight = pathlib.Path("straight.csv").read_text()
        train = ("m.vplan", "train", "--data", "train.npz", "--log", "m.csv", "--save", "new", "--steps", 600)

        def goes_on(steps, *flags):
            """Resumed with the same log, all is as if nothing had happened."""
            log = pathlib.Path("m.csv").read_text()
            self.assertTrue(straight.startswith(log) and log.endswith("\n"), log)
            self.assertLess(len(log.splitlines()) - 1, steps)
            run(*train, *flags)
            self.assertEqual(pathlib.Path("m.csv").read_text(), straight)
            self.assertEqual(digest(checkpoints("new")[-1]), expected)
            shutil.rmtree("new")

        def saved(process):
            self.assertNotIn("straight", process.stderr)
            steps = int(checkpoints("new")[-1].name[5:])
            self.assertIn(f"training ended after step {steps} of 600; once that is mended, go on from step {steps} "
                          "with --resume new --log m.csv\n", process.stderr)
            self.assertEqual(process.stderr.count("error:"), 1)
            self.assertEqual(process.stdout, "RESULT failed code=5\n")
            return steps

        def log_writes(*flags):
            calls = traced("write", *train, *flags)
            shutil.rmtree("new")
            return [number for _, number, line in calls if re.search(r'write\(\d+, "\d+,\d+,', line)]

        # One write fails; the next would not.
        numbers = log_writes()
        self.assertGreater(len(numbers), 2)  # the last is written before the last checkpoint is
        for number in numbers:
            process = inject("write", number, "error=EIO", *train)
            self.assertEqual(process.returncode, RESOURCES, process.stderr)
            self.assertIn("error: m.csv: cannot be written: Input/output error\n", process.stderr)
            steps = saved(process)
            self.assertEqual(steps == 600, number == numbers[-1])
            goes_on(steps, "--resume", "new")

        # A quota that is reached within a row.
        process = self.fails(RESOURCES, *train, preexec_fn=self.limit(18000))
        goes_on(saved(process), "--resume", "new")
        # Nothing can be written any more; a checkpoint was saved before.
        often = ("--save-every", 50)
        number = log_writes(*often)[1]
        process = inject("write", number, "error=ENOSPC", *train, *often, also=["renameat:error=EIO:when=3+"])
        self.assertEqual(process.returncode, RESOURCES)
        self.assertIn("error: m.csv: cannot be written: No space left on device\n  cannot rename to 'new/step-00000100'", process.stderr)
        self.assertIn("go on from step 50 with --resume new --log m.csv\n", process.stderr)
        goes_on(600, "--resume", "new")
        # The log can, and ends before the checkpoint that cannot.
        process = inject("renameat", 3, "error=EIO", *train, *often)
        self.assertIn("error: cannot rename to 'new/step-00000100': Input/output error", process.stderr)
        self.assertIn("\n  training ended after step 100 of 600; once that is mended, go on from step 50 with --resume new "
                      "--log m.csv\n", process.stderr)
        self.assertEqual(process.returncode, RESOURCES)
        goes_on(101, "--resume", "new")
        # None was.
        process = inject("write", numbers[0], "error=ENOSPC", *train, also=["renameat:error=EIO"])
        self.assertIn("of 600; nothing was saved\n", process.stderr)
        self.fails(RESOURCES, *train[:6], "--steps", 600, preexec_fn=self.limit(18000),
                   says="of 600; nothing is saved without --save\n")
        # The rows also begin a log of another name.
        shutil.rmtree("new")
        saved(self.fails(RESOURCES, *train, preexec_fn=self.limit(18000)))
        run(*("rest.csv" if word == "m.csv" else word for word in train), "--resume", "new")
        rest = pathlib.Path("rest.csv").read_text().split("\n", 1)[1]
        self.assertEqual(pathlib.Path("m.csv").read_text() + rest, straight)

    def test_file_size_limit(self):
        """RLIMIT_FSIZE, as a quota would: exit code 5, not a signal."""
        make_plan("m.vplan", parameter_mib=1)
        shutil.rmtree("ck")
        run(*TRAIN, "--steps", 2)
        self.before = digest(checkpoints("ck")[0])
        self.fails(RESOURCES, *self.resume, says="ck", preexec_fn=self.limit(500_000))
        self.still_resumes("file size limit")

    @staticmethod
    def limit(size):
        return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    def test_metrics(self):
        os.symlink("/dev/full", "full.csv")
        self.fails(RESOURCES, *self.resume, "--log", "full.csv", says="full.csv: cannot be written")
        self.fails(RESOURCES, *self.resume, "--log", "none/m.csv", says="none/m.csv: cannot be opened for writing")
        self.still_resumes("metrics")

    def test_stdout(self):
        with open("/dev/full", "w") as full:
            for verb in (("info",), ("info", "--json"), ("bench", "--steps", "1")):
                process = subprocess.run([RUN, "m.vplan", *verb], stdout=full, stderr=subprocess.PIPE, text=True)
                self.assertEqual(process.returncode, RESOURCES, process.stderr)
                self.assertIn("cannot write to stdout", process.stderr)

    def test_folder_is_a_file(self):
        pathlib.Path("file").write_text("x")
        self.fails(RESOURCES, "m.vplan", "train", "--data", "train.npz", "--steps", 2, "--save", "file/ck",
                   says="file/ck")

    def test_predictions(self):
        """A prediction that cannot be written leaves nothing behind."""
        make_data("large.npz", rows=10000)
        command = ("m.vplan", "predict", "--data", "large.npz", "--resume", "ck", "--output")
        self.fails(RESOURCES, *command, "none/out.npz", says="none/out.npz")
        self.fails(RESOURCES, *command, "out.npz", says="out.npz: cannot be written",
                   preexec_fn=self.limit(100_000))
        self.assertEqual(list(self.folder.glob("out.npz*")), [])

    def found_before_training(self, process, before, message):
        self.assertEqual(process.returncode, RESOURCES, process.stderr)
        self.assertIn(message, process.stderr)
        self.assertNotRegex(process.stderr, r"step \d+/")
        self.assertNotIn("training\n", process.stderr)  # nor is the configuration printed
        self.assertEqual(process.stdout, "RESULT failed code=5\n")
        self.assertEqual(self.names(), before)

    def names(self):
        return sorted(str(p) for p in self.folder.rglob("*"))

    def test_before_training(self):
        """What cannot be written is said before the first step, and nothing is left behind."""
        before = self.names()
        train = ("m.vplan", "train", "--data", "train.npz", "--steps", 9)
        predict = ("m.vplan", "predict", "--data", "train.npz", "--resume", "ck", "--output")
        for command, message in (((*train, "--save", "none/ck"), "cannot create the folder 'none/ck': No such file"),
                                 ((*train, "--save", "m.vplan"), "cannot open the folder 'm.vplan': Not a directory"),
                                 ((*train, "--save", "new", "--log", "none/m.csv"), "none/m.csv: cannot be opened"),
                                 ((*train, "--save", "new", "--log", "ck"), "ck: cannot be opened"),
                                 ((*train, "--profile-numerics", "ck"), "ck: cannot be replaced: it is a folder"),
                                 ((*train, "--profile-numerics", "/dev/full"), "it is no regular file"),
                                 ((*predict, "none/o.npz"), "none/o.npz: cannot be opened"),
                                 ((*predict, "ck"), "ck: cannot be replaced: it is a folder")):
            process = self.fails(RESOURCES, *command)
            self.found_before_training(process, before, message)
            self.assertNotIn("loaded step", process.stderr)
        # A disk without space for both files of a checkpoint, a profile or predictions.
        for number, command, message in ((1, (*train, "--save", "new"), "'new/.tmp-probe-"),
                                         (2, (*train, "--save", "new"), "optimizer.safetensors"),
                                         (1, (*self.resume,), "params.safetensors"),
                                         (1, (*train, "--profile-numerics", "p.json"), "p.json: cannot be written"),
                                         (1, (*predict, "o.npz"), "o.npz: cannot be written")):
            process = inject("fallocate", number, "error=ENOSPC", *command)
            self.found_before_training(process, before, message)
            self.assertIn("No space left on device", process.stderr)
        # The same where a log has no space for its first line, or for the next.
        log = (*train, "--log", "m.csv")
        number = next(number for _, number, line in traced("write", *log) if "step,epoch" in line)
        os.remove("m.csv")
        os.remove("trace")
        process = inject("write", number, "error=ENOSPC", *log)
        self.found_before_training(process, before, "m.csv: cannot be written: No space left on device")
        path = self.folder / "m.csv"
        run(*TRAIN[:-2], "--steps", 2, "--log", "m.csv")
        log = path.read_bytes()
        process = inject("fallocate", 3, "error=ENOSPC", *self.resume, "--log", "m.csv")
        self.found_before_training(process, sorted([*before, str(path)]), "m.csv: cannot be written: No space left")
        self.assertEqual(path.read_bytes(), log)

    def test_cannot_reserve(self):
        """Not all file systems can reserve space: that alone is no reason to stop."""
        for error in ("EOPNOTSUPP", "EINTR"):
            shutil.rmtree("ck")
            process = inject("fallocate", 1, f"error={error}", *TRAIN, "--steps", 2)
            self.assertEqual(process.returncode, OK, process.stderr)
            self.assertEqual(digest(checkpoints("ck")[0]), self.before)

    def test_interrupted(self):
        """EINTR at each write and fsync: the same bytes, or exit code 5 with the checkpoint before intact."""
        shutil.rmtree("ck")
        run(*TRAIN, "--steps", 4)
        expected = digest(checkpoints("ck")[-1])
        shutil.rmtree("ck")
        run(*TRAIN, "--steps", 2)
        points = 0
        for name, number, line in traced("write,fsync", *self.resume):
            if "(1," in line or "(2," in line or "memfd" in line:
                continue
            shutil.rmtree("ck")
            run(*TRAIN, "--steps", 2)
            process = inject(name, number, "error=EINTR", *self.resume)
            where = f"EINTR at {line}\n{process.stderr}"
            points += 1
            if process.returncode == OK:
                self.assertEqual(digest(checkpoints("ck")[-1]), expected, where)
            else:
                self.assertEqual(process.returncode, RESOURCES, where)
            self.still_resumes(where)
        self.assertGreater(points, 5)

    def test_short_writes(self):
        """A disk that takes a few bytes at a time: the same checkpoints and metrics."""
        def train(name, **options):
            shutil.rmtree("ck")
            run(*TRAIN, "--steps", 4, "--log", name, **options)
            return digest(checkpoints("ck")[-1]), pathlib.Path(name).read_text()
        expected = train("whole.csv")
        short = {**os.environ, "LD_PRELOAD": str(SHORT_WRITES), "SHORT_WRITES": "count"}
        self.assertEqual(train("short.csv", env=short), expected)
        self.assertGreater(int(pathlib.Path("count").read_text()), 100)  # it interposes

    def test_read_only(self):
        """A folder that may be read only, also where the tests run as root: the run is nobody's then."""
        # Below a folder that everyone may enter, as the test's own and TMPDIR may not be.
        with tempfile.TemporaryDirectory(dir="/tmp") as place:
            os.chmod(place, 0o755)
            for name in ("m.vplan", "train.npz"):
                shutil.copy(name, place)
            shutil.copytree("ck", f"{place}/ck")
            binary = shutil.copy(RUN, place)
            os.chmod(f"{place}/ck", stat.S_IRUSR | stat.S_IXUSR | stat.S_IROTH | stat.S_IXOTH)
            try:
                process = subprocess.run([binary, *map(str, self.resume)], cwd=place, capture_output=True, text=True,
                                         preexec_fn=drop_privileges)
                self.assertEqual(process.returncode, RESOURCES, process.stderr)
                self.assertIn("ck", process.stderr)
                self.assertIn("ermission denied", process.stderr)
                self.assertEqual(digest(checkpoints(f"{place}/ck")[0]), self.before)
            finally:
                os.chmod(f"{place}/ck", stat.S_IRWXU)
        self.still_resumes("read-only")


def drop_privileges():
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)


main()
