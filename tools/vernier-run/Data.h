//===- Data.h - Rows of arrays as batches of an entry's inputs
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_DATA_H
#define VERNIER_RUN_DATA_H

#include "Runtime.h"

#include "vernier/Runtime/Npz.h"

namespace vernier::run {

/// The arrays of a .npz file that an entry's inputs are bound to by name. The
/// first dim of each array counts rows; a batch is `batch()` of them, the
/// smallest first extent of the inputs. Everything is checked and converted
/// when the file is read: types exactly, shapes, class indices. Arrays of other
/// names are not looked at.
class Dataset {
public:
  Dataset(const std::string &path, const Plan &plan, const std::string &entry);

  uint64_t rows() const { return rowCount; }
  uint64_t batch() const { return batchRows; }
  uint64_t bytes() const;
  const std::string &path() const { return file; }
  /// 32 hexadecimal digits that depend on names, types, shapes and values.
  const std::string &fingerprint() const;

  /// Copy rows `rows[0], rows[1], ...` (batch() of them) into the inputs of
  /// `entry`. Allocates nothing.
  void feed(Session &session, const char *entry, const uint64_t *rows);

  /// What the last feed gave to an input; null if there is none of this name.
  const std::vector<uint8_t> *fed(const std::string &input) const;

  /// Names the first of `count` rows that holds an inf or NaN; "" if all are
  /// finite.
  std::string describeNonFinite(const uint64_t *rows, uint64_t count) const;

  /// "row 3 of train.npz ('x' in [-2, 70000])": the ranges of its floats.
  std::string describeRow(uint64_t row) const;

private:
  struct Column {
    TensorInfo input;
    std::vector<uint8_t> data;  ///< all rows, in the input's dtype
    uint64_t rowBytes = 0;      ///< 0: no rows, one value for every batch
    std::vector<uint8_t> batch; ///< what was fed last
  };

  /// Whether all arrays are there and agree with the model and one another,
  /// before an element of any is read.
  void checkHeaders(const NpzReader &reader,
                    const std::vector<TensorInfo> &inputs);
  NpyInfo requireArray(const NpzReader &reader, const TensorInfo &input) const;
  Column bind(const NpzReader &reader, const TensorInfo &input) const;
  void checkShape(Column &column, const NpyInfo &array) const;
  void checkClasses(const Column &column) const;

  std::string file;
  uint64_t rowCount = 0;
  uint64_t batchRows = 1;
  std::vector<Column> columns;
  mutable std::string cachedFingerprint;
};

/// The smallest first extent of the inputs: rows in a batch; 1 if all are
/// scalars.
uint64_t batchOf(const std::vector<TensorInfo> &inputs);

} // namespace vernier::run

#endif // VERNIER_RUN_DATA_H
