// /proc/PID/net/{tcp,udp,tcp6,udp6,unix,…}: the sockets of a network namespace (proc_pid_net(5)).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace llrun::tracer {

struct InetSocket {
  std::string local;   // "10.0.0.1:4711", "[::1]:80"
  std::string remote;  // empty: not connected
  bool listening = false;
};
[[nodiscard]] std::optional<InetSocket> find_inet_socket(std::string_view table,
                                                         std::uint64_t inode);

struct UnixSocket {
  std::string path;  // empty: no name; "@x": abstract
  bool listening = false;
};
[[nodiscard]] std::optional<UnixSocket> find_unix_socket(std::string_view table,
                                                         std::uint64_t inode);

// Whether `inode` is a word of one of the table's lines (netlink, packet, raw, …).
[[nodiscard]] bool lists_inode(std::string_view table, std::uint64_t inode);

}  // namespace llrun::tracer
