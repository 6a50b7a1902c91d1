//===- Data.cpp - Rows of arrays as batches of an entry's inputs
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Data.h"

#include "Names.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace vernier;
using namespace vernier::run;

uint64_t vernier::run::batchOf(const std::vector<TensorInfo> &inputs) {
  uint64_t batch = 0;
  for (const TensorInfo &input : inputs)
    if (input.rank > 0) {
      auto extent = static_cast<uint64_t>(input.shape[0]);
      batch = batch == 0 ? extent : std::min(batch, extent);
    }
  return std::max<uint64_t>(batch, 1);
}

/// Whether merging neighbouring dims of `fine` gives `coarse`, as (8, 8) gives
/// (64).
static bool collapsesTo(const std::vector<int64_t> &fine,
                        const std::vector<int64_t> &coarse) {
  size_t i = 0;
  for (int64_t extent : coarse) {
    auto wanted = static_cast<uint64_t>(extent);
    uint64_t product = 1; // may wrap; then it is not `wanted` or all is 0 rows
    do {
      if (i == fine.size())
        return extent == 1;
      product *= static_cast<uint64_t>(fine[i++]);
    } while (product < wanted);
    if (product != wanted)
      return false;
    while (i < fine.size() && fine[i] == 1 && i + 1 == fine.size())
      ++i;
  }
  return i == fine.size();
}

Dataset::Dataset(const std::string &path, const Plan &plan,
                 const std::string &entry)
    : file(path) {
  try {
    std::vector<TensorInfo> inputs = plan.inputs(entry);
    batchRows = batchOf(inputs);
    NpzReader reader(path);
    checkHeaders(reader, inputs);
    for (const TensorInfo &input : inputs)
      columns.push_back(bind(reader, input));
  } catch (const NpzError &error) {
    throw Failure(static_cast<ExitCode>(error.code()), error.what());
  } catch (const std::bad_alloc &) {
    throw Failure(Resources, path + ": the data does not fit into memory");
  }
}

void Dataset::checkHeaders(const NpzReader &reader,
                           const std::vector<TensorInfo> &inputs) {
  const TensorInfo *first = nullptr;
  for (const TensorInfo &input : inputs) {
    NpyInfo array = requireArray(reader, input);
    Column column;
    column.input = input;
    checkShape(column, array);
    if (input.rank == 0)
      continue;
    auto rows = static_cast<uint64_t>(array.shape[0]); // checkShape saw it
    if (first && rows != rowCount)
      throw Failure(BadFile,
                    fmt::format("{}: '{}' has {} rows but '{}' has {}; every "
                                "array needs one row for each sample",
                                file, input.name, rows, first->name, rowCount));
    first = first ? first : &input;
    rowCount = rows;
  }
}

/// "'label' int64 (10,)"; nobody needs all arrays to be readable.
static std::string describeArray(const NpzReader &reader,
                                 const std::string &name) {
  try {
    NpyInfo info = reader.info(name);
    return fmt::format("'{}' {} {}", name, npyTypeName(info.type),
                       shapeString(info.shape));
  } catch (const NpzError &) {
    return fmt::format("'{}' (cannot be read)", name);
  }
}

NpyInfo Dataset::requireArray(const NpzReader &reader,
                              const TensorInfo &input) const {
  if (!reader.contains(input.name)) {
    std::vector<std::string> names = reader.names(), described;
    for (const std::string &name : names)
      described.push_back(describeArray(reader, name));
    throw Failure(
        BadFile, fmt::format("{}: there is no array '{}' ({}), an input of the "
                             "model{}; the file holds {}",
                             file, input.name, describe(input),
                             didYouMean(input.name, names), joined(described)));
  }
  return reader.info(input.name);
}

Dataset::Column Dataset::bind(const NpzReader &reader,
                              const TensorInfo &input) const {
  Column column;
  column.input = input;
  checkShape(column, reader.info(input.name));
  try {
    column.data = convertExactly(reader.read(input.name), input.dtype);
  } catch (const NpzError &error) {
    std::string message = error.what();
    if (message.find(file) == std::string::npos) // a conversion
      message = fmt::format("{}: array '{}': {}", file, input.name, message);
    throw Failure(static_cast<ExitCode>(error.code()), message);
  }
  checkClasses(column);
  column.batch.resize(input.bytes);
  if (column.rowBytes == 0)
    column.batch = column.data;
  return column;
}

void Dataset::checkShape(Column &column, const NpyInfo &array) const {
  const TensorInfo &input = column.input;
  std::vector<int64_t> wanted(input.shape, input.shape + input.rank);
  std::vector<int64_t> given = array.shape;
  bool fits;
  if (input.rank == 0) {
    fits = array.elements() == 1;
  } else {
    // Rows of the array against rows of a batch: the rest must agree, but for
    // dims that are merged on one side.
    if (!given.empty())
      given[0] = static_cast<int64_t>(batchRows);
    fits = !given.empty() &&
           (collapsesTo(given, wanted) || collapsesTo(wanted, given));
    column.rowBytes = input.bytes / batchRows;
  }
  if (fits)
    return;
  std::string rest;
  for (size_t i = 1; i < wanted.size(); ++i)
    rest += fmt::format(", {}", wanted[i]);
  throw Failure(
      BadFile, fmt::format("{}: array '{}' is {} {}, but the model takes {} in "
                           "batches of {}; expected shape {}",
                           file, array.name, npyTypeName(array.type),
                           shapeString(array.shape), describe(input), batchRows,
                           input.rank == 0
                               ? "()"
                               : "(rows" + (rest.empty() ? "," : rest) + ")"));
}

void Dataset::checkClasses(const Column &column) const {
  const TensorInfo &input = column.input;
  if (input.classes <= 0)
    return;
  size_t size = input.bytes / std::max<uint64_t>(elementCount(input), 1);
  for (uint64_t i = 0; i < column.data.size() / size; ++i) {
    double value = elementOf(column.data.data(), input.dtype, i);
    if (!(value >= 0 && value < static_cast<double>(input.classes)))
      throw Failure(
          BadFile, fmt::format("{}: '{}' in row {} is {}; expected a class in "
                               "0..{}",
                               file, input.name,
                               column.rowBytes ? i * size / column.rowBytes : 0,
                               value, input.classes - 1));
  }
}

uint64_t Dataset::bytes() const {
  uint64_t total = 0;
  for (const Column &column : columns)
    total += column.data.size();
  return total;
}

const std::string &Dataset::fingerprint() const {
  if (!cachedFingerprint.empty())
    return cachedFingerprint;
  XXH3_state_t *state = XXH3_createState();
  XXH3_128bits_reset(state);
  for (const Column &column : columns) {
    std::string header =
        fmt::format("{} {} {}\n", column.input.name,
                    dtypeName(column.input.dtype), column.rowBytes);
    XXH3_128bits_update(state, header.data(), header.size());
    XXH3_128bits_update(state, column.data.data(), column.data.size());
  }
  XXH128_hash_t hash = XXH3_128bits_digest(state);
  XXH3_freeState(state);
  cachedFingerprint = fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
  return cachedFingerprint;
}

void Dataset::feed(Session &session, const char *entry, const uint64_t *rows) {
  for (Column &column : columns) {
    for (uint64_t i = 0; column.rowBytes && i < batchRows; ++i)
      std::memcpy(column.batch.data() + i * column.rowBytes,
                  column.data.data() + rows[i] * column.rowBytes,
                  column.rowBytes);
    session.setInput(entry, column.input.name, column.batch.data(),
                     column.batch.size());
  }
}

const std::vector<uint8_t> *Dataset::fed(const std::string &input) const {
  for (const Column &column : columns)
    if (column.input.name == input)
      return &column.batch;
  return nullptr;
}

std::string Dataset::describeRow(uint64_t row) const {
  std::string ranges;
  for (const Column &column : columns) {
    vernier_dtype_t dtype = column.input.dtype;
    bool isFloat =
        dtype == VERNIER_F32 || dtype == VERNIER_BF16 || dtype == VERNIER_F16;
    if (column.rowBytes == 0 || !isFloat)
      continue;
    const uint8_t *values = column.data.data() + row * column.rowBytes;
    double low = INFINITY, high = -INFINITY;
    for (uint64_t i = 0; i < elementCount(column.input) / batchRows; ++i) {
      double value = elementOf(values, dtype, i);
      low = std::fmin(low, value);
      high = std::fmax(high, value);
    }
    ranges +=
        fmt::format("{}'{}' in [{:.6g}, {:.6g}]", ranges.empty() ? " (" : ", ",
                    column.input.name, low, high);
  }
  return fmt::format("row {} of {}{}", row, file,
                     ranges.empty() ? "" : ranges + ")");
}

std::string Dataset::describeNonFinite(const uint64_t *rows,
                                       uint64_t count) const {
  for (const Column &column : columns) {
    bool hasRows = column.rowBytes != 0;
    uint64_t elements =
        elementCount(column.input) / (hasRows ? batchRows : uint64_t(1));
    for (uint64_t i = 0; i < (hasRows ? count : 1); ++i) {
      const uint8_t *values =
          hasRows ? column.data.data() + rows[i] * column.rowBytes
                  : column.batch.data();
      for (uint64_t e = 0; e < elements; ++e)
        if (!std::isfinite(elementOf(values, column.input.dtype, e)))
          return fmt::format("{}: '{}'{} is not finite", file,
                             column.input.name,
                             hasRows ? fmt::format(" in row {}", rows[i]) : "");
    }
  }
  return "";
}
