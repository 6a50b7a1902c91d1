#===- hostile.py - Files that nobody should write
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""usage: hostile.py FOLDER

Writes models with characters that a terminal would obey, and profiles that are
wrong in a line."""

import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)

# OSC sets a title, CSI a colour, a carriage return hides what was printed.
(folder / "osc.mlir").write_text("func.func @a(%x: tensor<4x!n\x1b]0;title\x07o>) // \x1b[31m\n")
# Directions turn text around; U+009B is a CSI of one character.
(folder / "bidi.mlir").write_text("func.func @a(%x: tensor<4x\u202ef32>) // gr\u00fcn \u009b1m\n")
# Not UTF-8.
(folder / "bytes.mlir").write_bytes(b"func.func @a(%x: tensor<4x\x9bf32>) // \xe2\x82\n")

HEAD = '{\n "schema": 2,\n "model": {"name": "m",\n  "parameters": {}, "inputs": {}},\n "sampled_steps": 1,\n' \
       ' "mean_loss_magnitude": 1,\n'
(folder / "type.json").write_text(HEAD + ' "tensors": [],\n "products": [\n  {"role": 3}]}\n')
(folder / "string.json").write_text(HEAD + ' "products": [],\n "tensors": [{"name": "a\\"},[", "role": "x"},\n  7]}\n')
(folder / "cut.json").write_text(HEAD + ' "tensors": [\n')
