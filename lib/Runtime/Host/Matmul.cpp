//===- Matmul.cpp - Matrix products on fixed tiles
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The result is cut into the plan's tiles and each tile is computed by one
// thread, so the order of every sum, and with it every bit, depends on shapes
// alone and not on the number of threads.
//
// The compiler chooses the tiles. oneDNN 2.6 with AVX2 packs its operands only
// if 1 / tile_m + 1 / tile_n < 0.0038 (512 x 1024, say); else it reads them
// in place, which is 10 to 15 % slower, and 60 % for a transposed lhs with a
// large leading dimension.
//
//===----------------------------------------------------------------------===//

#include "Runtime/Host/HostDevice.h"
#include "Runtime/Host/MatmulLibrary.h"

#include <algorithm>

using namespace vernier;
using namespace vernier::runtime;

namespace {

/// One matrix operand: where an element (b, i, j) lies, in bytes.
struct Strides {
  int64_t batch, row, column;
};

class MatmulExecutable : public Executable {
public:
  Status create(const schema::Call &call,
                const std::vector<BoundBuffer> &buffers,
                MatmulLibrary &library);
  Status run() override;

private:
  Status getProducts(const schema::Call &call,
                     const std::vector<BoundBuffer> &buffers);
  void widenBias();
  TileProduct::Operands locate(int64_t batch, int64_t m, int64_t n) const;

  MatmulLibrary *library = nullptr;
  const uint8_t *lhs = nullptr, *rhs = nullptr;
  uint8_t *result = nullptr;
  Strides lhsStrides, rhsStrides, resultStrides;
  int64_t batch = 0, m = 0, n = 0, tileM = 0, tileN = 0;
  /// By whether the tile is the last in m, and in n.
  TileProduct *products[2][2] = {};
  const float *bias = nullptr;
  const uint16_t *bf16Bias = nullptr;
  std::vector<float> wideBias;
};

} // namespace

/// Behind lhs and rhs.
static bool hasBias(const schema::Call &call) {
  return call.inputs()->size() > 2;
}

/// The shape of the tiles of a product that are the last in m (n), or are not.
static TileShape describeTile(const schema::Call &call,
                              const std::vector<BoundBuffer> &buffers,
                              bool isLastM, bool isLastN) {
  const schema::Matmul &matmul = *call.operation_as_Matmul();
  auto getExtent = [](uint64_t whole, uint64_t tile, bool isLast) {
    tile = std::min(tile, whole);
    return int64_t(isLast ? (whole - 1) % tile + 1 : tile);
  };
  return {getExtent(matmul.m(), matmul.tile_m(), isLastM),
          getExtent(matmul.n(), matmul.tile_n(), isLastN),
          int64_t(matmul.k()),
          int64_t(matmul.lhs_ld()),
          int64_t(matmul.rhs_ld()),
          int64_t(matmul.result_ld()),
          matmul.transpose_lhs(),
          matmul.transpose_rhs(),
          hasBias(call),
          matmul.relu(),
          buffers[call.inputs()->Get(0)].dtype,
          buffers[call.results()->Get(0)].dtype};
}

Status MatmulExecutable::getProducts(const schema::Call &call,
                                     const std::vector<BoundBuffer> &buffers) {
  for (bool isLastM : {false, true})
    for (bool isLastN : {false, true})
      VERNIER_TRY(library->get(describeTile(call, buffers, isLastM, isLastN),
                               products[isLastM][isLastN]));
  return {};
}

Status MatmulExecutable::create(const schema::Call &call,
                                const std::vector<BoundBuffer> &buffers,
                                MatmulLibrary &matmulLibrary) {
  library = &matmulLibrary;
  const schema::Matmul &matmul = *call.operation_as_Matmul();
  const BoundBuffer &left = buffers[call.inputs()->Get(0)],
                    &right = buffers[call.inputs()->Get(1)],
                    &out = buffers[call.results()->Get(0)];
  batch = int64_t(matmul.batch());
  m = int64_t(matmul.m());
  n = int64_t(matmul.n());
  tileM = std::min(int64_t(matmul.tile_m()), m);
  tileN = std::min(int64_t(matmul.tile_n()), n);
  int64_t k = int64_t(matmul.k()), lhsLd = int64_t(matmul.lhs_ld()),
          rhsLd = int64_t(matmul.rhs_ld()),
          resultLd = int64_t(matmul.result_ld());
  int64_t operandSize = int64_t(sizeOf(left.dtype)),
          resultSize = int64_t(sizeOf(out.dtype));

  lhs = left.data;
  rhs = right.data;
  result = out.data;
  bool tl = matmul.transpose_lhs(), tr = matmul.transpose_rhs();
  lhsStrides = {(tl ? k : m) * lhsLd * operandSize,
                (tl ? 1 : lhsLd) * operandSize, (tl ? lhsLd : 1) * operandSize};
  rhsStrides = {matmul.shared_rhs() ? 0 : (tr ? n : k) * rhsLd * operandSize,
                (tr ? 1 : rhsLd) * operandSize, (tr ? rhsLd : 1) * operandSize};
  resultStrides = {m * resultLd * resultSize, resultLd * resultSize,
                   resultSize};
  if (hasBias(call)) {
    const BoundBuffer &buffer = buffers[call.inputs()->Get(2)];
    if (buffer.dtype == VERNIER_BF16) {
      wideBias.resize(n);
      bf16Bias = reinterpret_cast<const uint16_t *>(buffer.data);
      bias = wideBias.data();
    } else {
      bias = reinterpret_cast<const float *>(buffer.data);
    }
  }
  return getProducts(call, buffers);
}

/// oneDNN's f32 products want an f32 bias; widening is exact.
void MatmulExecutable::widenBias() {
  for (int64_t i = 0; i < n; ++i)
    wideBias[i] = fromBf16(bf16Bias[i]);
}

TileProduct::Operands MatmulExecutable::locate(int64_t b, int64_t i,
                                               int64_t j) const {
  return {lhs + b * lhsStrides.batch + i * lhsStrides.row,
          rhs + b * rhsStrides.batch + j * rhsStrides.column,
          bias ? bias + j : nullptr,
          result + b * resultStrides.batch + i * resultStrides.row +
              j * resultStrides.column};
}

Status MatmulExecutable::run() {
  if (bf16Bias)
    widenBias();
  int64_t tilesM = (m + tileM - 1) / tileM, tilesN = (n + tileN - 1) / tileN;
  return runTiles(batch * tilesM * tilesN, library->getThreads(),
                  [&](int64_t tile, int thread) {
                    int64_t j = tile % tilesN, i = tile / tilesN % tilesM,
                            b = tile / tilesN / tilesM;
                    TileProduct &product =
                        *products[i == tilesM - 1][j == tilesN - 1];
                    return product.run(locate(b, i * tileM, j * tileN), thread,
                                       library->getStream());
                  });
}

Status vernier::runtime::checkMatmul(const schema::Call &call,
                                     const std::vector<BoundBuffer> &buffers,
                                     const dnnl::engine &engine) {
  for (bool isLastM : {false, true})
    for (bool isLastN : {false, true})
      VERNIER_TRY(
          checkProduct(describeTile(call, buffers, isLastM, isLastN), engine));
  return {};
}

Status vernier::runtime::bindMatmul(const schema::Call &call,
                                    const std::vector<BoundBuffer> &buffers,
                                    MatmulLibrary &library,
                                    std::unique_ptr<Executable> &executable) {
  auto product = std::make_unique<MatmulExecutable>();
  VERNIER_TRY(product->create(call, buffers, library));
  executable = std::move(product);
  return {};
}
