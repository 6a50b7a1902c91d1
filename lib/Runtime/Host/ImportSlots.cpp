//===- ImportSlots.cpp - Where a loaded library looks up what it imports
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A shared library calls what it imports through a table of addresses, which
// the dynamic linker fills and then makes read-only (System V ABI, chapter 5:
// DT_JMPREL, PT_GNU_RELRO). The table of one library is one library's own.
//
//===----------------------------------------------------------------------===//

#include "Runtime/Host/ImportSlots.h"

#include <cstdint>
#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace vernier::runtime;

namespace {

/// What is needed of one loaded library.
struct LoadedLibrary {
  std::string path;
  uintptr_t base = 0;
  const ElfW(Dyn) *dynamic = nullptr;
  /// Made read-only after relocation; empty if nothing was.
  uintptr_t readOnlyBegin = 0, readOnlyEnd = 0;
};

/// A library that is sought by an address in it.
struct Search {
  uintptr_t address;
  LoadedLibrary found;
};

/// The tables of its imports.
struct ImportTables {
  const ElfW(Rela) *begin = nullptr, *end = nullptr;
  const ElfW(Sym) *symbols = nullptr;
  const char *names = nullptr;
};

} // namespace

static LoadedLibrary describe(const dl_phdr_info &info) {
  LoadedLibrary library;
  library.path = info.dlpi_name;
  library.base = info.dlpi_addr;
  for (int i = 0; i < info.dlpi_phnum; ++i) {
    const ElfW(Phdr) &header = info.dlpi_phdr[i];
    uintptr_t begin = info.dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_DYNAMIC)
      library.dynamic = reinterpret_cast<const ElfW(Dyn) *>(begin);
    if (header.p_type == PT_GNU_RELRO) {
      library.readOnlyBegin = begin;
      library.readOnlyEnd = begin + header.p_memsz;
    }
  }
  return library;
}

/// Called for each loaded library; not 0 ends the search.
static int visitLibrary(dl_phdr_info *info, size_t, void *data) {
  auto &search = *static_cast<Search *>(data);
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr) &header = info->dlpi_phdr[i];
    uintptr_t begin = info->dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD && search.address >= begin &&
        search.address < begin + header.p_memsz) {
      search.found = describe(*info);
      return 1;
    }
  }
  return 0;
}

/// glibc has relocated the addresses in the dynamic section already.
static ImportTables findTables(const ElfW(Dyn) * dynamic) {
  ImportTables tables;
  uint64_t bytes = 0;
  for (; dynamic->d_tag != DT_NULL; ++dynamic) {
    auto *pointer = reinterpret_cast<const char *>(dynamic->d_un.d_ptr);
    if (dynamic->d_tag == DT_JMPREL)
      tables.begin = reinterpret_cast<const ElfW(Rela) *>(pointer);
    else if (dynamic->d_tag == DT_PLTRELSZ)
      bytes = dynamic->d_un.d_val;
    else if (dynamic->d_tag == DT_SYMTAB)
      tables.symbols = reinterpret_cast<const ElfW(Sym) *>(pointer);
    else if (dynamic->d_tag == DT_STRTAB)
      tables.names = pointer;
  }
  tables.end = tables.begin + (tables.begin ? bytes / sizeof(ElfW(Rela)) : 0);
  return tables;
}

static void **findSlot(const LoadedLibrary &library, const ImportTables &tables,
                       const std::string &name) {
  for (const ElfW(Rela) *entry = tables.begin; entry != tables.end; ++entry)
    if (tables.names + tables.symbols[ELF64_R_SYM(entry->r_info)].st_name ==
        name)
      return reinterpret_cast<void **>(library.base + entry->r_offset);
  return nullptr;
}

/// Whole pages alone were made read-only.
static bool protect(const LoadedLibrary &library, int protection) {
  uintptr_t page = uintptr_t(sysconf(_SC_PAGESIZE));
  uintptr_t begin = library.readOnlyBegin / page * page,
            end = library.readOnlyEnd / page * page;
  return begin >= end || mprotect(reinterpret_cast<void *>(begin), end - begin,
                                  protection) == 0;
}

bool vernier::runtime::redirectImports(const void *address,
                                       const std::string &name,
                                       const std::vector<Import> &imports) {
  Search search = {reinterpret_cast<uintptr_t>(address), {}};
  if (!dl_iterate_phdr(visitLibrary, &search) || !search.found.dynamic ||
      search.found.path.find("/" + name + ".so") == std::string::npos)
    return false;
  ImportTables tables = findTables(search.found.dynamic);
  if (!tables.symbols || !tables.names)
    return false;
  std::vector<void **> slots;
  for (auto &[symbol, function] : imports) {
    slots.push_back(findSlot(search.found, tables, symbol));
    if (!slots.back())
      return false;
  }
  if (!protect(search.found, PROT_READ | PROT_WRITE))
    return false;
  // Other threads may be calling: each sees the old function or the new one.
  for (size_t i = 0; i < slots.size(); ++i)
    __atomic_store_n(slots[i], imports[i].second, __ATOMIC_RELEASE);
  return protect(search.found, PROT_READ);
}
