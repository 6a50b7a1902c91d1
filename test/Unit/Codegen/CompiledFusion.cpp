//===- CompiledFusion.cpp - A fusion that was compiled and can be run
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompiledFusion.h"

#include "vernier/Pipelines/InitAll.h"
#include "vernier/Reference/Evaluator.h"
#include "vernier/Target/Object.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/Sequence.h"

#include <cmath>
#include <cstring>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace mlir;
using namespace vernier;
using namespace vernier::test;

std::unique_ptr<MLIRContext> vernier::test::createContext() {
  DialectRegistry registry;
  registerAllDialects(registry);
  registerObjectTranslation(registry);
  auto context =
      std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  context->loadAllAvailableDialects();
  return context;
}

//===----------------------------------------------------------------------===//
// Buffer
//===----------------------------------------------------------------------===//

static unsigned bytesOf(Type element) {
  return std::max(8u, element.getIntOrFloatBitWidth()) / 8;
}

Buffer::Buffer(RankedTensorType type) : type(type) {
  size_t size = type.getNumElements() * bytesOf(type.getElementType());
  // A margin behind the last element shows a kernel that writes too far.
  bytes.reset(aligned_alloc(64, (size + 127) / 64 * 64));
  memset(bytes.get(), 0xcd, (size + 127) / 64 * 64);
}

Buffer::Buffer(RankedTensorType type, const reference::Tensor &tensor)
    : Buffer(type) {
  Type element = type.getElementType();
  unsigned width = bytesOf(element);
  for (auto [i, value] : llvm::enumerate(tensor.elements)) {
    uint64_t bits = uint64_t(int64_t(isa<IntegerType>(element) ? value : 0.0));
    if (auto floatType = dyn_cast<FloatType>(element)) {
      APFloat number(value);
      bool losesInfo;
      number.convert(floatType.getFloatSemantics(),
                     APFloat::rmNearestTiesToEven, &losesInfo);
      bits = number.bitcastToAPInt().getZExtValue();
    }
    memcpy(static_cast<char *>(bytes.get()) + i * width, &bits, width);
  }
}

reference::Tensor Buffer::read() const {
  reference::Tensor tensor(type);
  Type element = type.getElementType();
  unsigned width = bytesOf(element);
  for (auto [i, value] : llvm::enumerate(tensor.elements)) {
    uint64_t bits = 0;
    memcpy(&bits, static_cast<char *>(bytes.get()) + i * width, width);
    if (auto floatType = dyn_cast<FloatType>(element)) {
      APFloat number(floatType.getFloatSemantics(),
                     APInt(floatType.getWidth(), bits));
      bool losesInfo;
      number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                     &losesInfo);
      value = number.convertToDouble();
    } else {
      value = double(int64_t(bits << (64 - 8 * width)) >> (64 - 8 * width));
    }
  }
  return tensor;
}

//===----------------------------------------------------------------------===//
// CompiledFusion
//===----------------------------------------------------------------------===//

CompiledFusion::CompiledFusion(MLIRContext &context, StringRef source,
                               StringRef targetName, StringRef machineName) {
  module = parseSourceString<ModuleOp>(source, ParserConfig(&context));
  if (!module)
    return;
  function = module->lookupSymbol<func::FuncOp>("test");
  train::FusionOp fusion;
  function.walk([&](train::FusionOp op) { fusion = op; });
  auto target = llvm::cantFail(TargetModel::parse(targetName));
  auto machine = llvm::cantFail(TargetModel::parse(machineName));
  OwningOpRef<ModuleOp> kernels = ModuleOp::create(module->getLoc());
  if (failed(emitCpuKernel(fusion, "kernel", *target, *kernels)) ||
      failed(lowerKernelsToLLVM(*kernels)))
    return;
  FailureOr<std::vector<char>> object =
      compileToSharedObject(*kernels, *cast<CpuTarget>(machine.get()));
  if (failed(object))
    return;
  grid = getKernelGrid(fusion, *target);
  int file = memfd_create("kernels", 0);
  if (write(file, object->data(), object->size()) != ssize_t(object->size()))
    return;
  library = dlopen(("/proc/self/fd/" + std::to_string(file)).c_str(),
                   RTLD_NOW | RTLD_LOCAL);
  close(file);
  if (!library) {
    llvm::errs() << dlerror() << "\n";
    return;
  }
  kernel = reinterpret_cast<vernier_kernel_t>(dlsym(library, "kernel"));
}

CompiledFusion::~CompiledFusion() {
  if (library)
    dlclose(library);
}

RankedTensorType CompiledFusion::inputType(unsigned index) const {
  return cast<RankedTensorType>(function.getFunctionType().getInput(index));
}

RankedTensorType CompiledFusion::resultType(unsigned index) const {
  return cast<RankedTensorType>(function.getFunctionType().getResult(index));
}

void CompiledFusion::run(ArrayRef<void *> arguments,
                         int64_t rangeLength) const {
  int64_t step = std::max<int64_t>(1, rangeLength / grid.grain) * grid.grain;
  for (int64_t begin = (grid.grid - 1) / step * step; begin >= 0; begin -= step)
    kernel(arguments.data(), begin, std::min(begin + step, grid.grid));
}

SmallVector<reference::Tensor>
CompiledFusion::run(ArrayRef<reference::Tensor> inputs,
                    int64_t rangeLength) const {
  std::vector<Buffer> buffers;
  for (auto [i, input] : llvm::enumerate(inputs))
    buffers.emplace_back(inputType(i), input);
  for (unsigned i : llvm::seq(function.getNumResults()))
    buffers.emplace_back(resultType(i));
  SmallVector<void *> arguments;
  for (Buffer &buffer : buffers)
    arguments.push_back(buffer.data());
  run(arguments, rangeLength);
  SmallVector<reference::Tensor> results;
  for (const Buffer &buffer : ArrayRef(buffers).drop_front(inputs.size()))
    results.push_back(buffer.read());
  return results;
}

SmallVector<reference::Tensor>
CompiledFusion::evaluate(ArrayRef<reference::Tensor> inputs) const {
  reference::State state;
  auto results = reference::evaluate(function, inputs, state);
  return succeeded(results) ? *results : SmallVector<reference::Tensor>();
}

//===----------------------------------------------------------------------===//
// Random inputs, comparisons
//===----------------------------------------------------------------------===//

reference::Tensor vernier::test::randomTensor(RankedTensorType type,
                                              std::mt19937 &random) {
  reference::Tensor tensor(type);
  std::normal_distribution<double> normal;
  std::uniform_int_distribution<int> label(0, 9), flag(0, 1);
  for (double &value : tensor.elements) {
    Type element = type.getElementType();
    value = element.isInteger(1)        ? flag(random)
            : isa<IntegerType>(element) ? label(random)
                                        : normal(random);
    if (isa<FloatType>(element))
      value = float(value);
  }
  // Through memory once, so that 16-bit inputs are what they can be.
  return Buffer(type, tensor).read();
}

void vernier::test::expectNear(const reference::Tensor &actual,
                               const reference::Tensor &expected,
                               double tolerance) {
  ASSERT_EQ(actual.elements.size(), expected.elements.size());
  // One rounding of a 16-bit result may fall on the other side.
  double step = expected.elementType.isBF16()  ? 1.0 / 128
                : expected.elementType.isF16() ? 1.0 / 1024
                                               : tolerance;
  if (isa<IntegerType>(expected.elementType))
    step = 0.0;
  double largest = 0.0;
  for (double value : expected.elements)
    largest =
        std::isfinite(value) ? std::max(largest, std::abs(value)) : largest;
  for (size_t i = 0; i < expected.elements.size(); ++i) {
    double a = actual.elements[i], e = expected.elements[i];
    if (std::isnan(e) ? !std::isnan(a)
                      : a != e && !(std::abs(a - e) <=
                                    step * std::abs(e) + tolerance * largest))
      FAIL() << "element " << i << ": " << a << ", expected " << e;
  }
}
