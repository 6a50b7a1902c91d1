//===- MatmulLibrary.cpp - oneDNN products of tiles
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Host/MatmulLibrary.h"

#include "Runtime/Plan.h"

#include <algorithm>
#include <cstring>

using namespace vernier::runtime;

static dnnl::memory::data_type toDnnl(vernier_dtype_t dtype) {
  return dtype == VERNIER_BF16 ? dnnl::memory::data_type::bf16
                               : dnnl::memory::data_type::f32;
}

/// A rows x cols matrix whose rows (columns, if transposed) are `ld` apart.
static dnnl::memory::desc describeMatrix(int64_t rows, int64_t cols, int64_t ld,
                                         bool transposed,
                                         vernier_dtype_t dtype) {
  dnnl::memory::dims strides =
      transposed ? dnnl::memory::dims{1, ld} : dnnl::memory::dims{ld, 1};
  return {{rows, cols}, toDnnl(dtype), strides};
}

static Status unsupported(const TileShape &shape, const char *reason) {
  std::string what = join("a ", nameOf(shape.operandType), " matmul of ",
                          shape.m, " x ", shape.n, " x ", shape.k);
  if (shape.operandType == VERNIER_BF16)
    return resources("this processor cannot run ", what, " natively (", reason,
                     "); compile the model again with --target=cpu or, on this "
                     "machine, --target=cpu:native");
  return failed("oneDNN cannot run ", what, ": ", reason);
}

/// max(x, 0) of 16-bit floats in place: what is negative or -0 becomes 0, NaN
/// (above `infinity` without its sign) stays.
static void applyRelu(uint16_t *row, int64_t n, uint16_t infinity) {
  for (int64_t i = 0; i < n; ++i) {
    bool isNegative = row[i] & 0x8000, isNan = (row[i] & 0x7fff) > infinity;
    row[i] = isNegative && !isNan ? 0 : row[i];
  }
}

static void applyRelu(float *row, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    row[i] = row[i] <= 0.0f ? 0.0f : row[i];
}

/// The epilogue on a tile that is still in the cache. oneDNN's relu would make
/// 0 of NaN, and a diverged step would look well.
static void applyRelu(const TileShape &shape, void *result) {
  for (int64_t i = 0; i < shape.m; ++i) {
    if (shape.resultType == VERNIER_F32)
      applyRelu(static_cast<float *>(result) + i * shape.resultLd, shape.n);
    else
      applyRelu(static_cast<uint16_t *>(result) + i * shape.resultLd, shape.n,
                shape.resultType == VERNIER_BF16 ? 0x7f80 : 0x7c00);
  }
}

dnnl_status_t vernier::runtime::execute(const dnnl::primitive &primitive,
                                        const dnnl::stream &stream,
                                        const dnnl_exec_arg_t *arguments,
                                        int count, PackingArea packing) {
  AllocationCacheScope scope(packing);
  return dnnl_primitive_execute(primitive.get(), stream.get(), count,
                                arguments);
}

/// At most what oneDNN 2.6 packs the operands of its "gemm" products into: a
/// panel of each, of blocks of its kernels, for a part of the sum (measured on
/// 2,700 shapes, four instruction sets; a block that is larger all the same
/// comes from the allocation cache).
static uint64_t getPackingBound(const TileShape &shape) {
  auto roundUp = [](int64_t n, int64_t to) { return (n + to - 1) / to * to; };
  bool isBf16 = shape.operandType == VERNIER_BF16;
  // Rows of its products, which are column major, are our columns.
  int64_t rows = roundUp(std::min<int64_t>(shape.n, 9984), 48) + 48;
  int64_t columns = std::min<int64_t>(roundUp(shape.m, 24), 384) + 24;
  int64_t depth = std::clamp<int64_t>(shape.k, 128, isBf16 ? 768 : 384);
  constexpr uint64_t alignments = 4 * 4096;
  return (isBf16 ? 2 : 4) * roundUp(depth, 4) * (rows + columns) + alignments;
}

/// What oneDNN would make for the product; throws if it has nothing.
static dnnl::matmul::primitive_desc
describeProduct(const TileShape &shape, const dnnl::engine &engine) {
  auto lhs = describeMatrix(shape.m, shape.k, shape.lhsLd, shape.transposeLhs,
                            shape.operandType);
  auto rhs = describeMatrix(shape.k, shape.n, shape.rhsLd, shape.transposeRhs,
                            shape.operandType);
  auto result =
      describeMatrix(shape.m, shape.n, shape.resultLd, false, shape.resultType);
  auto bias = describeMatrix(1, shape.n, shape.n, false, VERNIER_F32);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  auto descriptor = shape.bias ? dnnl::matmul::desc(lhs, rhs, bias, result)
                               : dnnl::matmul::desc(lhs, rhs, result);
  return {descriptor, attributes, engine};
}

static Status explain(const TileShape &shape, const dnnl::error &error) {
  return error.status == dnnl_out_of_memory
             ? resources("out of memory while preparing a matmul")
             : unsupported(shape, error.what());
}

Status vernier::runtime::checkProduct(const TileShape &shape,
                                      const dnnl::engine &engine) try {
  SingleThreadScope scope;
  (void)describeProduct(shape, engine);
  return {};
} catch (const dnnl::error &error) {
  return explain(shape, error);
}

Status TileProduct::create(const TileShape &shape, const dnnl::engine &engine,
                           int threads) try {
  SingleThreadScope scope;
  dnnl::matmul::primitive_desc primitive = describeProduct(shape, engine);
  product = dnnl::matmul(primitive);
  hasBias = shape.bias;
  relu = shape.relu ? std::optional(shape) : std::nullopt;
  scratchpadBytes = primitive.scratchpad_desc().get_size();
  if (std::strncmp(primitive.impl_info_str(), "gemm", 4) == 0)
    packingBytes = getPackingBound(shape);
  auto describe = [&](const dnnl::memory::desc &desc) {
    return dnnl::memory(desc, engine, nullptr);
  };
  for (int i = 0; i < threads; ++i)
    arguments.push_back(
        {describe(primitive.src_desc()),
         describe(primitive.weights_desc()),
         hasBias ? describe(primitive.bias_desc()) : dnnl::memory(),
         describe(primitive.dst_desc()),
         describe(primitive.scratchpad_desc()),
         {}});
  return {};
} catch (const dnnl::error &error) {
  return explain(shape, error);
}

Status TileProduct::run(const Operands &operands, int thread,
                        const dnnl::stream &stream) {
  Arguments &own = arguments[thread];
  dnnl_memory_set_data_handle(own.lhs.get(), const_cast<void *>(operands.lhs));
  dnnl_memory_set_data_handle(own.rhs.get(), const_cast<void *>(operands.rhs));
  dnnl_memory_set_data_handle(own.result.get(), operands.result);
  dnnl_exec_arg_t list[5] = {{DNNL_ARG_SRC, own.lhs.get()},
                             {DNNL_ARG_WEIGHTS, own.rhs.get()},
                             {DNNL_ARG_DST, own.result.get()},
                             {DNNL_ARG_SCRATCHPAD, own.scratchpad.get()}};
  int count = 4;
  if (hasBias) {
    dnnl_memory_set_data_handle(own.bias.get(),
                                const_cast<float *>(operands.bias));
    list[count++] = {DNNL_ARG_BIAS, own.bias.get()};
  }
  dnnl_status_t status = execute(product, stream, list, count, own.packing);
  if (status != dnnl_success)
    return failed("oneDNN's matmul failed with status ", int(status));
  if (relu)
    applyRelu(*relu, operands.result);
  return {};
}

MatmulLibrary::MatmulLibrary(int threads)
    : threads(threads), engine(dnnl::engine::kind::cpu, 0), stream(engine) {
  installAllocationCache(threads);
}

Status MatmulLibrary::get(const TileShape &shape, TileProduct *&product) {
  auto [position, isNew] = products.try_emplace(shape);
  product = &position->second;
  if (!isNew)
    return {};
  Status status = product->create(shape, engine, threads);
  if (!status.ok())
    products.erase(position);
  return status;
}

static uint64_t toPages(uint64_t bytes) { return (bytes + 4095) & ~4095ull; }

uint64_t MatmulLibrary::getScratchpadBytes() const {
  uint64_t bytes = 0;
  for (const auto &[shape, product] : products)
    bytes = std::max(bytes, product.scratchpadBytes);
  return toPages(bytes);
}

uint64_t MatmulLibrary::getPackingBytes() const {
  uint64_t bytes = 0;
  for (const auto &[shape, product] : products)
    bytes = std::max(bytes, product.packingBytes);
  return toPages(bytes);
}

Status MatmulLibrary::allocateWorkSpace() {
  VERNIER_TRY(workSpace.allocate(getBytes(), "matmul work space"));
  uint64_t scratchpad = getScratchpadBytes(), packing = getPackingBytes();
  for (int i = 0; i < threads; ++i) {
    uint8_t *own = workSpace.data() + i * (scratchpad + packing);
    for (auto &[shape, product] : products) {
      if (product.scratchpadBytes)
        product.arguments[i].scratchpad.set_data_handle(own);
      if (product.packingBytes)
        product.arguments[i].packing = {own + scratchpad, packing};
    }
  }
  return {};
}
