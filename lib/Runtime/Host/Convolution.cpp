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

#include "Runtime/ConvolutionBuffers.h"
#include "Runtime/Host/HostDevice.h"
#include "Runtime/Host/MatmulLibrary.h"

using namespace vernier;
using namespace vernier::runtime;
using dnnl::memory;
using Kind = schema::ConvolutionKind;

namespace {

/// The buffers of a convolution.
struct Tensors {
  Tensors(const schema::Call &call, const std::vector<BoundBuffer> &buffers)
      : Tensors(ConvolutionBuffers(call), buffers) {}
  Tensors(const ConvolutionBuffers &indices,
          const std::vector<BoundBuffer> &buffers)
      : image(buffers[indices.image]), weight(buffers[indices.weight]),
        output(buffers[indices.output]) {}
  const BoundBuffer &image, &weight, &output;
};

/// What oneDNN would make for a tile.
struct TileDescription {
  dnnl::primitive_desc primitive;
  memory::desc image, weight, output, scratchpad;
};

/// One tile's primitive with its arguments, by thread.
struct TileConvolution {
  struct Arguments {
    memory image, weight, output, scratchpad;
  };
  dnnl::primitive primitive;
  memory::desc weight;
  std::vector<Arguments> arguments;
};

class ConvolutionExecutable : public Executable {
public:
  ConvolutionExecutable(const schema::Convolution &convolution,
                        const Tensors &tensors, MatmulLibrary &library,
                        Workspace &workspace)
      : library(library), workspace(workspace), kind(convolution.kind()),
        image(tensors.image), weight(tensors.weight), output(tensors.output),
        images(image.shape[0]),
        tile(std::min<int64_t>(convolution.tile(), images)),
        tiles((images + tile - 1) / tile) {}
  Status create(const schema::Convolution &convolution, const Tensors &tensors);
  Status run() override;

private:
  void createTile(const schema::Convolution &convolution,
                  const Tensors &tensors, int64_t count,
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

static memory::dims getPair(const flatbuffers::Vector<uint32_t> &list,
                            unsigned begin, int64_t less = 0) {
  return {int64_t(list[begin]) - less, int64_t(list[begin + 1]) - less};
}

/// `count` images; the weight in the layout `packed`, or in any if that is
/// empty. Throws if oneDNN has no primitive.
static TileDescription describeTile(const schema::Convolution &convolution,
                                    const Tensors &tensors, int64_t count,
                                    const memory::desc &packed,
                                    const dnnl::engine &engine) {
  Kind kind = convolution.kind();
  memory::dims strides = getPair(*convolution.strides(), 0),
               dilation = getPair(*convolution.dilation(), 0, 1),
               before = getPair(*convolution.padding(), 0),
               after = getPair(*convolution.padding(), 2);
  constexpr auto direct = dnnl::algorithm::convolution_direct;
  constexpr auto any = memory::format_tag::any;
  memory::desc x = describeImages(tensors.image, count),
               y = describeImages(tensors.output, count);
  // Sums of weight gradients stay in f32 until all tiles are added.
  memory::dims weightDims = getWeightDims(tensors.weight, convolution.groups());
  memory::desc w = packed;
  if (packed.is_zero())
    w = {weightDims,
         kind == Kind::weight ? memory::data_type::f32
                              : toDnnl(tensors.weight.dtype),
         any};
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  // The forward primitive, which gradients take as a hint, multiplies what they
  // multiply: the result of a gradient may be wider than that.
  memory::data_type operands =
      toDnnl(kind == Kind::image ? tensors.output.dtype : tensors.image.dtype);
  memory::desc hintX(x.dims(), operands, memory::format_tag::nhwc);
  memory::desc hintW =
      kind == Kind::weight ? memory::desc(weightDims, operands, any) : w;
  dnnl::convolution_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, direct, hintX, hintW, y, strides,
       dilation, before, after},
      attributes, engine);
  if (kind == Kind::output)
    return {forward, x, forward.weights_desc(), y, forward.scratchpad_desc()};
  if (kind == Kind::image) {
    dnnl::convolution_backward_data::primitive_desc gradient(
        {direct, x, w, y, strides, dilation, before, after}, attributes, engine,
        forward);
    return {gradient, x, gradient.weights_desc(), y,
            gradient.scratchpad_desc()};
  }
  dnnl::convolution_backward_weights::primitive_desc gradient(
      {direct, x, w, y, strides, dilation, before, after}, attributes, engine,
      forward);
  return {gradient, x, gradient.diff_weights_desc(), y,
          gradient.scratchpad_desc()};
}

/// Between the weight as it is in its buffer and the layout `packed`.
static dnnl::reorder::primitive_desc
describePacking(const schema::Convolution &convolution, const Tensors &tensors,
                const memory::desc &packed, const dnnl::engine &engine) {
  memory::desc plain = describeWeight(tensors.weight, convolution.groups());
  bool isGradient = convolution.kind() == Kind::weight;
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return {engine, isGradient ? packed : plain, engine,
          isGradient ? plain : packed, attributes};
}

static Status explain(const Tensors &tensors, const dnnl::error &error) {
  if (error.status == dnnl_out_of_memory)
    return resources("out of memory while preparing a convolution");
  if (tensors.image.dtype == VERNIER_BF16 ||
      tensors.output.dtype == VERNIER_BF16)
    return resources("this processor cannot run a bf16 convolution natively (",
                     error.what(),
                     "); compile the model again with --target=cpu or, on this "
                     "machine, --target=cpu:native");
  return failed("oneDNN cannot run a convolution: ", error.what());
}

Status
vernier::runtime::checkConvolution(const schema::Call &call,
                                   const std::vector<BoundBuffer> &buffers,
                                   const dnnl::engine &engine) {
  const schema::Convolution &convolution = *call.operation_as_Convolution();
  Tensors tensors(call, buffers);
  int64_t images = tensors.image.shape[0],
          tile = std::min<int64_t>(convolution.tile(), images);
  try {
    SingleThreadScope scope;
    TileDescription whole =
        describeTile(convolution, tensors, tile, {}, engine);
    (void)describeTile(convolution, tensors, (images - 1) % tile + 1,
                       whole.weight, engine);
    (void)describePacking(convolution, tensors, whole.weight, engine);
    return {};
  } catch (const dnnl::error &error) {
    return explain(tensors, error);
  }
}

void ConvolutionExecutable::createTile(const schema::Convolution &convolution,
                                       const Tensors &tensors, int64_t count,
                                       TileConvolution &result) {
  const dnnl::engine &engine = library.getEngine();
  // The last tile takes the layout of the others.
  TileDescription tile =
      describeTile(convolution, tensors, count,
                   &result == &last ? whole.weight : memory::desc(), engine);
  result.primitive = dnnl::primitive(tile.primitive);
  result.weight = tile.weight;
  scratchpadBytes =
      std::max<uint64_t>(scratchpadBytes, alignUp(tile.scratchpad.get_size()));
  for (int i = 0; i < library.getThreads(); ++i)
    result.arguments.push_back({memory(tile.image, engine, nullptr),
                                memory(tile.weight, engine, nullptr),
                                memory(tile.output, engine, nullptr),
                                memory(tile.scratchpad, engine, nullptr)});
}

Status ConvolutionExecutable::create(const schema::Convolution &convolution,
                                     const Tensors &tensors) {
  try {
    SingleThreadScope scope;
    const dnnl::engine &engine = library.getEngine();
    createTile(convolution, tensors, tile, whole);
    createTile(convolution, tensors, images - (tiles - 1) * tile, last);
    plainWeight = memory(describeWeight(weight, convolution.groups()), engine,
                         weight.data);
    packedWeight = memory(whole.weight, engine, nullptr);
    dnnl::reorder::primitive_desc descriptor =
        describePacking(convolution, tensors, whole.weight, engine);
    packing = dnnl::reorder(descriptor);
    reorderScratchpad = memory(descriptor.scratchpad_desc(), engine, nullptr);
    scratchpadBytes = std::max<uint64_t>(
        scratchpadBytes, alignUp(descriptor.scratchpad_desc().get_size()));
    workspace.reserve((kind == Kind::weight ? tiles : 1) * weightBytes() +
                      library.getThreads() * scratchpadBytes);
    return {};
  } catch (const dnnl::error &error) {
    return explain(tensors, error);
  }
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
vernier::runtime::bindConvolution(const schema::Call &call,
                                  const std::vector<BoundBuffer> &buffers,
                                  MatmulLibrary &library, Workspace &workspace,
                                  std::unique_ptr<Executable> &executable) {
  const schema::Convolution &convolution = *call.operation_as_Convolution();
  Tensors tensors(call, buffers);
  auto bound = std::make_unique<ConvolutionExecutable>(convolution, tensors,
                                                       library, workspace);
  VERNIER_TRY(bound->create(convolution, tensors));
  executable = std::move(bound);
  return {};
}
