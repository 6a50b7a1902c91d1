//===- CallVerifier.cpp - Checks of what a call of a plan says
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/CallVerifier.h"
#include "Runtime/Plan.h"

#include <algorithm>
#include <vector>

using namespace vernier;
using namespace vernier::runtime;

/// The same memory: what a kernel may read and write in one place.
static bool coincide(const schema::Buffer &a, const schema::Buffer &b) {
  return a.memory() == b.memory() && a.offset() == b.offset() &&
         getBytes(a) == getBytes(b);
}

//===----------------------------------------------------------------------===//
// Launch
//===----------------------------------------------------------------------===//

/// Outputs may be inputs (element by element), but nothing else may overlap:
/// ranges of the grid run at the same time. Sorted, for launches of very many
/// buffers.
static Status verifyAliasing(const std::vector<const schema::Buffer *> &inputs,
                             std::vector<const schema::Buffer *> outputs) {
  auto before = [](const schema::Buffer *a, const schema::Buffer *b) {
    return std::make_pair(a->memory(), a->offset()) <
           std::make_pair(b->memory(), b->offset());
  };
  std::sort(outputs.begin(), outputs.end(), before);
  for (size_t i = 1; i < outputs.size(); ++i)
    if (overlap(*outputs[i - 1], *outputs[i]))
      return bad("two outputs overlap");
  for (const schema::Buffer *input : inputs) {
    // The first output that starts at or behind the input, and its neighbours:
    // outputs are disjoint, so a further one would lie inside the input.
    auto next = std::lower_bound(outputs.begin(), outputs.end(), input, before);
    auto isBad = [&](auto output) {
      return overlap(**output, *input) && !coincide(**output, *input);
    };
    if ((next != outputs.end() && isBad(next)) ||
        (next != outputs.begin() && isBad(next - 1)))
      return bad("an output overlaps an input in part");
  }
  return {};
}

static Status verifyLaunch(const schema::Launch &launch,
                           const CallBuffers &buffers,
                           std::vector<std::string> &kernels) {
  if (launch.grid() > uint64_t(INT64_MAX) / 2 || launch.grain() < 1 ||
      launch.grain() > uint64_t(INT64_MAX) / 2)
    return bad("grid ", launch.grid(), " with grain ", launch.grain());
  if (!isName(*launch.kernel()))
    return bad("the kernel has no proper name");
  kernels.push_back(launch.kernel()->str());
  return verifyAliasing(buffers.inputs, buffers.results);
}

//===----------------------------------------------------------------------===//
// Matmul
//===----------------------------------------------------------------------===//

/// Elements from the first to the last of `batch` matrices of `rows` x `cols`
/// with a leading dimension; false if they are too many.
static bool countElements(uint64_t batch, uint64_t rows, uint64_t cols,
                          uint64_t ld, uint64_t &count) {
  uint64_t before = 0;
  return ld >= cols && !__builtin_mul_overflow(batch, rows, &before) &&
         !__builtin_mul_overflow(before - 1, ld, &before) &&
         !__builtin_add_overflow(before, cols, &count);
}

/// oneDNN counts rows and columns in 32 bits and adds a few of them.
static constexpr uint64_t kMaxRows = uint64_t(1) << 30;

struct Matrix {
  const char *name;
  const schema::Buffer *buffer;
  uint64_t batch, rows, cols, ld;
};

static Status verifyMatrix(const Matrix &matrix) {
  uint64_t needed = 0;
  uint64_t held =
      getBytes(*matrix.buffer) / sizeOf(toDType(matrix.buffer->dtype()));
  if (!countElements(matrix.batch, matrix.rows, matrix.cols, matrix.ld,
                     needed) ||
      needed > held)
    return bad("its ", matrix.name, " of ", matrix.batch, " x ", matrix.rows,
               " x ", matrix.cols, " with leading dimension ", matrix.ld,
               " is not within its buffer of ", held, " elements");
  return {};
}

static Status verifyMatmulTypes(const schema::Buffer &lhs,
                                const schema::Buffer &rhs,
                                const schema::Buffer *bias,
                                const schema::Buffer &result) {
  using schema::DType;
  bool isF32 = lhs.dtype() == DType::f32 && rhs.dtype() == DType::f32 &&
               result.dtype() == DType::f32;
  bool isBf16 = lhs.dtype() == DType::bf16 && rhs.dtype() == DType::bf16 &&
                (result.dtype() == DType::bf16 || result.dtype() == DType::f32);
  if (!isF32 && !isBf16)
    return bad("a matmul of ", nameOf(toDType(lhs.dtype())), " and ",
               nameOf(toDType(rhs.dtype())), " to ",
               nameOf(toDType(result.dtype())), " is not supported");
  if (bias && bias->dtype() != DType::f32 && bias->dtype() != DType::bf16)
    return bad("a bias of ", nameOf(toDType(bias->dtype())),
               " is not supported");
  return {};
}

static Status verifyMatmul(const schema::Matmul &matmul,
                           const CallBuffers &buffers) {
  const schema::Buffer *lhs = buffers.inputs[0], *rhs = buffers.inputs[1],
                       *bias = buffers.inputs.size() > 2 ? buffers.inputs[2]
                                                         : nullptr,
                       *result = buffers.results[0];
  VERNIER_TRY(verifyMatmulTypes(*lhs, *rhs, bias, *result));

  uint64_t batch = matmul.batch(), m = matmul.m(), n = matmul.n(),
           k = matmul.k();
  for (uint64_t extent : {m, n, k, matmul.tile_m(), matmul.tile_n(),
                          matmul.lhs_ld(), matmul.rhs_ld(), matmul.result_ld()})
    if (extent < 1 || extent > kMaxRows)
      return bad("an extent, a leading dimension or a tile is ", extent,
                 "; expected 1 to ", kMaxRows);
  if (batch < 1 || batch > uint64_t(INT64_MAX) / 2)
    return bad("a batch of ", batch, " products");
  bool tl = matmul.transpose_lhs(), tr = matmul.transpose_rhs();
  uint64_t rhsBatch = matmul.shared_rhs() ? 1 : batch;
  VERNIER_TRY(verifyMatrix(
      {"lhs", lhs, batch, tl ? k : m, tl ? m : k, matmul.lhs_ld()}));
  VERNIER_TRY(verifyMatrix(
      {"rhs", rhs, rhsBatch, tr ? n : k, tr ? k : n, matmul.rhs_ld()}));
  VERNIER_TRY(
      verifyMatrix({"result", result, batch, m, n, matmul.result_ld()}));
  if (bias)
    VERNIER_TRY(verifyMatrix({"bias", bias, 1, 1, n, n}));
  if (overlap(*result, *lhs) || overlap(*result, *rhs) ||
      (bias && overlap(*result, *bias)))
    return bad("its result overlaps an operand");
  return {};
}

//===----------------------------------------------------------------------===//
// Transpose, copy
//===----------------------------------------------------------------------===//

static Status verifyTranspose(const schema::Transpose &transpose,
                              const CallBuffers &buffers) {
  const schema::Buffer *source = buffers.inputs[0],
                       *result = buffers.results[0];
  unsigned rank = source->shape()->size();
  const auto &permutation = *transpose.permutation();
  if (permutation.size() != rank || result->shape()->size() != rank ||
      source->dtype() != result->dtype())
    return bad("source, result and permutation do not agree in rank or type");
  std::vector<bool> seen(rank);
  for (unsigned i = 0; i < rank; ++i) {
    if (permutation[i] >= rank || seen[permutation[i]])
      return bad("the permutation is none");
    seen[permutation[i]] = true;
    if (result->shape()->Get(i) != source->shape()->Get(permutation[i]))
      return bad("extent ", i, " of the result is ", result->shape()->Get(i),
                 ", expected ", source->shape()->Get(permutation[i]));
  }
  if (overlap(*source, *result))
    return bad("its result overlaps its source");
  return {};
}

static Status verifyCopy(const schema::Copy &copy, const CallBuffers &buffers) {
  const schema::Buffer *source = buffers.inputs[0],
                       *result = buffers.results[0];
  if (source->dtype() != result->dtype() ||
      source->shape()->size() != result->shape()->size())
    return bad("source and result differ in type or rank");
  const auto *offset = copy.offset();
  unsigned offsets = offset ? offset->size() : 0;
  if (offsets && offsets != source->shape()->size())
    return bad("it has ", offsets, " offsets for ", source->shape()->size(),
               " dims");
  bool isMoved = false;
  for (unsigned i = 0; i < offsets; ++i) {
    int64_t moved = offset->Get(i);
    if (moved < -INT64_MAX / 4 || moved > INT64_MAX / 4)
      return bad("an offset is ", moved);
    isMoved |= moved != 0;
  }
  bool isSameShape =
      !isMoved && std::equal(source->shape()->begin(), source->shape()->end(),
                             result->shape()->begin());
  if (overlap(*source, *result) && !(isSameShape && coincide(*source, *result)))
    return bad("its result overlaps its source in part");
  return {};
}

//===----------------------------------------------------------------------===//
// Any call
//===----------------------------------------------------------------------===//

/// How many buffers a kind of call reads and writes.
struct BufferCounts {
  size_t leastInputs, mostInputs, leastResults, mostResults;
};

static BufferCounts getCounts(schema::Operation kind) {
  switch (kind) {
  case schema::Operation::Matmul:
    return {2, 3, 1, 1};
  case schema::Operation::Pool:
    return {1, 2, 1, 1};
  case schema::Operation::Convolution:
  case schema::Operation::Gather:
    return {2, 2, 1, 1};
  case schema::Operation::Transpose:
  case schema::Operation::Copy:
    return {1, 1, 1, 1};
  case schema::Operation::Launch:
  case schema::Operation::NONE:
    break;
  }
  return {0, SIZE_MAX, 0, SIZE_MAX};
}

/// Find the buffers of a call: as many as its kind has, each in range, and
/// nothing written that may not be.
static Status findBuffers(const schema::Entry &entry, const schema::Call &call,
                          CallBuffers &buffers) {
  auto find = [&](const flatbuffers::Vector<uint32_t> &list,
                  std::vector<const schema::Buffer *> &found) -> Status {
    for (uint32_t index : list) {
      if (index >= entry.buffers()->size())
        return bad("there is no buffer ", index);
      found.push_back(entry.buffers()->Get(index));
    }
    return {};
  };
  VERNIER_TRY(find(*call.inputs(), buffers.inputs));
  VERNIER_TRY(find(*call.results(), buffers.results));
  for (const schema::Buffer *result : buffers.results)
    if (result->memory() == schema::Memory::constants)
      return bad("it writes a constant");
  BufferCounts counts = getCounts(call.operation_type());
  size_t inputs = buffers.inputs.size(), results = buffers.results.size();
  if (inputs < counts.leastInputs || inputs > counts.mostInputs ||
      results < counts.leastResults || results > counts.mostResults)
    return bad("it reads ", inputs, " buffers and writes ", results,
               ", which no such call does");
  return {};
}

Status vernier::runtime::verifyCall(const schema::Entry &entry,
                                    const schema::Call &call,
                                    std::vector<std::string> &kernels) {
  CallBuffers buffers;
  VERNIER_TRY(findBuffers(entry, call, buffers));
  switch (call.operation_type()) {
  case schema::Operation::Launch:
    return verifyLaunch(*call.operation_as_Launch(), buffers, kernels);
  case schema::Operation::Matmul:
    return verifyMatmul(*call.operation_as_Matmul(), buffers);
  case schema::Operation::Transpose:
    return verifyTranspose(*call.operation_as_Transpose(), buffers);
  case schema::Operation::Copy:
    return verifyCopy(*call.operation_as_Copy(), buffers);
  case schema::Operation::Convolution:
    return verifyConvolution(*call.operation_as_Convolution(), buffers);
  case schema::Operation::Pool:
    return verifyPool(*call.operation_as_Pool(), buffers);
  case schema::Operation::Gather:
    return verifyGather(*call.operation_as_Gather(), buffers);
  case schema::Operation::NONE:
    break;
  }
  return bad("an unknown operation");
}
