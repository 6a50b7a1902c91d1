//===- GradientRules.cpp - The ops whose vjps are checked
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GradientRules.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <numeric>

namespace vernier {

std::string typeOf(const Shape &shape, const std::string &element) {
  std::string type = "tensor<";
  for (int64_t extent : shape)
    type += std::to_string(extent) + "x";
  return type + element + ">";
}

int64_t drawInteger(Random &random, int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(random);
}

bool drawBool(Random &random) { return drawInteger(random, 0, 1); }

Shape drawShape(Random &random, int lowRank, int highRank) {
  Shape shape(drawInteger(random, lowRank, highRank));
  for (int64_t &extent : shape)
    extent = drawInteger(random, 1, 5);
  return shape;
}

std::string listOf(const Shape &numbers) {
  std::string text = "[";
  for (size_t i = 0; i < numbers.size(); ++i)
    text += (i ? ", " : "") + std::to_string(numbers[i]);
  return text + "]";
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

static Rule elementwise(const std::string &op, std::vector<Domain> domains,
                        const std::string &attributes = "") {
  auto draw = [=](Random &random) {
    Shape shape = drawShape(random);
    Instance instance{{}, "%y = " + op + " ", shape};
    for (size_t i = 0; i < domains.size(); ++i) {
      instance.operands.push_back({shape, domains[i]});
      instance.body += (i ? ", %" : "%") + std::to_string(i);
    }
    instance.body += " " + attributes + " : " + typeOf(shape);
    return instance;
  };
  return {op + attributes, draw};
}

static void addElementwise(std::vector<Rule> &rules) {
  for (const char *op :
       {"arith.negf", "math.absf",  "math.exp",       "math.exp2",
        "math.expm1", "math.cbrt",  "math.sin",       "math.cos",
        "math.atan",  "math.sinh",  "math.cosh",      "math.tanh",
        "math.asinh", "math.erf",   "math.erfc",      "math.ceil",
        "math.floor", "math.round", "math.roundeven", "math.trunc",
        "train.relu", "train.gelu", "train.silu",     "train.sigmoid"})
    rules.push_back(elementwise(op, {Domain::Real}));
  for (const char *op : {"math.log", "math.log2", "math.log10", "math.log1p",
                         "math.sqrt", "math.rsqrt"})
    rules.push_back(elementwise(op, {Domain::Positive}));
  for (const char *op : {"math.tan", "math.asin", "math.acos", "math.atanh"})
    rules.push_back(elementwise(op, {Domain::Unit}));
  rules.push_back(elementwise("math.acosh", {Domain::AboveOne}));
  rules.push_back(elementwise("train.gelu", {Domain::Real},
                              "{form = #train<gelu_form tanh>}"));
  for (const char *op :
       {"arith.addf", "arith.subf", "arith.mulf", "arith.maximumf",
        "arith.minimumf", "arith.maxnumf", "arith.minnumf"})
    rules.push_back(elementwise(op, {Domain::Real, Domain::Real}));
  rules.push_back(elementwise("arith.divf", {Domain::Real, Domain::Positive}));
  rules.push_back(elementwise("math.powf", {Domain::Positive, Domain::Real}));
  rules.push_back(
      elementwise("math.atan2", {Domain::Positive, Domain::Positive}));
  rules.push_back(elementwise("math.copysign", {Domain::Real, Domain::Real}));
  rules.push_back(
      elementwise("math.fma", {Domain::Real, Domain::Real, Domain::Real}));
}

static void addSelectAndCasts(std::vector<Rule> &rules) {
  rules.push_back({"arith.select", [](Random &random) {
                     Shape shape = drawShape(random);
                     std::string type = typeOf(shape),
                                 flags = typeOf(shape, "i1");
                     return Instance{{{shape}, {shape}},
                                     "%o = arith.cmpf olt, %0, %1 : " + type +
                                         "\n %y = arith.select %o, %0, %1 : " +
                                         flags + ", " + type,
                                     shape};
                   }});
  // Bounds one apart, so that each operand is the result now and then.
  rules.push_back({"math.clampf", [](Random &random) {
                     Shape shape = drawShape(random);
                     std::string type = typeOf(shape);
                     return Instance{
                         {{shape}, {shape}},
                         "%d = arith.constant dense<1.0> : " + type +
                             "\n %h = arith.addf %1, %d : " + type +
                             "\n %y = math.clampf %0 to [%1, %h] "
                             ": " +
                             type,
                         shape};
                   }});
  rules.push_back({"arith.truncf and arith.extf", [](Random &random) {
                     Shape shape = drawShape(random);
                     std::string wide = typeOf(shape),
                                 narrow = typeOf(shape, "bf16");
                     return Instance{{{shape}},
                                     "%n = arith.truncf %0 : " + wide + " to " +
                                         narrow + "\n %y = arith.extf %n : " +
                                         narrow + " to " + wide,
                                     shape};
                   }});
}

//===----------------------------------------------------------------------===//
// Shapes and reductions
//===----------------------------------------------------------------------===//

/// Some of the dims below `rank`, in order.
static Shape drawDims(Random &random, int64_t rank) {
  Shape dims;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (drawBool(random))
      dims.push_back(dim);
  return dims;
}

static Instance drawBroadcast(Random &random) {
  Shape result = drawShape(random), input;
  Shape dims = drawDims(random, result.size());
  for (int64_t dim : dims)
    input.push_back(drawBool(random) ? result[dim] : 1);
  return {{{input}},
          "%y = train.broadcast %0 dims = " + listOf(dims) + " : " +
              typeOf(input) + " -> " + typeOf(result),
          result};
}

static Instance drawReduce(Random &random, const std::string &kind) {
  Shape input = drawShape(random, 1, 3), result;
  Shape dims = drawDims(random, input.size());
  for (int64_t dim = 0; dim < int64_t(input.size()); ++dim)
    if (!llvm::is_contained(dims, dim))
      result.push_back(input[dim]);
  return {{{input}},
          "%y = train.reduce " + kind + " %0 dims = " + listOf(dims) + " : " +
              typeOf(input) + " -> " + typeOf(result),
          result};
}

static Instance drawTranspose(Random &random) {
  Shape input = drawShape(random, 1, 4), result, permutation(input.size());
  std::iota(permutation.begin(), permutation.end(), 0);
  std::shuffle(permutation.begin(), permutation.end(), random);
  for (int64_t dim : permutation)
    result.push_back(input[dim]);
  return {{{input}},
          "%y = train.transpose %0 permutation = " + listOf(permutation) +
              " : " + typeOf(input) + " -> " + typeOf(result),
          result};
}

static Instance drawReshape(Random &random, bool collapse) {
  Shape wide = drawShape(random, 3, 3), narrow{wide[0] * wide[1], wide[2]};
  if (collapse)
    return {{{wide}},
            "%y = tensor.collapse_shape %0 [[0, 1], [2]] : " + typeOf(wide) +
                " into " + typeOf(narrow),
            narrow};
  return {{{narrow}},
          "%y = tensor.expand_shape %0 [[0, 1], [2]] output_shape " +
              listOf(wide) + " : " + typeOf(narrow) + " into " + typeOf(wide),
          wide};
}

static void addShapes(std::vector<Rule> &rules) {
  rules.push_back({"train.broadcast", drawBroadcast});
  for (const char *kind : {"sum", "mean", "max"})
    rules.push_back({std::string("train.reduce ") + kind,
                     [=](Random &random) { return drawReduce(random, kind); }});
  rules.push_back({"train.transpose", drawTranspose});
  for (bool collapse : {true, false})
    rules.push_back(
        {collapse ? "tensor.collapse_shape" : "tensor.expand_shape",
         [=](Random &random) { return drawReshape(random, collapse); }});
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

static Instance drawMatmul(Random &random, bool relu) {
  int64_t m = drawInteger(random, 1, 5), n = drawInteger(random, 1, 5),
          k = drawInteger(random, 1, 5);
  bool transposeLhs = drawBool(random), transposeRhs = drawBool(random);
  Shape lhs = drawShape(random, 0, 2), rhs = drawBool(random) ? lhs : Shape();
  Shape result = lhs;
  auto append = [](Shape &shape, int64_t rows, int64_t columns,
                   bool transpose) {
    shape.push_back(transpose ? columns : rows);
    shape.push_back(transpose ? rows : columns);
  };
  append(lhs, m, k, transposeLhs);
  append(rhs, k, n, transposeRhs);
  append(result, m, n, false);
  std::string attributes = relu ? "epilogue = #train<epilogue relu>"
                                : "epilogue = #train<epilogue none>";
  attributes += transposeLhs ? ", transpose_lhs" : "";
  attributes += transposeRhs ? ", transpose_rhs" : "";
  return {{{lhs}, {rhs}},
          "%y = train.matmul %0, %1 {" + attributes + "} : (" + typeOf(lhs) +
              ", " + typeOf(rhs) + ") -> " + typeOf(result),
          result};
}

static Instance drawLinear(Random &random, bool relu) {
  int64_t n = drawInteger(random, 1, 5);
  Shape input = drawShape(random, 2, 3), result = input;
  result.back() = n;
  Shape weight{n, input.back()};
  bool bias = drawBool(random);
  Instance instance{{{input}, {weight}}, "%y = train.linear %0, %1", result};
  std::string types = typeOf(input) + ", " + typeOf(weight);
  if (bias) {
    instance.operands.push_back({{n}});
    instance.body += ", %2";
    types += ", " + typeOf({n});
  }
  if (relu)
    instance.body += " {epilogue = #train<epilogue relu>}";
  instance.body += " : (" + types + ") -> " + typeOf(result);
  return instance;
}

/// The gradient of the epilogue has a kink where a sum is 0.
static Instance besideKinks(Instance instance, bool relu) {
  if (relu)
    instance.step = 1e-6;
  return instance;
}

static void addContractions(std::vector<Rule> &rules) {
  for (bool relu : {false, true}) {
    std::string suffix = relu ? " relu" : "";
    rules.push_back({"train.matmul" + suffix, [=](Random &random) {
                       return besideKinks(drawMatmul(random, relu), relu);
                     }});
    rules.push_back({"train.linear" + suffix, [=](Random &random) {
                       return besideKinks(drawLinear(random, relu), relu);
                     }});
  }
}

//===----------------------------------------------------------------------===//
// Rows and losses
//===----------------------------------------------------------------------===//

/// An op on rows with `parameters` further operands of the row's extent.
static Rule rowOp(const std::string &op, int parameters) {
  return {op, [=](Random &random) {
            Shape shape = drawShape(random, 1, 3), row{shape.back()};
            Instance instance{{{shape}}, "%y = " + op + " %0", shape};
            std::string types = typeOf(shape);
            for (int i = 1; i <= parameters; ++i) {
              instance.operands.push_back({row});
              instance.body += ", %" + std::to_string(i);
              types += ", " + typeOf(row);
            }
            // One column is normalised to 0 / sqrt(epsilon): keep that well
            // conditioned.
            if (parameters)
              instance.body += " {epsilon = 1.0e-2 : f64}";
            instance.body += " : (" + types + ") -> " + typeOf(shape);
            return instance;
          }};
}

static Instance drawCrossEntropy(Random &random) {
  Shape logits = drawShape(random, 2, 2), labels;
  for (int64_t row = 0; row < logits[0]; ++row)
    labels.push_back(drawInteger(random, 0, logits[1] - 1));
  std::string labelType = typeOf({logits[0]}, "i32");
  std::string smoothing = drawBool(random) ? "0.0" : "0.2";
  std::string reduction = drawBool(random) ? "mean" : "sum";
  return {{{logits}},
          "%l = arith.constant dense<" + listOf(labels) + "> : " + labelType +
              "\n %y = train.cross_entropy %0, %l {label_smoothing = " +
              smoothing + " : f64, reduction = #train<reduction " + reduction +
              ">} : (" + typeOf(logits) + ", " + labelType + ") -> tensor<f64>",
          {}};
}

static Rule pairLoss(const std::string &op, Domain target) {
  return {op, [=](Random &random) {
            Shape shape = drawShape(random, 1, 3);
            std::string reduction = drawBool(random) ? "mean" : "sum",
                        type = typeOf(shape);
            return Instance{{{shape}, {shape, target}},
                            "%y = " + op +
                                " %0, %1 {reduction = #train<reduction " +
                                reduction + ">} : (" + type + ", " + type +
                                ") -> tensor<f64>",
                            {}};
          }};
}

static void addRowsAndLosses(std::vector<Rule> &rules) {
  rules.push_back(rowOp("train.softmax", 0));
  rules.push_back(rowOp("train.log_softmax", 0));
  rules.push_back(rowOp("train.rms_norm", 1));
  rules.push_back(rowOp("train.layer_norm", 2));
  rules.push_back({"train.cross_entropy", drawCrossEntropy});
  rules.push_back(pairLoss("train.mse_loss", Domain::Real));
  rules.push_back(pairLoss("train.bce_with_logits_loss", Domain::Probability));
}

std::vector<Rule> getGradientRules() {
  std::vector<Rule> rules;
  addElementwise(rules);
  addSelectAndCasts(rules);
  addShapes(rules);
  addContractions(rules);
  addRowsAndLosses(rules);
  addImageRules(rules);
  return rules;
}

} // namespace vernier
