"""Runs a command and checks its exit code: exit_code.py CODE COMMAND..."""

import subprocess
import sys

expected, command = int(sys.argv[1]), sys.argv[2:]
done = subprocess.run(command, capture_output=True, text=True)
if done.returncode != expected:
    sys.exit(f"{command} exited {done.returncode}, expected {expected}:\n{done.stderr}")
