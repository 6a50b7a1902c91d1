//===- MakeTestPlan.cpp - Plans for the tests of vernier-run
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// usage: vernier-make-test-plan FILE [key=value ...]
//
// A linear classifier of 16 features into 4 classes, so that the runner can be
// tested where there is no compiler. Keys: batch, classes, scale (> 1: with a
// loss scaler that starts there), parameter-mib (size of one more, unused
// parameter), feature (of the machine, required), initial (nan: of all
// weights), loss (the name of that output).
//
//===----------------------------------------------------------------------===//

#include "../Runtime/TestPlan.h"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

using namespace vernier::test;

namespace {

struct Config {
  int64_t batch = 8, features = 16, classes = 4, parameterMib = 0;
  float scale = 1, initial = 0;
  std::string feature, loss;
};

Config parse(int argc, char **argv) {
  Config config;
  std::map<std::string, std::string> values;
  for (int i = 2; i < argc; ++i) {
    const char *equals = std::strchr(argv[i], '=');
    if (equals)
      values[std::string(argv[i], equals - argv[i])] = equals + 1;
  }
  auto number = [&](const char *key, double otherwise) {
    return values.count(key) ? std::stod(values[key]) : otherwise;
  };
  config.batch = static_cast<int64_t>(number("batch", 8));
  config.classes = static_cast<int64_t>(number("classes", 4));
  config.scale = static_cast<float>(number("scale", 1));
  config.parameterMib = static_cast<int64_t>(number("parameter-mib", 0));
  config.initial = static_cast<float>(number("initial", 0));
  config.feature = values["feature"];
  config.loss = values.count("loss") ? values["loss"] : "loss";
  return config;
}

/// The classifier's buffers in one entry.
class Entry {
public:
  Entry(TestEntry &entry, const Config &config)
      : entry(entry), config(config), sizes(entry.constant(0, DType::i32, {3})),
        image(entry.input("image", DType::f32,
                          {config.batch, config.features})) {}

  void addLabel() {
    label = entry.input("label", DType::i32, {config.batch}, config.classes);
  }

  void addForward(const TestPlan &plan) {
    logits = entry.alloc(DType::f32, {config.batch, config.classes});
    entry.launch(
        "forward",
        {sizes, image, entry.use(plan.states[0]), entry.use(plan.states[1])},
        {logits}, 1);
  }

  void addLoss() {
    uint32_t loss = entry.alloc(DType::f32, {});
    entry.launch("loss", {sizes, logits, label}, {loss}, 1);
    entry.output(config.loss, loss);
  }

  void addLogits() { entry.output("logits", logits); }

  void addBackwardAndUpdate(const TestPlan &plan) {
    auto state = [&](size_t i) { return entry.use(plan.states[i]); };
    uint32_t w = state(0), b = state(1), m = state(2), steps = state(3),
             scale = state(4), tracker = state(5), skipped = state(6);
    uint32_t dw = entry.alloc(DType::f32, {config.classes, config.features});
    uint32_t db = entry.alloc(DType::f32, {config.classes});
    uint32_t rate = entry.alloc(DType::f32, {}),
             norm = entry.alloc(DType::f32, {});
    uint32_t used = entry.alloc(DType::f32, {}),
             finite = entry.alloc(DType::i1, {});
    entry.launch("backward", {sizes, image, logits, label, scale}, {dw, db}, 1);
    entry.launch(
        "update", {sizes, dw, db, w, b, m, steps, scale, tracker, skipped},
        {w, b, m, steps, scale, tracker, skipped, rate, norm, used, finite}, 1);
    entry.output("learning_rate", rate);
    entry.output("grad_norm", norm);
    if (config.scale != 1) {
      entry.output("loss_scale", used);
      entry.output("all_finite", finite);
    }
    entry.savedBytes = 64;
  }

private:
  TestEntry &entry;
  const Config &config;
  uint32_t sizes, image, label = 0, logits = 0;
};

void addStates(TestPlan &plan, const Config &config) {
  TestState &w = plan.state("w", Role::parameter, DType::f32,
                            {config.classes, config.features});
  w.kind = config.initial == 0 ? InitKind::normal : InitKind::constant;
  w.a = config.initial;
  w.b = 0.1;
  plan.state("b", Role::parameter, DType::f32, {config.classes});
  plan.state("w.m", Role::moment, DType::f32,
             {config.classes, config.features});
  plan.state("train.step", Role::counter, DType::i32, {});
  plan.state("amp.scale", Role::loss_scale, DType::f32, {}).a = config.scale;
  plan.state("amp.growth_tracker", Role::loss_scale, DType::i32, {});
  plan.state("amp.skipped_steps", Role::counter, DType::i32, {});
  if (config.parameterMib)
    plan.state("embedding", Role::parameter, DType::f32,
               {config.parameterMib, 1 << 18});
}

TestPlan makePlan(const Config &config) {
  TestPlan plan;
  std::ifstream object(VERNIER_TEST_CLASSIFIER, std::ios::binary);
  plan.object.assign(std::istreambuf_iterator<char>(object), {});
  const int32_t sizes[16] = {static_cast<int32_t>(config.batch),
                             static_cast<int32_t>(config.features),
                             static_cast<int32_t>(config.classes)};
  plan.constants.resize(sizeof sizes);
  std::memcpy(plan.constants.data(), sizes, sizeof sizes);
  if (!config.feature.empty())
    plan.features.push_back(config.feature);
  addStates(plan, config);

  Entry step(plan.entry("step"), config);
  step.addLabel();
  step.addForward(plan);
  step.addLoss();
  step.addLogits();
  step.addBackwardAndUpdate(plan);
  Entry loss(plan.entry("loss"), config);
  loss.addLabel();
  loss.addForward(plan);
  loss.addLoss();
  loss.addLogits();
  Entry predict(plan.entry("predict"), config);
  predict.addForward(plan);
  predict.addLogits();
  return plan;
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 2) {
    std::fputs("usage: vernier-make-test-plan FILE [key=value ...]\n", stderr);
    return 2;
  }
  std::vector<uint8_t> bytes = makePlan(parse(argc, argv)).build();
  std::ofstream file(argv[1], std::ios::binary);
  file.write(reinterpret_cast<const char *>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  return file ? 0 : 1;
}
