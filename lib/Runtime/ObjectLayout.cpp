//===- ObjectLayout.cpp - What a kernel object holds, read and checked
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ELF can say far more than a kernel object needs, and what can be said can be
// forged. So nothing is looked for and forbidden: only what our linker writes
// (lib/Target/Object.cpp) is allowed, header by header. The form in ELF is that
// of the System V ABI, chapters 4 and 5.
//
//===----------------------------------------------------------------------===//

#include "Runtime/ObjectLayout.h"

#include <cstring>
#include <elf.h>
#include <vector>

using namespace vernier::runtime;

static Status malformed(const char *what) {
  return badFile("the kernel object is malformed: ", what,
                 "; compile the plan again");
}

/// The program headers that our linker writes, in its order.
static constexpr struct {
  uint32_t type, flags;
} programHeaders[] = {{PT_PHDR, PF_R},
                      {PT_LOAD, PF_R},
                      {PT_LOAD, PF_R | PF_X},
                      {PT_DYNAMIC, PF_R},
                      {PT_GNU_STACK, PF_R | PF_W}};
static constexpr unsigned programHeaderCount = std::size(programHeaders);

/// Far more sections than an object has.
static constexpr unsigned maxSections = 64;

namespace {

/// Reads one object from top to bottom.
class ObjectReader {
public:
  ObjectReader(const uint8_t *bytes, size_t size, ObjectLayout &layout)
      : bytes(bytes), size(size), layout(layout) {}

  Status read() {
    VERNIER_TRY(readHeader());
    VERNIER_TRY(readSegments());
    VERNIER_TRY(readSections());
    VERNIER_TRY(checkDynamic());
    return readSymbols();
  }

private:
  Status readHeader();
  Status readSegments();
  Status readSegment(const Elf64_Phdr &header, ObjectSegment &segment);
  Status readSections();
  Status checkSection(const Elf64_Shdr &section);
  Status checkDynamic();
  Status checkDynamicEntry(const Elf64_Dyn &entry);
  Status readSymbols();
  Status readSymbol(uint64_t index);

  bool holds(uint64_t offset, uint64_t length) const {
    return offset <= size && length <= size - offset;
  }
  /// Read a table's entry; the caller has checked that the table is inside.
  template <typename T> T at(uint64_t table, uint64_t index) const {
    T value;
    std::memcpy(&value, bytes + table + index * sizeof(T), sizeof(T));
    return value;
  }
  bool isSection(uint32_t index, uint32_t type) const {
    return index < sections.size() && sections[index].sh_type == type;
  }

  const uint8_t *bytes;
  size_t size;
  ObjectLayout &layout;
  Elf64_Ehdr header = {};
  Elf64_Phdr dynamic = {};
  std::vector<Elf64_Shdr> sections;
  /// Places in `sections`; 0 is the null section.
  uint32_t symbols = 0, hash = 0, dynamicSection = 0;
};

} // namespace

//===----------------------------------------------------------------------===//
// Headers
//===----------------------------------------------------------------------===//

Status ObjectReader::readHeader() {
  static const uint8_t ident[EI_NIDENT] = {
      ELFMAG0,    ELFMAG1,     ELFMAG2,    ELFMAG3,
      ELFCLASS64, ELFDATA2LSB, EV_CURRENT, ELFOSABI_NONE};
  if (!holds(0, sizeof(header)))
    return malformed("it has no header");
  header = at<Elf64_Ehdr>(0, 0);
  if (std::memcmp(header.e_ident, ident, sizeof(ident)) ||
      header.e_type != ET_DYN || header.e_version != EV_CURRENT)
    return malformed("not a 64-bit ELF shared object");
  if (header.e_entry || header.e_flags || header.e_ehsize != sizeof(header) ||
      header.e_phentsize != sizeof(Elf64_Phdr) ||
      header.e_shentsize != sizeof(Elf64_Shdr) ||
      header.e_phoff != sizeof(header))
    return malformed("its header is not that of a kernel object");
  if (header.e_phnum != programHeaderCount ||
      !holds(header.e_phoff, programHeaderCount * sizeof(Elf64_Phdr)))
    return malformed("it does not have the program headers of a kernel object");
  if (header.e_shnum == 0 || header.e_shnum > maxSections ||
      header.e_shstrndx >= header.e_shnum ||
      !holds(header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr)))
    return malformed("its section headers lie outside the file");
  layout.machine = header.e_machine;
  return {};
}

//===----------------------------------------------------------------------===//
// Segments
//===----------------------------------------------------------------------===//

/// The page sizes that lld lays out for: 4 KiB on x86-64, 64 KiB on AArch64.
static bool isPageSize(uint64_t size) { return size == 4096 || size == 65536; }

Status ObjectReader::readSegment(const Elf64_Phdr &program,
                                 ObjectSegment &segment) {
  if (!holds(program.p_offset, program.p_filesz))
    return malformed("a segment lies outside the file");
  if (program.p_filesz == 0 || program.p_filesz != program.p_memsz ||
      program.p_vaddr != program.p_paddr || !isPageSize(program.p_align))
    return malformed("a segment has another size in memory, or no page size");
  segment = {program.p_offset, program.p_vaddr, program.p_filesz};
  layout.pageSize = program.p_align;
  return {};
}

Status ObjectReader::readSegments() {
  Elf64_Phdr programs[programHeaderCount];
  for (unsigned i = 0; i < programHeaderCount; ++i) {
    programs[i] = at<Elf64_Phdr>(header.e_phoff, i);
    if (programs[i].p_type != programHeaders[i].type ||
        programs[i].p_flags != programHeaders[i].flags)
      return malformed("a program header is not that of a kernel object");
  }
  ObjectSegment &constants = layout.constants, &code = layout.code;
  VERNIER_TRY(readSegment(programs[1], constants));
  VERNIER_TRY(readSegment(programs[2], code));
  // The constants are the start of the file. The code follows at once in the
  // file, and in memory as far behind the start of the next page as the
  // constants' end is behind that of its own; so it may be carried over one
  // page's end by its alignment.
  uint64_t page = layout.pageSize;
  uint64_t end = (constants.bytes + page - 1) / page * page;
  uint64_t gap = code.offset - constants.bytes;
  if (programs[1].p_align != page || constants.offset || constants.address ||
      code.offset < constants.bytes || gap >= page ||
      code.address != end + constants.bytes % page + gap)
    return malformed("its segments overlap, or their offsets and addresses do "
                     "not agree");
  dynamic = programs[3];
  return {};
}

//===----------------------------------------------------------------------===//
// Sections
//===----------------------------------------------------------------------===//

/// Whether a range of the file lies in a segment, at the address that belongs
/// to its offset.
static bool isIn(const ObjectSegment &segment, uint64_t offset,
                 uint64_t address, uint64_t bytes) {
  return offset >= segment.offset && bytes <= segment.bytes &&
         offset - segment.offset <= segment.bytes - bytes &&
         address - segment.address == offset - segment.offset;
}

Status ObjectReader::checkSection(const Elf64_Shdr &section) {
  switch (section.sh_type) {
  case SHT_PROGBITS:
  case SHT_DYNSYM:
  case SHT_STRTAB:
  case SHT_GNU_HASH:
  case SHT_DYNAMIC:
    break;
  default: // relocations, initialisers, notes, memory without contents, ...
    return malformed("a section is of a type that no kernel object has");
  }
  if (!holds(section.sh_offset, section.sh_size))
    return malformed("a section lies outside the file");
  constexpr uint64_t known =
      SHF_ALLOC | SHF_EXECINSTR | SHF_MERGE | SHF_STRINGS;
  if (section.sh_flags & ~known) // writable, thread-local, compressed, ...
    return malformed("a section has flags that no kernel object has");
  if (!(section.sh_flags & SHF_ALLOC))
    return {};
  const ObjectSegment &segment =
      section.sh_flags & SHF_EXECINSTR ? layout.code : layout.constants;
  if (!isIn(segment, section.sh_offset, section.sh_addr, section.sh_size))
    return malformed("a section lies outside its segment");
  return {};
}

Status ObjectReader::readSections() {
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section = at<Elf64_Shdr>(header.e_shoff, i);
    sections.push_back(section);
    if (i == 0 && section.sh_type == SHT_NULL)
      continue;
    VERNIER_TRY(checkSection(section));
    uint32_t *place = section.sh_type == SHT_DYNSYM     ? &symbols
                      : section.sh_type == SHT_GNU_HASH ? &hash
                      : section.sh_type == SHT_DYNAMIC  ? &dynamicSection
                                                        : nullptr;
    if (!place)
      continue;
    if (*place || !(section.sh_flags & SHF_ALLOC))
      return malformed("it has two tables of one kind, or one outside memory");
    *place = i;
  }
  if (!symbols || !hash || !dynamicSection)
    return malformed("it lacks a table");
  const Elf64_Shdr &table = sections[symbols];
  if (table.sh_entsize != sizeof(Elf64_Sym) ||
      table.sh_size % sizeof(Elf64_Sym) || table.sh_size == 0 ||
      !isSection(table.sh_link, SHT_STRTAB) ||
      !(sections[table.sh_link].sh_flags & SHF_ALLOC))
    return malformed("the symbol table has no symbols or no names");
  return {};
}

//===----------------------------------------------------------------------===//
// The dynamic table
//===----------------------------------------------------------------------===//

/// What a dynamic linker is told. We use none of it, but other tools may, and
/// they shall read the same tables as we do.
Status ObjectReader::checkDynamicEntry(const Elf64_Dyn &entry) {
  const Elf64_Shdr &names = sections[sections[symbols].sh_link];
  bool agrees = false;
  switch (entry.d_tag) {
  case DT_SYMTAB:
    agrees = entry.d_un.d_ptr == sections[symbols].sh_addr;
    break;
  case DT_SYMENT:
    agrees = entry.d_un.d_val == sizeof(Elf64_Sym);
    break;
  case DT_STRTAB:
    agrees = entry.d_un.d_ptr == names.sh_addr;
    break;
  case DT_STRSZ:
    agrees = entry.d_un.d_val == names.sh_size;
    break;
  case DT_SONAME:
    agrees = entry.d_un.d_val < names.sh_size;
    break;
  case DT_GNU_HASH:
    agrees = entry.d_un.d_ptr == sections[hash].sh_addr;
    break;
  default: // relocations, initialisers, needed libraries, ...
    return malformed("it would be changed, run code or load libraries when "
                     "loaded");
  }
  return agrees ? Status()
                : malformed("the dynamic table points elsewhere than the "
                            "section headers");
}

Status ObjectReader::checkDynamic() {
  const Elf64_Shdr &table = sections[dynamicSection];
  if (dynamic.p_offset != table.sh_offset || dynamic.p_vaddr != table.sh_addr ||
      dynamic.p_filesz != table.sh_size || dynamic.p_memsz != table.sh_size ||
      table.sh_size % sizeof(Elf64_Dyn))
    return malformed("the dynamic table is not where its section is");
  uint64_t count = table.sh_size / sizeof(Elf64_Dyn);
  for (uint64_t i = 0; i < count; ++i) {
    auto entry = at<Elf64_Dyn>(table.sh_offset, i);
    if (entry.d_tag == DT_NULL && i + 1 == count)
      return {};
    VERNIER_TRY(checkDynamicEntry(entry));
  }
  return malformed("the dynamic table has no end");
}

//===----------------------------------------------------------------------===//
// Symbols
//===----------------------------------------------------------------------===//

Status ObjectReader::readSymbol(uint64_t index) {
  const Elf64_Shdr &table = sections[symbols];
  const Elf64_Shdr &names = sections[table.sh_link];
  auto symbol = at<Elf64_Sym>(table.sh_offset, index);
  if (symbol.st_name >= names.sh_size)
    return malformed("a symbol has no name");
  auto *start =
      reinterpret_cast<const char *>(bytes + names.sh_offset + symbol.st_name);
  size_t length = strnlen(start, names.sh_size - symbol.st_name);
  if (length == 0 || length == names.sh_size - symbol.st_name)
    return malformed("a symbol has no name");
  std::string name(start, length);
  if (symbol.st_shndx == SHN_UNDEF)
    return badFile("the kernel object refers to '", name,
                   "', which is outside of it; compile the plan again");
  const ObjectSegment &code = layout.code;
  uint64_t place = symbol.st_value - code.address;
  if (symbol.st_info != ELF64_ST_INFO(STB_GLOBAL, STT_FUNC) ||
      symbol.st_other != STV_DEFAULT ||
      !isSection(symbol.st_shndx, SHT_PROGBITS) ||
      !(sections[symbol.st_shndx].sh_flags & SHF_EXECINSTR) ||
      symbol.st_value < code.address || symbol.st_size == 0 ||
      place >= code.bytes || symbol.st_size > code.bytes - place)
    return malformed("a symbol is no function of its code");
  if (!layout.kernels.emplace(std::move(name), symbol.st_value).second)
    return malformed("two symbols have one name");
  return {};
}

Status ObjectReader::readSymbols() {
  uint64_t count = sections[symbols].sh_size / sizeof(Elf64_Sym);
  for (uint64_t i = 1; i < count; ++i) // the first symbol is the null one
    VERNIER_TRY(readSymbol(i));
  return {};
}

Status vernier::runtime::readObject(const uint8_t *bytes, size_t size,
                                    ObjectLayout &layout) {
  return ObjectReader(bytes, size, layout).read();
}
