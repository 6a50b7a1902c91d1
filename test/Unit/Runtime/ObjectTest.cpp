//===- ObjectTest.cpp - Kernel objects that are forged
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/KernelObject.h"
#include "TestPlan.h"

#include <cstddef>
#include <cstring>
#include <elf.h>
#include <fstream>

using namespace vernier;
using namespace vernier::test;
using runtime::KernelObject;
using runtime::ObjectLayout;
using Bytes = std::vector<uint8_t>;

namespace {

/// The headers of an object, to be falsified where they stand.
struct Forgery {
  Bytes bytes = kernelObject();

  template <typename T> T &at(uint64_t offset) {
    return *reinterpret_cast<T *>(bytes.data() + offset);
  }
  Elf64_Ehdr &header() { return at<Elf64_Ehdr>(0); }
  /// In the order of ObjectLayout.cpp.
  Elf64_Phdr &program(unsigned index) {
    return at<Elf64_Phdr>(header().e_phoff + index * sizeof(Elf64_Phdr));
  }
  /// The first section of a type, behind the null section.
  Elf64_Shdr &section(uint32_t type) {
    uint64_t place = header().e_shoff + sizeof(Elf64_Shdr);
    while (at<Elf64_Shdr>(place).sh_type != type)
      place += sizeof(Elf64_Shdr);
    return at<Elf64_Shdr>(place);
  }
  Elf64_Sym &symbol(unsigned index) {
    return at<Elf64_Sym>(section(SHT_DYNSYM).sh_offset +
                         index * sizeof(Elf64_Sym));
  }
  Elf64_Dyn &dynamic(unsigned index) {
    return at<Elf64_Dyn>(section(SHT_DYNAMIC).sh_offset +
                         index * sizeof(Elf64_Dyn));
  }
};

enum Programs { headers, constants, code, dynamicTable, stack };

} // namespace

/// The message with which an object is refused; "" if it is accepted.
static std::string refusal(const std::function<void(Forgery &)> &forge) {
  Forgery forgery;
  forge(forgery);
  ObjectLayout layout;
  runtime::Status status =
      readObject(forgery.bytes.data(), forgery.bytes.size(), layout);
  EXPECT_TRUE(status.ok() || status.getCode() == VERNIER_BAD_FILE);
  return status.getMessage();
}

#define EXPECT_REFUSED(part, ...)                                              \
  EXPECT_NE(refusal([](Forgery &f) { __VA_ARGS__; }).find(part),               \
            std::string::npos)                                                 \
      << refusal([](Forgery &f) { __VA_ARGS__; })

// What our linker's flags make is accepted, and all kernels are found.
TEST(Object, OursIsAccepted) {
  const Bytes &bytes = kernelObject();
  ObjectLayout layout;
  ASSERT_TRUE(readObject(bytes.data(), bytes.size(), layout).ok());
  for (const char *name : {"add", "twice", "narrow", "mark", "count"})
    EXPECT_TRUE(layout.kernels.count(name)) << name;
  EXPECT_EQ(layout.kernels.size(), 5u);
}

TEST(Object, Header) {
  EXPECT_REFUSED("it has no header", f.bytes.resize(20));
  EXPECT_REFUSED("not a 64-bit ELF", f.header().e_type = ET_EXEC);
  EXPECT_REFUSED("not a 64-bit ELF", f.header().e_ident[EI_CLASS] = 1);
  EXPECT_REFUSED("not a 64-bit ELF", f.header().e_ident[EI_OSABI] = 3);
  EXPECT_REFUSED("not a 64-bit ELF", f.header().e_ident[EI_PAD] = 1);
  EXPECT_REFUSED("its header is not", f.header().e_entry = 0x1000);
  EXPECT_REFUSED("its header is not", f.header().e_phoff += 8);
  EXPECT_REFUSED("program headers of a kernel", ++f.header().e_phnum);
  EXPECT_REFUSED("program headers of a kernel", f.header().e_phnum = 0);
  EXPECT_REFUSED("section headers lie outside", f.header().e_shoff = ~0ull);
  EXPECT_REFUSED("section headers lie outside", f.header().e_shnum = 0xffff);
}

// Whatever else a program header may say: an interpreter, thread-local memory,
// a stack that is executed, pages that are written.
TEST(Object, Segments) {
  constexpr const char *program = "a program header is not";
  EXPECT_REFUSED(program, f.program(headers).p_type = PT_INTERP);
  EXPECT_REFUSED(program, f.program(headers).p_type = PT_TLS);
  EXPECT_REFUSED(program, f.program(dynamicTable).p_type = PT_LOAD);
  EXPECT_REFUSED(program, f.program(stack).p_flags |= PF_X);
  EXPECT_REFUSED(program, f.program(code).p_flags |= PF_W);
  EXPECT_REFUSED(program, f.program(constants).p_flags |= PF_W);
  EXPECT_REFUSED(program, std::swap(f.program(constants), f.program(code)));
  EXPECT_REFUSED("outside the file", f.program(code).p_filesz = 1 << 30);
  EXPECT_REFUSED("outside the file", f.program(code).p_offset = ~0ull);
  EXPECT_REFUSED("another size in memory", ++f.program(code).p_memsz);
  EXPECT_REFUSED("another size in memory", f.program(code).p_memsz = ~0ull);
  EXPECT_REFUSED("another size in memory", f.program(code).p_align = 1);
  EXPECT_REFUSED("another size in memory", f.program(constants).p_align = 0);
}

// The same bytes by offset and by address: no other tool reads other tables.
TEST(Object, OffsetsAndAddressesAgree) {
  constexpr const char *segments = "its segments overlap";
  auto shift = [](Elf64_Phdr &program, uint64_t by) {
    program.p_vaddr += by;
    program.p_paddr += by;
  };
  auto shifted = [&](unsigned index, uint64_t by) {
    return refusal([&](Forgery &f) { shift(f.program(index), by); });
  };
  for (uint64_t by : {uint64_t(8), uint64_t(4096), uint64_t(1) << 40,
                      uint64_t(-4096), uint64_t(-8)})
    for (unsigned index : {constants, code})
      EXPECT_NE(shifted(index, by).find(segments), std::string::npos)
          << index << ' ' << by;
  EXPECT_REFUSED(segments, f.program(constants).p_offset = 8;
                 f.program(constants).p_filesz -= 8;
                 f.program(constants).p_memsz -= 8);
  EXPECT_REFUSED("not where its section is",
                 f.program(dynamicTable).p_offset -= 16);
  EXPECT_REFUSED("not where its section is",
                 f.program(dynamicTable).p_vaddr -= 16);
  EXPECT_REFUSED("not where its section is",
                 f.program(dynamicTable).p_filesz -= 16);
  EXPECT_REFUSED("a section lies outside its segment",
                 f.section(SHT_DYNSYM).sh_addr += 8);
  EXPECT_REFUSED("a section lies outside its segment",
                 f.section(SHT_STRTAB).sh_size = f.bytes.size() - 1024);
  EXPECT_REFUSED("a section lies outside the file",
                 f.section(SHT_DYNSYM).sh_offset = ~0ull - 8);
}

// Relocations, IRELATIVE among them, and initialisers come as sections or as
// entries of the dynamic table.
TEST(Object, NothingRunsOrChanges) {
  for (uint32_t type : {SHT_RELA, SHT_REL, SHT_RELR, SHT_INIT_ARRAY,
                        SHT_FINI_ARRAY, SHT_PREINIT_ARRAY, SHT_NOBITS})
    EXPECT_NE(refusal([&](Forgery &f) {
                f.section(SHT_PROGBITS).sh_type = type;
              }).find("a section is of a type"),
              std::string::npos)
        << type;
  EXPECT_REFUSED("a section has flags",
                 f.section(SHT_PROGBITS).sh_flags |= SHF_WRITE);
  EXPECT_REFUSED("a section has flags",
                 f.section(SHT_PROGBITS).sh_flags |= SHF_TLS);
  for (int64_t tag :
       {DT_NEEDED,        DT_INIT,    DT_FINI,    DT_INIT_ARRAY, DT_FINI_ARRAY,
        DT_PREINIT_ARRAY, DT_RELA,    DT_REL,     DT_RELR,       DT_JMPREL,
        DT_TEXTREL,       DT_FLAGS,   DT_FLAGS_1, DT_AUXILIARY,  DT_FILTER,
        DT_VERNEED,       DT_RUNPATH, DT_DEBUG,   DT_PLTGOT,     DT_HASH})
    EXPECT_NE(refusal([&](Forgery &f) {
                f.dynamic(0).d_tag = tag;
              }).find("it would be changed, run code or load"),
              std::string::npos)
        << tag;
  EXPECT_REFUSED("points elsewhere", f.dynamic(1).d_un.d_ptr += 24);
  EXPECT_REFUSED("points elsewhere", f.dynamic(0).d_un.d_val = 1 << 20);
  EXPECT_REFUSED("the dynamic table has no end",
                 f.dynamic(f.section(SHT_DYNAMIC).sh_size / sizeof(Elf64_Dyn) -
                           1) = f.dynamic(0));
}

TEST(Object, Symbols) {
  constexpr const char *symbol = "a symbol is no function of its code";
  EXPECT_REFUSED("is outside of it", f.symbol(1).st_shndx = SHN_UNDEF);
  EXPECT_REFUSED(symbol, f.symbol(1).st_shndx = SHN_ABS);
  EXPECT_REFUSED(symbol, f.symbol(1).st_shndx = 1);
  EXPECT_REFUSED(symbol, f.symbol(1).st_info =
                             ELF64_ST_INFO(STB_GLOBAL, STT_GNU_IFUNC));
  EXPECT_REFUSED(symbol,
                 f.symbol(1).st_info = ELF64_ST_INFO(STB_WEAK, STT_FUNC));
  EXPECT_REFUSED(symbol, f.symbol(1).st_value = 0);
  EXPECT_REFUSED(symbol, f.symbol(1).st_value = ~0ull);
  EXPECT_REFUSED(symbol, f.symbol(1).st_value =
                             f.program(code).p_vaddr + f.program(code).p_memsz);
  EXPECT_REFUSED(symbol, f.symbol(1).st_size = ~0ull);
  EXPECT_REFUSED(symbol, f.symbol(1).st_size = 0);
  EXPECT_REFUSED("a symbol has no name", f.symbol(1).st_name = 0);
  EXPECT_REFUSED("a symbol has no name", f.symbol(1).st_name = 1 << 20);
  EXPECT_REFUSED("a symbol has no name",
                 f.bytes[f.section(SHT_STRTAB).sh_offset +
                         f.section(SHT_STRTAB).sh_size - 1] = 'x';
                 f.symbol(1).st_name = f.section(SHT_STRTAB).sh_size - 1);
  EXPECT_REFUSED("two symbols have one name",
                 f.symbol(1).st_name = f.symbol(2).st_name);
  EXPECT_REFUSED("no symbols or no names", f.section(SHT_DYNSYM).sh_size = 0);
  EXPECT_REFUSED("no symbols or no names", f.section(SHT_DYNSYM).sh_link = 99);
  EXPECT_REFUSED("no symbols or no names",
                 f.section(SHT_DYNSYM).sh_entsize = 8);
}

/// What loading relies on, whatever the object said.
static void expectInBounds(const ObjectLayout &layout, size_t size) {
  for (const runtime::ObjectSegment &part : {layout.constants, layout.code}) {
    ASSERT_LE(part.bytes, size);
    ASSERT_LE(part.offset, size - part.bytes);
    ASSERT_LE(part.address, size + 2 * layout.pageSize);
  }
  ASSERT_GE(layout.code.address / layout.pageSize * layout.pageSize,
            layout.constants.bytes);
  for (const auto &[name, address] : layout.kernels) {
    ASSERT_GE(address, layout.code.address);
    ASSERT_LT(address - layout.code.address, layout.code.bytes);
  }
}

// Each byte of the headers and tables, with other values: refused, or still
// within bounds; loading it (which runs nothing) does no harm.
TEST(Object, EveryByte) {
  Bytes bytes = kernelObject();
  Forgery f;
  uint64_t text = f.program(code).p_offset,
           end = text + f.program(code).p_filesz;
  int refused = 0, accepted = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    if (at >= text && at < end)
      continue; // instructions may be any
    for (int change : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
      bytes[at] ^= uint8_t(change);
      ObjectLayout layout;
      KernelObject object;
      if (readObject(bytes.data(), bytes.size(), layout).ok()) {
        expectInBounds(layout, bytes.size());
        (void)object.load(bytes.data(), bytes.size());
        ++accepted;
      } else {
        ++refused;
        ASSERT_FALSE(object.load(bytes.data(), bytes.size()).ok());
      }
      bytes[at] ^= uint8_t(change);
    }
  }
  EXPECT_GT(refused, 2000);
  // Names, hash tables, unwind tables and comments, which nobody here reads.
  EXPECT_GT(accepted, 100);
}

// Objects that are loaded at the same time do not take each other's kernels.
TEST(Object, Two) {
  const Bytes &bytes = kernelObject();
  KernelObject one, two;
  ASSERT_TRUE(one.load(bytes.data(), bytes.size()).ok());
  ASSERT_TRUE(two.load(bytes.data(), bytes.size()).ok());
  vernier_kernel_t first = nullptr, second = nullptr;
  ASSERT_TRUE(one.find("add", first).ok());
  ASSERT_TRUE(two.find("add", second).ok());
  EXPECT_NE(first, second);
  EXPECT_FALSE(one.find("subtract", first).ok());
}

static int countExecutableMappings() {
  std::ifstream maps("/proc/self/maps");
  int count = 0;
  for (std::string line; std::getline(maps, line);)
    count += line.find(" r-xp ") != std::string::npos;
  return count;
}

// A plan is loaded, described and its memory planned without a byte of its code
// in executable memory; a session has it there, and no page is both written and
// executed.
TEST(Object, OnlySessionsLoadCode) {
  TestPlan made;
  TestEntry &entry = made.entry("predict");
  uint32_t x = entry.input("x", DType::f32, {4});
  uint32_t y = entry.alloc(DType::f32, {4});
  entry.launch("twice", {x}, {y}, 4);
  entry.output("y", y);
  made.object = kernelObject();
  vernier_device_t *device = nullptr;
  EXPECT_OK(vernier_device_create("cpu:1", &device));
  int before = countExecutableMappings();
  Plan plan(made);
  vernier_memory_info_t info;
  EXPECT_OK(vernier_session_plan_memory(plan.handle, device, &info));
  EXPECT_OK(vernier_plan_check_machine(plan.handle));
  EXPECT_EQ(countExecutableMappings(), before);
  Session session(plan.handle, "cpu:1");
  EXPECT_EQ(countExecutableMappings(), before + 1);
  session.set("predict", "x", {1, 2, 3, 4});
  session.run("predict");
  EXPECT_EQ(session.output("predict", "y", 4),
            (std::vector<float>{2, 4, 6, 8}));
  vernier_device_release(device);
}
