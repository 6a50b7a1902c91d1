//===- Status.h - What the runtime's functions return
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_STATUS_H
#define VERNIER_RUNTIME_STATUS_H

#include "vernier-c/status.h"

#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace vernier::runtime {

/// A code and, for failures, a message: what, where, what was expected, what to
/// do. With VERNIER_OK a message is a note for the user.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(vernier_status_code_t code, std::string message)
      : code(code), message(std::move(message)) {}

  bool ok() const { return code == VERNIER_OK; }
  vernier_status_code_t getCode() const { return code; }
  const std::string &getMessage() const { return message; }

private:
  vernier_status_code_t code = VERNIER_OK;
  std::string message;
};

template <typename... Parts> std::string join(const Parts &...parts) {
  std::ostringstream stream;
  // Without memory it would go on with half a text.
  stream.exceptions(std::ios::badbit);
  (stream << ... << parts);
  return stream.str();
}

template <typename... Parts> Status failed(const Parts &...parts) {
  return {VERNIER_FAILED, join(parts...)};
}
template <typename... Parts> Status invalidArgument(const Parts &...parts) {
  return {VERNIER_INVALID_ARGUMENT, join(parts...)};
}
template <typename... Parts> Status badFile(const Parts &...parts) {
  return {VERNIER_BAD_FILE, join(parts...)};
}
template <typename... Parts> Status resources(const Parts &...parts) {
  return {VERNIER_RESOURCES, join(parts...)};
}

/// Hand a status to the caller of the C API; the message is copied to memory of
/// its thread. Allocates nothing, for there may be nothing left.
vernier_status_t toC(vernier_status_code_t code,
                     std::string_view message) noexcept;

/// Run the body of a C API function: nothing may be thrown across it.
template <typename Body> vernier_status_t guarded(const Body &body) {
  try {
    Status status = body();
    return toC(status.getCode(), status.getMessage());
  } catch (const std::bad_alloc &) {
    return toC(VERNIER_RESOURCES, "out of memory");
  } catch (const std::length_error &) { // of a container: as impossible
    return toC(VERNIER_RESOURCES, "out of memory");
  } catch (const std::exception &error) {
    return toC(VERNIER_FAILED, error.what());
  }
}

} // namespace vernier::runtime

#define VERNIER_TRY(...)                                                       \
  do {                                                                         \
    if (::vernier::runtime::Status status_ = (__VA_ARGS__); !status_.ok())     \
      return status_;                                                          \
  } while (false)

#endif // VERNIER_RUNTIME_STATUS_H
