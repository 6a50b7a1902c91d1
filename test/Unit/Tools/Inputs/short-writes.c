//===- short-writes.c - A disk that takes a few bytes at a time
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Preloaded (LD_PRELOAD): write() takes at most 7 bytes of what goes to a file,
// and every third call is interrupted (EINTR) first. Writes the number of calls
// that it cut or interrupted to the file $SHORT_WRITES at exit.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned long calls, changed;

ssize_t write(int file, const void *data, size_t size) {
  if (file > 2) {
    if (++calls % 3 == 0) {
      ++changed;
      errno = EINTR;
      return -1;
    }
    if (size > 7) {
      ++changed;
      size = 7;
    }
  }
  return syscall(SYS_write, file, data, size);
}

__attribute__((destructor)) static void report(void) {
  unsigned long total = changed;
  const char *path = getenv("SHORT_WRITES");
  FILE *file = path ? fopen(path, "w") : NULL;
  if (file) {
    fprintf(file, "%lu\n", total);
    fclose(file);
  }
}
