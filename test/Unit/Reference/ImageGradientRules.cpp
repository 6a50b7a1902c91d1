//===- ImageGradientRules.cpp - The ops on images whose vjps are checked
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GradientRules.h"

namespace vernier {

/// "(type of %0, type of %1, ...)".
static std::string typesOf(const std::vector<Operand> &operands) {
  std::string text = "(";
  for (const Operand &operand : operands)
    text += (text.size() > 1 ? ", " : "") + typeOf(operand.shape);
  return text + ")";
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

namespace {

/// How a window moves over one dim of an image.
struct Window {
  int64_t image, extent, stride, dilation, before, after;

  int64_t places() const {
    return (image + before + after - dilation * (extent - 1) - 1) / stride + 1;
  }
};

} // namespace

/// A window that fits, with padding up to `maxPadding` and below its extent.
static Window drawWindow(Random &random, int64_t maxDilation) {
  Window window;
  window.extent = drawInteger(random, 1, 3);
  window.stride = drawInteger(random, 1, 2);
  window.dilation = drawInteger(random, 1, maxDilation);
  window.before = drawInteger(random, 0, window.extent - 1);
  window.after = drawInteger(random, 0, window.extent - 1);
  int64_t least = window.dilation * (window.extent - 1) + 1;
  window.image = drawInteger(random, least, least + 3);
  return window;
}

static std::string attributesOf(const Window &rows, const Window &columns) {
  return " strides = " + listOf({rows.stride, columns.stride}) + " padding = " +
         listOf({rows.before, columns.before, rows.after, columns.after});
}

static Instance drawConvolution(Random &random) {
  Window rows = drawWindow(random, 2), columns = drawWindow(random, 2);
  int64_t images = drawInteger(random, 1, 2),
          groups = drawInteger(random, 1, 2),
          channels = drawInteger(random, 1, 2),
          outputs = groups * drawInteger(random, 1, 2);
  Instance instance{{{{images, rows.image, columns.image, groups * channels}},
                     {{outputs, rows.extent, columns.extent, channels}}},
                    "%y = train.conv2d %0, %1",
                    {images, rows.places(), columns.places(), outputs}};
  instance.body += attributesOf(rows, columns) +
                   " dilation = " + listOf({rows.dilation, columns.dilation}) +
                   " groups = " + std::to_string(groups) + " : " +
                   typesOf(instance.operands) + " -> " +
                   typeOf(instance.resultShape);
  return instance;
}

static Instance drawPool(Random &random, const std::string &kind) {
  Window rows = drawWindow(random, 1), columns = drawWindow(random, 1);
  int64_t images = drawInteger(random, 1, 2),
          channels = drawInteger(random, 1, 3);
  Shape input{images, rows.image, columns.image, channels},
      result{images, rows.places(), columns.places(), channels};
  return {{{input}},
          "%y = train.pool2d " + kind +
              " %0 window = " + listOf({rows.extent, columns.extent}) +
              attributesOf(rows, columns) + " : " + typeOf(input) + " -> " +
              typeOf(result),
          result};
}

static Instance drawAdaptivePool(Random &random, const std::string &kind) {
  Shape input = drawShape(random, 4, 4), result = input;
  for (int dim : {1, 2})
    result[dim] = drawInteger(random, 1, input[dim]);
  return {{{input}},
          "%y = train.pool2d " + kind + " %0 adaptive : " + typeOf(input) +
              " -> " + typeOf(result),
          result};
}

static void addWindows(std::vector<Rule> &rules) {
  rules.push_back({"train.conv2d", drawConvolution});
  for (const char *kind : {"max", "average"}) {
    rules.push_back({std::string("train.pool2d ") + kind,
                     [=](Random &random) { return drawPool(random, kind); }});
    rules.push_back(
        {std::string("train.pool2d adaptive ") + kind,
         [=](Random &random) { return drawAdaptivePool(random, kind); }});
  }
}

//===----------------------------------------------------------------------===//
// Channels
//===----------------------------------------------------------------------===//

// A single row is normalised to 0 / sqrt(epsilon): keep that well conditioned.
static constexpr const char *kEpsilon = "epsilon = 1.0e-2 : f64";

static Instance drawBatchNorm(Random &random) {
  Shape shape = drawShape(random, 2, 4), channels{shape.back()};
  std::string type = typeOf(channels);
  Instance instance{{{shape}, {channels}, {channels}}, "", shape};
  instance.body = "%s = arith.constant dense<0.5> : " + type +
                  "\n %y, %m, %v = train.batch_norm %0, %1, %2, %s, %s {" +
                  kEpsilon + "} : (" + typeOf(shape) + ", " + type + ", " +
                  type + ", " + type + ", " + type + ") -> (" + typeOf(shape) +
                  ", " + type + ", " + type + ")";
  return instance;
}

static Instance drawBatchNormInference(Random &random) {
  Shape shape = drawShape(random, 2, 4), channels{shape.back()};
  Instance instance{{{shape},
                     {channels},
                     {channels},
                     {channels},
                     {channels, Domain::Positive}},
                    "%y = train.batch_norm_inference %0, %1, %2, %3, %4 : ",
                    shape};
  instance.body += typesOf(instance.operands) + " -> " + typeOf(shape);
  return instance;
}

static Instance drawGroupNorm(Random &random) {
  Shape shape = drawShape(random, 2, 4);
  int64_t groups = drawInteger(random, 1, 3);
  shape.back() = groups * drawInteger(random, 1, 3);
  Shape channels{shape.back()};
  Instance instance{{{shape}, {channels}, {channels}}, "", shape};
  instance.body = std::string("%y = train.group_norm %0, %1, %2 {") + kEpsilon +
                  ", groups = " + std::to_string(groups) +
                  " : i64} : " + typesOf(instance.operands) + " -> " +
                  typeOf(shape);
  return instance;
}

//===----------------------------------------------------------------------===//
// Indices and chance
//===----------------------------------------------------------------------===//

/// Rows of a table; some indices lie outside, some come twice.
static Instance drawRows(Random &random, bool scatter) {
  Shape table = drawShape(random, 1, 3), indices;
  for (int64_t count = drawInteger(random, 1, 6); count > 0; --count)
    indices.push_back(drawInteger(random, -1, table[0]));
  Shape rows = table;
  rows[0] = indices.size();
  std::string indexType = typeOf({int64_t(indices.size())}, "i32");
  const Shape &from = scatter ? rows : table, &to = scatter ? table : rows;
  return {{{from}},
          "%i = arith.constant dense<" + listOf(indices) + "> : " + indexType +
              "\n %y = train." + (scatter ? "scatter_add" : "gather") +
              " %0, %i : (" + typeOf(from) + ", " + indexType + ") -> " +
              typeOf(to),
          to};
}

static Instance drawDropout(Random &random) {
  Shape shape = drawShape(random);
  return {{{shape}},
          "%n = arith.constant dense<" +
              std::to_string(drawInteger(random, 0, 1000)) +
              "> : tensor<i32>\n %y = train.dropout %0 step %n {rate = 0.4 : "
              "f64, seed = 7 : i32} : (" +
              typeOf(shape) + ", tensor<i32>) -> " + typeOf(shape),
          shape};
}

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

static Instance drawConcat(Random &random) {
  Shape result = drawShape(random, 1, 3);
  int64_t dim = drawInteger(random, 0, result.size() - 1);
  result[dim] = 0;
  Instance instance{
      {}, "%y = tensor.concat dim(" + std::to_string(dim) + ")", {}};
  for (int64_t i = 0, count = drawInteger(random, 1, 3); i < count; ++i) {
    Shape part = result;
    part[dim] = drawInteger(random, 1, 4);
    instance.body += (i ? ", %" : " %") + std::to_string(i);
    instance.operands.push_back({part});
  }
  for (const Operand &operand : instance.operands)
    result[dim] += operand.shape[dim];
  instance.resultShape = result;
  instance.body += " : " + typesOf(instance.operands) + " -> " + typeOf(result);
  return instance;
}

static Instance drawSlice(Random &random) {
  Shape source = drawShape(random, 1, 3), offsets, sizes,
        steps(source.size(), 1);
  for (int64_t extent : source) {
    offsets.push_back(drawInteger(random, 0, extent - 1));
    sizes.push_back(drawInteger(random, 1, extent - offsets.back()));
  }
  return {{{source}},
          "%y = tensor.extract_slice %0" + listOf(offsets) + " " +
              listOf(sizes) + " " + listOf(steps) + " : " + typeOf(source) +
              " to " + typeOf(sizes),
          sizes};
}

static Instance drawPad(Random &random) {
  Shape source = drawShape(random, 1, 3), result, low, high;
  std::string names;
  for (int64_t extent : source) {
    low.push_back(drawInteger(random, 0, 2));
    high.push_back(drawInteger(random, 0, 2));
    names += (result.empty() ? "%i" : ", %i") + std::to_string(result.size()) +
             ": index";
    result.push_back(low.back() + extent + high.back());
  }
  return {{{source}},
          "%z = arith.constant 0.0 : f64\n %y = tensor.pad %0 low" +
              listOf(low) + " high" + listOf(high) + " {\n ^bb0(" + names +
              "):\n tensor.yield %z : f64\n } : " + typeOf(source) + " to " +
              typeOf(result),
          result};
}

void addImageRules(std::vector<Rule> &rules) {
  addWindows(rules);
  rules.push_back({"train.batch_norm", drawBatchNorm});
  rules.push_back({"train.batch_norm_inference", drawBatchNormInference});
  rules.push_back({"train.group_norm", drawGroupNorm});
  rules.push_back(
      {"train.gather", [](Random &random) { return drawRows(random, false); }});
  rules.push_back({"train.scatter_add",
                   [](Random &random) { return drawRows(random, true); }});
  rules.push_back({"train.dropout", drawDropout});
  rules.push_back({"tensor.concat", drawConcat});
  rules.push_back({"tensor.extract_slice", drawSlice});
  rules.push_back({"tensor.pad", drawPad});
}

} // namespace vernier
