#===- tensors.py - The states in a checkpoint
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Reads the safetensors files of a checkpoint byte by byte, so that a NaN is equal
to itself and -0 is not 0."""

import json
import pathlib
import struct


def read_states(checkpoint):
    """The bytes of each state by name: parameters, moments, counters, scaler."""
    found = {}
    for name in ("params.safetensors", "optimizer.safetensors"):
        content = (pathlib.Path(checkpoint) / name).read_bytes()
        size, = struct.unpack_from("<Q", content)
        for tensor, entry in json.loads(content[8:8 + size]).items():
            if tensor != "__metadata__":
                begin, end = entry["data_offsets"]
                found[tensor] = content[8 + size + begin:8 + size + end]
    return found
