//===- MatmulLibrary.h - oneDNN products of tiles
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_HOST_MATMULLIBRARY_H
#define VERNIER_RUNTIME_HOST_MATMULLIBRARY_H

#include "Runtime/Host/AllocationCache.h"
#include "Runtime/Host/HostDevice.h"
#include "Runtime/Mapping.h"
#include "vernier-c/plan.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <omp.h>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <tuple>
#include <vector>

namespace vernier::runtime {

/// While one lives, oneDNN works on the calling thread alone.
class SingleThreadScope {
public:
  SingleThreadScope() : saved(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~SingleThreadScope() { omp_set_num_threads(saved); }

private:
  int saved;
};

/// Call `body(tile, thread)`, which calls oneDNN and returns a Status, for
/// tiles 0 .. tiles - 1 on `threads` threads; the last failure if any failed.
/// oneDNN works on the calling thread alone: parallelFor sees to that on its
/// team, whose size a SingleThreadScope around it would change, and OpenMP
/// allocates when that happens.
template <typename Body>
Status runTiles(int64_t tiles, int threads, const Body &body) {
  std::optional<SingleThreadScope> scope;
  if (threads == 1)
    scope.emplace();
  Status failure;
  std::mutex failureMutex;
  parallelFor(tiles, threads, [&](int64_t tile, int thread) {
    Status status = body(tile, thread);
    if (status.ok())
      return;
    std::lock_guard<std::mutex> lock(failureMutex);
    failure = status;
  });
  return failure;
}

/// Run a primitive of oneDNN without allocating, once it has run on this
/// thread. The C call, for the C++ one would build a map of the arguments each
/// time.
dnnl_status_t execute(const dnnl::primitive &primitive,
                      const dnnl::stream &stream,
                      const dnnl_exec_arg_t *arguments, int count,
                      PackingArea packing = {});

/// What distinguishes one product of tiles from another. Extents and leading
/// dimensions in elements.
struct TileShape {
  int64_t m, n, k, lhsLd, rhsLd, resultLd;
  bool transposeLhs, transposeRhs, bias, relu;
  vernier_dtype_t operandType, resultType;

  auto key() const {
    return std::tie(m, n, k, lhsLd, rhsLd, resultLd, transposeLhs, transposeRhs,
                    bias, relu, operandType, resultType);
  }
  bool operator<(const TileShape &other) const { return key() < other.key(); }
};

/// Whether oneDNN has a primitive for the product, which is not made.
Status checkProduct(const TileShape &shape, const dnnl::engine &engine);

/// The product of one tile, on the thread that calls it.
class TileProduct {
public:
  struct Operands {
    const void *lhs, *rhs;
    const float *bias;
    void *result;
  };
  Status create(const TileShape &shape, const dnnl::engine &engine,
                int threads);
  Status run(const Operands &operands, int thread, const dnnl::stream &stream);

private:
  friend class MatmulLibrary;
  /// oneDNN's handles to memory, of one thread.
  struct Arguments {
    dnnl::memory lhs, rhs, bias, result, scratchpad;
    PackingArea packing;
  };
  dnnl::matmul product;
  bool hasBias = false;
  /// The tile's shape if relu is applied to it.
  std::optional<TileShape> relu;
  uint64_t scratchpadBytes = 0, packingBytes = 0;
  std::vector<Arguments> arguments; ///< by thread
};

/// Whether oneDNN has primitives for a call; buffers need no memory. In the
/// file of the call's bind function, which asks for the same.
Status checkMatmul(const schema::Call &call,
                   const std::vector<BoundBuffer> &buffers,
                   const dnnl::engine &engine);
Status checkConvolution(const schema::Call &call,
                        const std::vector<BoundBuffer> &buffers,
                        const dnnl::engine &engine);

/// The products of one session, each compiled once, and their work space.
class MatmulLibrary {
public:
  explicit MatmulLibrary(int threads);
  int getThreads() const { return threads; }
  const dnnl::stream &getStream() const { return stream; }
  const dnnl::engine &getEngine() const { return engine; }

  /// The product for a shape; stays where it is while the library lives.
  Status get(const TileShape &shape, TileProduct *&product);
  /// After the last get: work space for each thread.
  Status allocateWorkSpace();
  /// Of this work space, allocated or not.
  uint64_t getBytes() const {
    return (getScratchpadBytes() + getPackingBytes()) * threads;
  }

private:
  /// Of one thread, whole pages.
  uint64_t getScratchpadBytes() const;
  uint64_t getPackingBytes() const;

  int threads;
  dnnl::engine engine;
  dnnl::stream stream;
  std::map<TileShape, TileProduct> products;
  Mapping workSpace;
};

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_HOST_MATMULLIBRARY_H
