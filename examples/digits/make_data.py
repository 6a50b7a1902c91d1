#===- make_data.py - Writes the digits data set
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Writes train.npz and test.npz from the digits that scikit-learn ships.

    python make_data.py            # needs numpy and scikit-learn

36 images of each class, drawn with a fixed seed, are the test set (360 rows);
the other 1,437 are the training set. Both are shuffled once, so that batches
taken in file order are mixed too. The same inputs give the same arrays.
"""

import pathlib

import numpy as np
from sklearn.datasets import load_digits

TEST_ROWS_PER_CLASS = 36
SEED = 0


def split(labels, rng):
    """Row numbers of the training and of the test set, stratified by class."""
    test = np.concatenate([
        rng.permutation(np.flatnonzero(labels == c))[:TEST_ROWS_PER_CLASS]
        for c in range(10)])
    train = np.setdiff1d(np.arange(len(labels)), test)
    return rng.permutation(train), rng.permutation(test)


def main():
    digits = load_digits()
    image = (digits.data / 16.0).astype(np.float32)  # 0..16 ink counts, exact in f32
    label = digits.target.astype(np.int32)
    folder = pathlib.Path(__file__).parent
    # RandomState, unlike default_rng, promises the same stream in every numpy.
    for name, rows in zip(("train", "test"), split(label, np.random.RandomState(SEED))):
        np.savez_compressed(folder / f"{name}.npz", image=image[rows], label=label[rows])


if __name__ == "__main__":
    main()
