//===- Device.cpp - Opening devices
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Device.h"

#include <cstring>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

using namespace vernier::runtime;

/// N of "cpu:N", 0 if it is none.
static int parseThreads(const char *text) {
  int threads = 0;
  if (!*text)
    return 0;
  for (; *text; ++text) {
    if (*text < '0' || *text > '9' || threads > 1000)
      return 0;
    threads = threads * 10 + (*text - '0');
  }
  return threads <= 1024 ? threads : 0;
}

/// libomp announces itself in a small file named after the process. A process
/// that was killed while it wrote the file leaves it empty, and libomp would
/// die of SIGBUS reading it in a later process of the same number: in this one,
/// an empty one can only be such a remnant.
static void removeTornRegistration() {
  std::string path = "/dev/shm/__KMP_REGISTERED_LIB_" +
                     std::to_string(getpid()) + "_" + std::to_string(getuid());
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && info.st_size == 0)
    (void)unlink(path.c_str());
}

vernier_status_t vernier_device_create(const char *name,
                                       vernier_device_t **device) {
  return guarded([&]() -> Status {
    if (!device)
      return invalidArgument("vernier_device_create: device is null");
    *device = nullptr;
    if (!name)
      return invalidArgument("vernier_device_create: name is null");
    removeTornRegistration();
    int threads = 0;
    if (std::strcmp(name, "cpu") == 0)
      threads = getDefaultThreads();
    else if (std::strncmp(name, "cpu:", 4) == 0)
      threads = parseThreads(name + 4);
    if (threads < 1)
      return invalidArgument("this build has no device '", name,
                             "': expected cpu, or cpu:N for N threads (1 to "
                             "1024)");
    *device = createHostDevice(threads).release();
    return {};
  });
}

void vernier_device_retain(vernier_device_t *device) {
  if (device)
    device->references.fetch_add(1, std::memory_order_relaxed);
}

void vernier_device_release(vernier_device_t *device) {
  if (device && device->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
    delete device;
}

const char *vernier_device_description(const vernier_device_t *device) {
  return device ? device->description.c_str() : nullptr;
}
