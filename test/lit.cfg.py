"""How the tests run. %python is VERNIER_PYTHON (the project's virtual environment
when the test script set it up) or the interpreter that runs lit."""

import os
import subprocess
import sys

import lit.formats
import lit.util

config.name = "Vernier"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".py"]
config.excludes = ["lit.cfg.py", "CMakeLists.txt", "Inputs", "Unit"]
config.test_source_root = os.path.join(config.source_dir, "test")
config.test_exec_root = os.path.join(config.binary_dir, "test")

python = os.environ.get("VERNIER_PYTHON", sys.executable)
config.substitutions += [
    ("%python", python),
    ("%source", config.source_dir),
    ("%build", config.binary_dir),
]
config.environment["PATH"] = os.pathsep.join(
    [os.path.join(config.binary_dir, "bin"), config.llvm_tools_dir,
     os.environ["PATH"]])
config.environment["PYTHONPATH"] = os.path.join(config.source_dir, "test")
config.environment["VERNIER_BUILD"] = config.binary_dir
config.environment["VERNIER_SOURCE"] = config.source_dir


def importable(module):
    return subprocess.run([python, "-c", "import " + module],
                          capture_output=True).returncode == 0


if config.has_compiler:
    config.available_features.add("compiler")
for module in ("numpy", "ml_dtypes", "jax", "torch"):
    if importable(module):
        config.available_features.add(module)
