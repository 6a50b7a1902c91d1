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

static Status verifyLaunch(const schema::Entry &entry,
                           const schema::Launch &launch,
                           std::vector<std::string> &kernels) {
  const auto &args = *launch.args();
  if (launch.input_count() > args.size())
    return bad("it has ", args.size(), " arguments, ", launch.input_count(),
               " of them inputs");
  std::vector<const schema::Buffer *> inputs, outputs;
  for (unsigned i = 0; i < args.size(); ++i) {
    const schema::Buffer *buffer = nullptr;
    bool isInput = i < launch.input_count();
    VERNIER_TRY(isInput ? getOperand(entry, args[i], buffer)
                        : getResult(entry, args[i], buffer));
    (isInput ? inputs : outputs).push_back(buffer);
  }
  if (launch.grid() > uint64_t(INT64_MAX) / 2 || launch.grain() < 1 ||
      launch.grain() > uint64_t(INT64_MAX) / 2)
    return bad("grid ", launch.grid(), " with grain ", launch.grain());
  if (!isName(*launch.kernel()))
    return bad("the kernel has no proper name");
  kernels.push_back(launch.kernel()->str());
  return verifyAliasing(inputs, outputs);
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

static Status verifyMatmul(const schema::Entry &entry,
                           const schema::Matmul &matmul) {
  const schema::Buffer *lhs = nullptr, *rhs = nullptr, *bias = nullptr,
                       *result = nullptr;
  VERNIER_TRY(getOperand(entry, matmul.lhs(), lhs));
  VERNIER_TRY(getOperand(entry, matmul.rhs(), rhs));
  VERNIER_TRY(getResult(entry, matmul.result(), result));
  if (matmul.bias() >= 0)
    VERNIER_TRY(getOperand(entry, uint32_t(matmul.bias()), bias));
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

static Status verifyTranspose(const schema::Entry &entry,
                              const schema::Transpose &transpose) {
  const schema::Buffer *source = nullptr, *result = nullptr;
  VERNIER_TRY(getOperand(entry, transpose.source(), source));
  VERNIER_TRY(getResult(entry, transpose.result(), result));
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

static Status verifyCopy(const schema::Entry &entry, const schema::Copy &copy) {
  const schema::Buffer *source = nullptr, *result = nullptr;
  VERNIER_TRY(getOperand(entry, copy.source(), source));
  VERNIER_TRY(getResult(entry, copy.result(), result));
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

Status vernier::runtime::verifyCall(const schema::Entry &entry,
                                    const schema::Call &call,
                                    std::vector<std::string> &kernels) {
  switch (call.operation_type()) {
  case schema::Operation::Launch:
    return verifyLaunch(entry, *call.operation_as_Launch(), kernels);
  case schema::Operation::Matmul:
    return verifyMatmul(entry, *call.operation_as_Matmul());
  case schema::Operation::Transpose:
    return verifyTranspose(entry, *call.operation_as_Transpose());
  case schema::Operation::Copy:
    return verifyCopy(entry, *call.operation_as_Copy());
  case schema::Operation::Convolution:
    return verifyConvolution(entry, *call.operation_as_Convolution());
  case schema::Operation::Pool:
    return verifyPool(entry, *call.operation_as_Pool());
  case schema::Operation::Gather:
    return verifyGather(entry, *call.operation_as_Gather());
  case schema::Operation::NONE:
    break;
  }
  return bad("an unknown operation");
}
