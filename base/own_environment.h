// The environment of llrun's own programs, where they are started beside a program that may be
// given any: what it sets for itself (LD_LIBRARY_PATH with another C++ library, LD_PRELOAD,
// GLIBC_TUNABLES, MALLOC_*) would break them, or change what they do.
//
// Plain C, for the launcher, which has no C++ library to use.
#pragma once

#include <cstddef>
#include <cstring>

namespace llrun::own_environment {

namespace inside {

// Where files are, who one is, how one speaks; what ssh needs to reach a peer (ssh(1),
// kerberos(7)); logind's bus; ours.
inline constexpr const char* kPassedOn[] = {
    "HOME=", "PATH=", "USER=", "LOGNAME=", "SHELL=", "LANG=", "LANGUAGE=", "TZ=", "TMPDIR=", "XDG_",
    "SSH_AUTH_SOCK=", "SSH_AGENT_PID=", "KRB5", "DBUS_", "LC_", "LLRUN_",
    // Of builds with a sanitizer, which read them before anything else.
    "ASAN_OPTIONS=", "LSAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS="};

}  // namespace inside

// Of an entry NAME=VALUE.
inline bool passed_on(const char* entry) {
  for (const char* wanted : inside::kPassedOn)
    if (std::strncmp(entry, wanted, std::strlen(wanted)) == 0) return true;
  return false;
}

// Takes out of `environment`, a list that ends with null, in place, what is not passed on. What it
// points at is left alone.
inline void reduce(char** environment) {
  if (environment == nullptr) return;
  std::size_t kept = 0;
  for (char** entry = environment; *entry != nullptr; ++entry)
    if (passed_on(*entry)) environment[kept++] = *entry;
  environment[kept] = nullptr;
}

}  // namespace llrun::own_environment
