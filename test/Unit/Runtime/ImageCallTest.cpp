//===- ImageCallTest.cpp - Convolutions, pooling and rows by index
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// What the verifier of plans refuses, and that the calls write what they
// should. Their numbers are compared with the evaluator's in test/Numerics.
//
//===----------------------------------------------------------------------===//

#include "TestPlan.h"

#include <algorithm>
#include <cstring>

using namespace vernier;
using namespace vernier::test;

using ConvolutionKind = schema::ConvolutionKind;
using PoolKind = schema::PoolKind;

// Buffers of makeEntry.
enum : uint32_t { x, weight, y, dx, small, indices, table, rows, half };

/// A plan of one call on images of (2, 5, 4, 4).
static vernier_status_t loadWith(const std::function<void(TestEntry &)> &add) {
  TestPlan plan;
  TestEntry &e = plan.entry("predict");
  e.input("x", DType::f32, {2, 5, 4, 4});
  e.input("weight", DType::f32, {4, 3, 3, 4});
  e.alloc(DType::f32, {2, 3, 2, 4});
  e.alloc(DType::f32, {2, 5, 4, 4});
  e.alloc(DType::f32, {2, 4, 3, 4});
  e.input("indices", DType::i32, {4});
  e.input("table", DType::f32, {6, 3});
  e.alloc(DType::f32, {4, 3});
  e.input("half", DType::f16, {2, 5, 4, 4});
  add(e);
  std::vector<uint8_t> bytes = plan.build();
  vernier_plan_t *loaded = nullptr;
  vernier_status_t status =
      vernier_plan_load_memory(bytes.data(), bytes.size(), &loaded);
  vernier_plan_release(loaded);
  return status;
}

#define EXPECT_BAD(part, ...) EXPECT_STATUS(VERNIER_BAD_FILE, part, __VA_ARGS__)

TEST(ImageCall, Convolutions) {
  auto with = [](auto change) {
    TestConvolution convolution{ConvolutionKind::output, x, weight, y};
    change(convolution);
    return loadWith([&](TestEntry &e) { e.convolution(convolution); });
  };
  using C = TestConvolution;
  EXPECT_OK(with([](C &) {}));
  EXPECT_BAD("there is no buffer", with([](C &c) { c.weight = 99; }));
  EXPECT_BAD("an unknown kind of convolution",
             with([](C &c) { c.kind = ConvolutionKind(3); }));
  EXPECT_BAD("a convolution of f16 and f32 to f32 is not supported",
             with([](C &c) { c.image = half; }));
  EXPECT_BAD("its buffers are no images", with([](C &c) { c.weight = table; }));
  EXPECT_BAD("is out of range", with([](C &c) { c.strides = {1}; }));
  EXPECT_BAD("is out of range", with([](C &c) { c.strides = {0, 1}; }));
  EXPECT_BAD("is out of range", with([](C &c) { c.dilation = {1, 0}; }));
  EXPECT_BAD("is out of range",
             with([](C &c) { c.padding = {0, 0, UINT32_MAX, 0}; }));
  EXPECT_BAD("is out of range", with([](C &c) { c.tile = 0; }));
  EXPECT_BAD("channels, images and 3 groups do not agree",
             with([](C &c) { c.groups = 3; }));
  EXPECT_BAD("channels, images and 2 groups do not agree",
             with([](C &c) { c.groups = 2; }));
  EXPECT_BAD("extent 1 of its output is 3, expected 5",
             with([](C &c) { c.padding = {1, 0, 1, 0}; }));
  EXPECT_BAD("extent 2 of its output is 2, expected 1",
             with([](C &c) { c.strides = {1, 2}; }));
  EXPECT_BAD("its result overlaps an operand", with([](C &c) {
               c.output = x;
               c.padding = {1, 1, 1, 1};
             }));
  // Each kind writes another of the three.
  auto overlaps = [&](ConvolutionKind kind, bool isSelf) {
    return loadWith([&](TestEntry &e) {
      uint32_t g = isSelf ? uint32_t(x) : e.alloc(DType::f32, {2, 5, 4, 4});
      TestConvolution c{kind, x, weight, g};
      c.padding = {1, 1, 1, 1};
      e.convolution(c);
    });
  };
  for (auto kind : {ConvolutionKind::image, ConvolutionKind::output}) {
    EXPECT_OK(overlaps(kind, false));
    EXPECT_BAD("its result overlaps an operand", overlaps(kind, true));
  }
}

TEST(ImageCall, Pools) {
  auto with = [](auto change) {
    TestPool pool{PoolKind::max, false, x, -1, small};
    change(pool);
    return loadWith([&](TestEntry &e) { e.pool(pool); });
  };
  using P = TestPool;
  EXPECT_OK(with([](P &) {}));
  EXPECT_BAD("there is no buffer", with([](P &p) { p.result = 99; }));
  EXPECT_BAD("an unknown kind of pool",
             with([](P &p) { p.kind = PoolKind(2); }));
  EXPECT_BAD("only the gradient of max reads the image",
             with([](P &p) { p.image = dx; }));
  EXPECT_BAD("its buffers are no images", with([](P &p) { p.source = table; }));
  EXPECT_BAD("is out of range", with([](P &p) { p.window = {2}; }));
  EXPECT_BAD("is out of range", with([](P &p) { p.strides = {1, 0}; }));
  EXPECT_BAD("pooling f16 to f32 is not supported",
             with([](P &p) { p.source = half; }));
  EXPECT_BAD("images or channels do not agree", loadWith([](TestEntry &e) {
               uint32_t other = e.alloc(DType::f32, {2, 4, 3, 5});
               e.pool({PoolKind::max, false, x, -1, other});
             }));
  EXPECT_BAD("extent 1 of its pooled image is 4, expected 3",
             with([](P &p) { p.window = {3, 2}; }));
  EXPECT_BAD("extent 1 of its pooled image is 4, expected 7",
             with([](P &p) { p.padding = {2, 0, 1, 0}; }));
  EXPECT_BAD("it has more windows than pixels", with([](P &p) {
               p.window = {};
               p.source = small;
               p.result = dx;
             }));
  auto gradient = [](int32_t image, uint32_t result) {
    return loadWith([&](TestEntry &e) {
      e.pool({PoolKind::max, true, small, image, result});
    });
  };
  EXPECT_OK(gradient(x, dx));
  EXPECT_BAD("only the gradient of max", gradient(-1, dx));
  EXPECT_BAD("its image is not as its result", gradient(y, dx));
  EXPECT_BAD("its result overlaps its image", gradient(x, x));
  EXPECT_BAD("its result overlaps its source", with([](P &p) {
               p.window = {1, 1};
               p.result = x;
             }));
}

TEST(ImageCall, Gathers) {
  auto with = [](auto change) {
    TestGather gather{table, indices, rows, 6, false};
    change(gather);
    return loadWith([&](TestEntry &e) { e.gather(gather); });
  };
  using G = TestGather;
  EXPECT_OK(with([](G &) {}));
  EXPECT_OK(with([](G &g) { g = {rows, indices, table, 6, true}; }));
  EXPECT_BAD("there is no buffer", with([](G &g) { g.indices = 99; }));
  EXPECT_BAD("gathering f32 to f32 by f32 is not supported",
             with([](G &g) { g.indices = table; }));
  EXPECT_BAD("gathering i32 to f32 by i32 is not supported",
             with([](G &g) { g.source = indices; }));
  EXPECT_BAD("5 rows of 18 elements", with([](G &g) { g.rows = 5; }));
  EXPECT_BAD("0 rows", with([](G &g) { g.rows = 0; }));
  EXPECT_BAD("9 rows of 18 elements and 4 indices do not agree",
             with([](G &g) { g.rows = 9; }));
  EXPECT_BAD("its result overlaps an operand", loadWith([](TestEntry &e) {
               uint32_t all = e.input("all", DType::i32, {6});
               e.gather({table, all, table, 6, false});
             }));
}

// One plan with all of them: the numbers of small cases by hand.
TEST(ImageCall, Run) {
  Plan plan(makeImagePlan());
  Session session(plan.handle);
  session.set("predict", "x", std::vector<float>(160, 1));
  session.set("predict", "weight", std::vector<float>(72, 1));
  std::vector<float> rows(18);
  for (int i = 0; i < 18; ++i)
    rows[i] = i;
  session.set("predict", "table", rows);
  int32_t chosen[] = {2, 6, -1, 2};
  EXPECT_OK(vernier_session_set_input(session.handle, "predict", "indices",
                                      chosen, sizeof chosen));
  session.run("predict");
  // Windows of 3x3 with two channels of ones, cut at two or three sides.
  std::vector<float> y = session.output("predict", "y", 96);
  EXPECT_EQ(y[0], 8);       // a corner: 2 x 2 pixels
  EXPECT_EQ(y[4], 12);      // the upper edge: 2 x 3
  EXPECT_EQ(y[16 + 4], 18); // the inside
  EXPECT_EQ(session.output("predict", "maxima", 48)[0], 18);
  std::vector<float> dmaxima = session.output("predict", "dmaxima", 96);
  // The first of equals in row-major order takes the gradient.
  EXPECT_EQ(dmaxima[16 + 4], 4 * 18);
  EXPECT_EQ(dmaxima[0], 0);
  // Rows 0 and 1, columns 0 and 1: 8, 12, 12, 18.
  EXPECT_EQ(session.output("predict", "means", 32)[0], 12.5f);
  EXPECT_EQ(session.output("predict", "dmeans", 96)[0], 12.5f / 4);
  // Row 2 twice; an index outside gives zeros and adds nothing.
  std::vector<float> sums = session.output("predict", "sums", 18);
  EXPECT_EQ((std::vector<float>(sums.begin() + 6, sums.begin() + 9)),
            (std::vector<float>{12, 14, 16}));
  EXPECT_EQ(std::count(sums.begin(), sums.end(), 0.0f), 15);
  // Rows 2 to 5 hold columns 1 and 2 of the chosen rows, moved to the left; the
  // others keep the sums.
  std::vector<float> joined = session.output("predict", "joined", 18);
  EXPECT_EQ((std::vector<float>(joined.begin() + 6, joined.end())),
            (std::vector<float>{7, 8, 16, 0, 0, 0, 0, 0, 0, 7, 8, 0}));
}
