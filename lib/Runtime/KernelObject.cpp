//===- KernelObject.cpp - The machine code of a plan
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An object without relocations needs no dynamic linker: its two segments are
// copied to pages, and protected. So the linker, which trusts what it is given,
// never sees a byte of a plan.
//
//===----------------------------------------------------------------------===//

#include "Runtime/KernelObject.h"

#include <cerrno>
#include <cstring>
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace vernier::runtime;

#if defined(__x86_64__)
static constexpr uint16_t hostMachine = EM_X86_64;
#elif defined(__aarch64__)
static constexpr uint16_t hostMachine = EM_AARCH64;
#else
static constexpr uint16_t hostMachine = EM_NONE;
#endif

static Status lacksKernel(const std::string &symbol) {
  return badFile("the kernel object lacks the kernel '", symbol,
                 "'; compile the plan again");
}

Status vernier::runtime::checkObjectMachine(const uint8_t *bytes, size_t size) {
  ObjectLayout layout;
  VERNIER_TRY(readObject(bytes, size, layout));
  if (layout.machine != hostMachine)
    return resources("the plan's kernels are for ELF machine ", layout.machine,
                     ", this machine is ", hostMachine,
                     "; compile the plan again on this machine");
  return {};
}

Status vernier::runtime::checkObject(const uint8_t *bytes, size_t size,
                                     const std::vector<std::string> &symbols) {
  ObjectLayout layout;
  VERNIER_TRY(readObject(bytes, size, layout));
  for (const std::string &symbol : symbols)
    if (!layout.kernels.count(symbol))
      return lacksKernel(symbol);
  return {};
}

KernelObject::~KernelObject() {
  if (memory)
    munmap(memory, mappedBytes);
}

Status KernelObject::map(const uint8_t *bytes) {
  const ObjectSegment &constants = layout.constants, &code = layout.code;
  mappedBytes = code.address + code.bytes;
  void *address = mmap(nullptr, mappedBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED)
    return resources("cannot allocate ", mappedBytes,
                     " bytes for the plan's kernels: ", std::strerror(errno),
                     "; free memory");
  memory = static_cast<uint8_t *>(address);
  std::memcpy(memory + constants.address, bytes + constants.offset,
              constants.bytes);
  std::memcpy(memory + code.address, bytes + code.offset, code.bytes);
  // Nothing is ever writable and executable at once.
  uint64_t start = code.address / layout.pageSize * layout.pageSize;
  if (mprotect(memory, start, PROT_READ) != 0 ||
      mprotect(memory + start, mappedBytes - start, PROT_READ | PROT_EXEC) != 0)
    return resources("the system does not let the plan's kernels be executed: ",
                     std::strerror(errno),
                     "; allow this process to generate code (on SELinux: "
                     "execmem)");
  char *first = reinterpret_cast<char *>(memory);
  __builtin___clear_cache(first + start, first + mappedBytes);
  return {};
}

Status KernelObject::load(const uint8_t *bytes, size_t size) {
  VERNIER_TRY(checkObjectMachine(bytes, size));
  layout =
      ObjectLayout(); // an attempt before may have ended for lack of memory
  VERNIER_TRY(readObject(bytes, size, layout));
  auto pageSize = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  if (pageSize > layout.pageSize)
    return resources("the plan's kernels are laid out for pages of ",
                     layout.pageSize, " bytes, this machine has pages of ",
                     pageSize);
  Status status = map(bytes);
  if (!status.ok() && memory)
    munmap(std::exchange(memory, nullptr), mappedBytes);
  return status;
}

Status KernelObject::find(const std::string &symbol,
                          vernier_kernel_t &kernel) const {
  kernel = nullptr;
  if (!memory)
    return {};
  auto found = layout.kernels.find(symbol);
  if (found == layout.kernels.end())
    return lacksKernel(symbol);
  kernel = reinterpret_cast<vernier_kernel_t>(memory + found->second);
  return {};
}
