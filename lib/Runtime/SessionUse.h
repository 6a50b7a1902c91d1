//===- SessionUse.h - One user of a session at a time
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_SESSIONUSE_H
#define VERNIER_RUNTIME_SESSIONUSE_H

#include "Runtime/Session.h"

namespace vernier::runtime {

/// What a call does with a session. An observer, which is called amid a run,
/// may only read.
enum class Access { read, change };

/// A call's use of a session, from start() to the end of its scope.
class SessionUse {
public:
  explicit SessionUse(vernier_session_t &session) : session(session) {}
  ~SessionUse() {
    if (isOwner)
      session.user.store(std::thread::id(), std::memory_order_release);
  }
  SessionUse(const SessionUse &) = delete;
  SessionUse &operator=(const SessionUse &) = delete;

  /// VERNIER_INVALID_ARGUMENT if another thread uses the session, or if an
  /// observer would change it: `function` says what was called.
  Status start(const char *function, Access access) {
    std::thread::id nobody, self = std::this_thread::get_id(), user = nobody;
    isOwner = session.user.compare_exchange_strong(user, self,
                                                   std::memory_order_acquire);
    if (isOwner || (user == self && access == Access::read))
      return {};
    if (user == self)
      return invalidArgument(function, " is called by an observer of this "
                                       "session, which may only read; call it "
                                       "after vernier_session_run");
    return invalidArgument(function, " is called while another thread uses "
                                     "this session; let one thread use it at a "
                                     "time, or create a session for each");
  }

private:
  vernier_session_t &session;
  bool isOwner = false;
};

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_SESSIONUSE_H
