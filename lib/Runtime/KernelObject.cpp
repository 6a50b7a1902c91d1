//===- KernelObject.cpp - The machine code of a plan
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The dynamic linker trusts what it is given, so the object is checked here
// first, by bounds-checked reads: loading a plan executes none of its code.
//
//===----------------------------------------------------------------------===//

#include "Runtime/KernelObject.h"

#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <set>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

using namespace vernier::runtime;

#if defined(__x86_64__)
static constexpr uint16_t hostMachine = EM_X86_64;
#elif defined(__aarch64__)
static constexpr uint16_t hostMachine = EM_AARCH64;
#else
static constexpr uint16_t hostMachine = EM_NONE;
#endif

namespace {

/// Bounds-checked reads of an ELF file.
class ElfReader {
public:
  ElfReader(const uint8_t *bytes, size_t size) : bytes(bytes), size(size) {}

  bool holds(uint64_t offset, uint64_t length) const {
    return offset <= size && length <= size - offset;
  }
  template <typename T> bool read(uint64_t offset, T &value) const {
    if (!holds(offset, sizeof(T)))
      return false;
    std::memcpy(&value, bytes + offset, sizeof(T));
    return true;
  }
  /// The string at `offset` of the table [begin, begin + length).
  bool readString(const Elf64_Shdr &table, uint64_t offset,
                  std::string &text) const {
    if (!holds(table.sh_offset, table.sh_size) || offset >= table.sh_size)
      return false;
    const char *start =
        reinterpret_cast<const char *>(bytes + table.sh_offset + offset);
    size_t length = strnlen(start, table.sh_size - offset);
    text.assign(start, length);
    return length < table.sh_size - offset;
  }

private:
  const uint8_t *bytes;
  size_t size;
};

} // namespace

static Status malformed(const char *what) {
  return badFile("the kernel object is malformed: ", what,
                 "; compile the plan again");
}

/// Dynamic entries that run code or load other objects at dlopen.
static bool isForbidden(int64_t tag) {
  return tag == DT_NEEDED || tag == DT_INIT || tag == DT_FINI ||
         tag == DT_INIT_ARRAY || tag == DT_FINI_ARRAY ||
         tag == DT_PREINIT_ARRAY || tag == DT_TEXTREL || tag == DT_AUXILIARY ||
         tag == DT_FILTER;
}

static Status checkDynamic(const ElfReader &elf, const Elf64_Ehdr &header) {
  for (uint16_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (!elf.read(header.e_phoff + uint64_t(i) * sizeof(segment), segment))
      return malformed("program headers lie outside the file");
    if (segment.p_type == PT_INTERP)
      return malformed("it is a program, not a library");
    if (segment.p_type == PT_LOAD && (segment.p_flags & PF_W) &&
        (segment.p_flags & PF_X))
      return malformed("a segment is writable and executable");
    if ((segment.p_type == PT_LOAD || segment.p_type == PT_DYNAMIC) &&
        !elf.holds(segment.p_offset, segment.p_filesz))
      return malformed("a segment lies outside the file");
    if (segment.p_type != PT_DYNAMIC)
      continue;
    for (uint64_t at = 0; at + sizeof(Elf64_Dyn) <= segment.p_filesz;
         at += sizeof(Elf64_Dyn)) {
      Elf64_Dyn entry;
      if (!elf.read(segment.p_offset + at, entry))
        return malformed("the dynamic table lies outside the file");
      if (entry.d_tag == DT_NULL)
        break;
      if (isForbidden(entry.d_tag))
        return malformed("it would run code or load libraries when loaded");
    }
  }
  return {};
}

/// Collect the defined functions of the dynamic symbol table.
static Status readSymbols(const ElfReader &elf, const Elf64_Shdr &table,
                          const Elf64_Shdr &strings,
                          std::set<std::string> &defined) {
  if (!elf.holds(table.sh_offset, table.sh_size))
    return malformed("the symbol table lies outside the file");
  for (uint64_t at = sizeof(Elf64_Sym); // the first symbol is the null one
       at + sizeof(Elf64_Sym) <= table.sh_size; at += sizeof(Elf64_Sym)) {
    Elf64_Sym symbol;
    std::string name;
    if (!elf.read(table.sh_offset + at, symbol) ||
        !elf.readString(strings, symbol.st_name, name))
      return malformed("a symbol lies outside the file");
    if (symbol.st_shndx == SHN_UNDEF)
      return badFile("the kernel object refers to '", name,
                     "', which is outside of it; compile the plan again");
    if (ELF64_ST_TYPE(symbol.st_info) == STT_GNU_IFUNC)
      return malformed("it would run code when loaded");
    if (ELF64_ST_TYPE(symbol.st_info) == STT_FUNC)
      defined.insert(name);
  }
  return {};
}

Status vernier::runtime::checkObjectMachine(const uint8_t *bytes, size_t size) {
  Elf64_Ehdr header;
  if (!ElfReader(bytes, size).read(0, header))
    return malformed("it has no header");
  if (header.e_machine != hostMachine)
    return resources("the plan's kernels are for ELF machine ",
                     header.e_machine, ", this machine is ", hostMachine,
                     "; compile the plan again on this machine");
  return {};
}

Status vernier::runtime::checkObject(const uint8_t *bytes, size_t size,
                                     const std::vector<std::string> &symbols) {
  ElfReader elf(bytes, size);
  Elf64_Ehdr header;
  if (!elf.read(0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) ||
      header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_type != ET_DYN)
    return malformed("not a 64-bit ELF shared object");
  if (header.e_phentsize != sizeof(Elf64_Phdr) ||
      header.e_shentsize != sizeof(Elf64_Shdr))
    return malformed("unknown header sizes");
  VERNIER_TRY(checkDynamic(elf, header));

  std::set<std::string> defined;
  bool hasTable = false;
  for (uint16_t i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section, strings;
    if (!elf.read(header.e_shoff + uint64_t(i) * sizeof(section), section))
      return malformed("section headers lie outside the file");
    if (section.sh_type != SHT_DYNSYM)
      continue;
    if (std::exchange(hasTable, true))
      return malformed("it has two symbol tables");
    if (section.sh_link >= header.e_shnum ||
        !elf.read(header.e_shoff + section.sh_link * sizeof(strings), strings))
      return malformed("the symbol table has no names");
    VERNIER_TRY(readSymbols(elf, section, strings, defined));
  }
  for (const std::string &symbol : symbols)
    if (!defined.count(symbol))
      return badFile("the kernel object lacks the kernel '", symbol,
                     "'; compile the plan again");
  return {};
}

KernelObject::~KernelObject() {
  if (handle)
    dlclose(handle);
  if (file >= 0)
    close(file);
}

/// A file in memory with these contents; -1 and errno on failure.
static int createMemoryFile(const uint8_t *bytes, size_t size) {
  int file = memfd_create("vernier-kernels", MFD_CLOEXEC);
  size_t written = 0;
  while (file >= 0 && written < size) {
    ssize_t count = write(file, bytes + written, size - written);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0) {
      close(file);
      return -1;
    }
    written += static_cast<size_t>(count);
  }
  return file;
}

Status KernelObject::load(const uint8_t *bytes, size_t size) {
  file = createMemoryFile(bytes, size);
  if (file < 0)
    return resources("cannot hold ", size,
                     " bytes of kernels in memory: ", std::strerror(errno));
  std::string path = "/proc/self/fd/" + std::to_string(file);
  handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle)
    return {};
  const char *error = dlerror();
  return badFile("cannot load the plan's kernels: ",
                 error ? error : "unknown error", "; compile the plan again");
}

Status KernelObject::find(const std::string &symbol,
                          vernier_kernel_t &kernel) const {
  void *address = handle ? dlsym(handle, symbol.c_str()) : nullptr;
  if (!address)
    return badFile("the kernel object lacks the kernel '", symbol,
                   "'; compile the plan again");
  kernel = reinterpret_cast<vernier_kernel_t>(address);
  return {};
}
