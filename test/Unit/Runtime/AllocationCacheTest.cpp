//===- AllocationCacheTest.cpp - What stands between oneDNN and the allocator
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Host/AllocationCache.h"
#include "Runtime/Host/ImportSlots.h"

#include <gtest/gtest.h>
#include <oneapi/dnnl/dnnl.h>

using namespace vernier::runtime;

static void *unused() { return nullptr; }

// oneDNN is a library of its own here, and imports what is redirected.
TEST(AllocationCache, Installs) {
  EXPECT_TRUE(installAllocationCache(/*threads=*/1));
}

// A symbol that oneDNN does not import: nothing is redirected, the others
// neither (oneDNN would crash in what follows).
TEST(AllocationCache, AllImportsOrNone) {
  EXPECT_FALSE(redirectImports(
      reinterpret_cast<const void *>(&dnnl_version), "libdnnl",
      {{"_Znwm", reinterpret_cast<void *>(&unused)},
       {"vernier_no_such_symbol", reinterpret_cast<void *>(&unused)}}));
  dnnl_engine_t engine = nullptr;
  EXPECT_EQ(dnnl_engine_create(&engine, dnnl_cpu, 0), dnnl_success);
  EXPECT_EQ(dnnl_engine_destroy(engine), dnnl_success);
}

// The imports of a program, or of a library of another name, are left alone:
// that is how a oneDNN linked statically looks.
TEST(AllocationCache, OnlyTheLibraryNamed) {
  std::vector<Import> imports = {{"_Znwm", reinterpret_cast<void *>(&unused)}};
  EXPECT_FALSE(redirectImports(reinterpret_cast<const void *>(&unused),
                               "libdnnl", imports));
  EXPECT_FALSE(redirectImports(reinterpret_cast<const void *>(&dnnl_version),
                               "libother", imports));
  EXPECT_FALSE(redirectImports(nullptr, "libdnnl", imports));
}
