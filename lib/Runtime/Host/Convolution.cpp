//===- Convolution.cpp - Convolutions by oneDNN
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// oneDNN is called on the tiles of images that the plan says, one thread each:
// results depend on neither the number of threads nor their order. Weights go
// through the layout that oneDNN likes.
//
//===----------------------------------------------------------------------===//

#include "Runtime/Host/HostDevice.h"
#include "Runtime/Host/MatmulLibrary.h"

using namespace vernier;
using namespace vernier::runtime;
using dnnl::memory;
using Kind = schema::ConvolutionKind;

namespace {

/// One tile's primitive with its arguments, by thread.
struct TileConvolution {
  struct Arguments {
    memory image, weight, output, scratchpad;
  };
  dnnl::primitive primitive;
  memory::desc weight, scratchpad;
  std::vector<Arguments> arguments;
};

class ConvolutionExecutable : public Executable {
public:
  ConvolutionExecutable(const schema::Convolution &convolution,
                        const std::vector<BoundBuffer> &buffers,
                        MatmulLibrary &library, Workspace &workspace)
      : library(library), workspace(workspace), kind(convolution.kind()),
        image(buffers[convolution.image()]),
        weight(buffers[convolution.weight()]),
        output(buffers[convolution.output()]), images(image.shape[0]),
        tile(std::min<int64_t>(convolution.tile(), images)),
        tiles((images + tile - 1) / tile) {}
  Status create(const schema::Convolution &convolution);
  Status run() override;

private:
  void createTile(const schema::Convolution &convolution, int64_t count,
                  TileConvolution &result);
  Status runTile(int64_t index, int thread);
  Status reorder(const memory &from, const memory &to);
  void sumTiles();
  /// Bytes of one weight in oneDNN's layout.
  uint64_t weightBytes() const { return alignUp(whole.weight.get_size()); }

  MatmulLibrary &library;
  Workspace &workspace;
  Kind kind;
  BoundBuffer image, weight, output;
  int64_t images, tile, tiles;
  /// The tiles but the last, and that.
  TileConvolution whole, last;
  memory plainWeight, packedWeight, reorderScratchpad;
  dnnl::reorder packing;
  uint64_t scratchpadBytes = 0;
};

} // namespace

static memory::data_type toDnnl(vernier_dtype_t dtype) {
  return dtype == VERNIER_BF16 ? memory::data_type::bf16
                               : memory::data_type::f32;
}

/// (count, C, H, W) to oneDNN, channels last in memory.
static memory::desc describeImages(const BoundBuffer &buffer, int64_t count) {
  const auto &s = buffer.shape;
  return {{count, s[3], s[1], s[2]},
          toDnnl(buffer.dtype),
          memory::format_tag::nhwc};
}

/// (G, O / G, C / G, KH, KW) to oneDNN, without G if that is 1.
static memory::dims getWeightDims(const BoundBuffer &buffer, int64_t groups) {
  const auto &s = buffer.shape;
  memory::dims dims{s[0] / groups, s[3], s[1], s[2]};
  if (groups > 1)
    dims.insert(dims.begin(), groups);
  return dims;
}

static memory::desc describeWeight(const BoundBuffer &buffer, int64_t groups) {
  const auto &s = buffer.shape;
  int64_t kernel = s[1] * s[2] * s[3];
  memory::dims strides{kernel, 1, s[2] * s[3], s[3]};
  if (groups > 1)
    strides.insert(strides.begin(), s[0] / groups * kernel);
  return {getWeightDims(buffer, groups), toDnnl(buffer.dtype), strides};
}

void ConvolutionExecutable::createTile(const schema::Convolution &convolution,
                                       int64_t count, TileConvolution &result) {
  auto numbers = [](const flatbuffers::Vector<uint32_t> &list, unsigned begin,
                    int64_t less = 0) {
    return memory::dims{int64_t(list[begin]) - less,
                        int64_t(list[begin + 1]) - less};
  };
  memory::dims strides = numbers(*convolution.strides(), 0),
               dilation = numbers(*convolution.dilation(), 0, 1),
               before = numbers(*convolution.padding(), 0),
               after = numbers(*convolution.padding(), 2);
  constexpr auto direct = dnnl::algorithm::convolution_direct;
  memory::desc x = describeImages(image, count),
               y = describeImages(output, count);
  // Sums of weight gradients stay in f32 until all tiles are added. The last
  // tile takes the layout of the others.
  memory::desc w(getWeightDims(weight, convolution.groups()),
                 kind == Kind::weight ? memory::data_type::f32
                                      : toDnnl(weight.dtype),
                 memory::format_tag::any);
  if (&result == &last)
    w = whole.weight;
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::engine &engine = library.getEngine();
  dnnl::convolution_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, direct, x,
       kind == Kind::weight ? memory::desc(w.dims(), toDnnl(image.dtype),
                                           memory::format_tag::any)
                            : w,
       y, strides, dilation, before, after},
      attributes, engine);
  if (kind == Kind::image) {
    dnnl::convolution_backward_data::primitive_desc primitive(
        {direct, x, w, y, strides, dilation, before, after}, attributes, engine,
        forward);
    result.primitive = dnnl::convolution_backward_data(primitive);
    result.weight = primitive.weights_desc();
    result.scratchpad = primitive.scratchpad_desc();
  } else if (kind == Kind::weight) {
    dnnl::convolution_backward_weights::primitive_desc primitive(
        {direct, x, w, y, strides, dilation, before, after}, attributes, engine,
        forward);
    result.primitive = dnnl::convolution_backward_weights(primitive);
    result.weight = primitive.diff_weights_desc();
    result.scratchpad = primitive.scratchpad_desc();
  } else {
    result.primitive = dnnl::convolution_forward(forward);
    result.weight = forward.weights_desc();
    result.scratchpad = forward.scratchpad_desc();
  }
  scratchpadBytes = std::max<uint64_t>(scratchpadBytes,
                                       alignUp(result.scratchpad.get_size()));
  for (int i = 0; i < library.getThreads(); ++i)
    result.arguments.push_back({memory(x, engine, nullptr),
                                memory(result.weight, engine, nullptr),
                                memory(y, engine, nullptr),
                                memory(result.scratchpad, engine, nullptr)});
}

Status
ConvolutionExecutable::create(const schema::Convolution &convolution) try {
  SingleThreadScope scope;
  const dnnl::engine &engine = library.getEngine();
  createTile(convolution, tile, whole);
  createTile(convolution, images - (tiles - 1) * tile, last);
  plainWeight =
      memory(describeWeight(weight, convolution.groups()), engine, weight.data);
  packedWeight = memory(whole.weight, engine, nullptr);
  bool isGradient = kind == Kind::weight;
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::reorder::primitive_desc descriptor(
      isGradient ? packedWeight : plainWeight,
      isGradient ? plainWeight : packedWeight, attributes);
  packing = dnnl::reorder(descriptor);
  reorderScratchpad = memory(descriptor.scratchpad_desc(), engine, nullptr);
  scratchpadBytes = std::max<uint64_t>(
      scratchpadBytes, alignUp(descriptor.scratchpad_desc().get_size()));
  workspace.reserve((isGradient ? tiles : 1) * weightBytes() +
                    library.getThreads() * scratchpadBytes);
  return {};
} catch (const dnnl::error &error) {
  if (error.status == dnnl_out_of_memory)
    return resources("out of memory while preparing a convolution");
  if (image.dtype == VERNIER_BF16 || output.dtype == VERNIER_BF16)
    return resources("this processor cannot run a bf16 convolution natively (",
                     error.what(),
                     "); compile the model again with --target=cpu or, on this "
                     "machine, --target=cpu:native");
  return failed("oneDNN cannot run a convolution: ", error.what());
}

/// Scratchpads lie behind the weights.
Status ConvolutionExecutable::runTile(int64_t index, int thread) {
  TileConvolution &own = index == tiles - 1 ? last : whole;
  TileConvolution::Arguments &arguments = own.arguments[thread];
  uint64_t weights = (kind == Kind::weight ? tiles : 1) * weightBytes();
  auto at = [&](const BoundBuffer &buffer) {
    return buffer.data + buffer.bytes / images * tile * index;
  };
  auto set = [](memory &object, uint8_t *data) {
    dnnl_memory_set_data_handle(object.get(), data);
  };
  set(arguments.image, at(image));
  set(arguments.output, at(output));
  set(arguments.weight,
      workspace.data() + (kind == Kind::weight ? index : 0) * weightBytes());
  set(arguments.scratchpad,
      workspace.data() + weights + thread * scratchpadBytes);
  bool isForward = kind == Kind::output;
  dnnl_exec_arg_t list[] = {
      {kind == Kind::image ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC,
       arguments.image.get()},
      {kind == Kind::weight ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS,
       arguments.weight.get()},
      {isForward ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, arguments.output.get()},
      {DNNL_ARG_SCRATCHPAD, arguments.scratchpad.get()}};
  dnnl_status_t status = execute(own.primitive, library.getStream(), list, 4);
  if (status != dnnl_success)
    return failed("oneDNN's convolution failed with status ", int(status));
  return {};
}

Status ConvolutionExecutable::reorder(const memory &from, const memory &to) {
  dnnl_memory_set_data_handle(packedWeight.get(), workspace.data());
  uint64_t weights = (kind == Kind::weight ? tiles : 1) * weightBytes();
  dnnl_memory_set_data_handle(reorderScratchpad.get(),
                              workspace.data() + weights);
  dnnl_exec_arg_t list[] = {{DNNL_ARG_FROM, from.get()},
                            {DNNL_ARG_TO, to.get()},
                            {DNNL_ARG_SCRATCHPAD, reorderScratchpad.get()}};
  dnnl_status_t status = execute(packing, library.getStream(), list, 3);
  if (status != dnnl_success)
    return failed("oneDNN's reorder failed with status ", int(status));
  return {};
}

/// Add the tiles' gradients to that of the first, in pairs: the error grows
/// with the logarithm of their number. A few elements of all tiles at a time,
/// which the cache holds from the first pair to the last.
void ConvolutionExecutable::sumTiles() {
  constexpr int64_t blockElements = 1024;
  int64_t count = whole.weight.get_size() / sizeof(float);
  auto tileAt = [&](int64_t index) {
    return reinterpret_cast<float *>(workspace.data() + index * weightBytes());
  };
  for (int64_t begin = 0; begin < count; begin += blockElements) {
    int64_t end = std::min(count, begin + blockElements);
    for (int64_t stride = 1; stride < tiles; stride *= 2)
      for (int64_t index = 0; index + stride < tiles; index += 2 * stride) {
        float *sum = tileAt(index);
        const float *part = tileAt(index + stride);
        for (int64_t i = begin; i < end; ++i)
          sum[i] += part[i];
      }
  }
}

Status ConvolutionExecutable::run() {
  int threads = library.getThreads();
  auto reorderOnce = [&](const memory &from, const memory &to) {
    return runTiles(1, threads,
                    [&](int64_t, int) { return reorder(from, to); });
  };
  if (kind != Kind::weight)
    VERNIER_TRY(reorderOnce(plainWeight, packedWeight));
  VERNIER_TRY(runTiles(tiles, threads, [&](int64_t index, int thread) {
    return runTile(index, thread);
  }));
  if (kind != Kind::weight)
    return {};
  sumTiles();
  return reorderOnce(packedWeight, plainWeight);
}

Status
vernier::runtime::bindConvolution(const schema::Convolution &convolution,
                                  const std::vector<BoundBuffer> &buffers,
                                  MatmulLibrary &library, Workspace &workspace,
                                  std::unique_ptr<Executable> &executable) {
  auto bound = std::make_unique<ConvolutionExecutable>(convolution, buffers,
                                                       library, workspace);
  VERNIER_TRY(bound->create(convolution));
  executable = std::move(bound);
  return {};
}
