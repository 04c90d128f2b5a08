// What a socket is, in words: sockets are not carried yet.
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/fd.h"
#include "tracer/objects/descriptors_view.h"
#include "tracer/procfs/net_tables.h"

namespace llrun::tracer {
namespace {

struct UnixRequest {
  nlmsghdr header;
  unix_diag_req request;
};

UnixRequest make_request(std::uint64_t inode) {
  UnixRequest it{};
  it.header.nlmsg_len = sizeof it;
  it.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  it.header.nlmsg_flags = NLM_F_REQUEST;
  it.request.sdiag_family = AF_UNIX;
  it.request.udiag_states = ~0U;
  it.request.udiag_ino = static_cast<std::uint32_t>(inode);
  it.request.udiag_show = UDIAG_SHOW_PEER;
  it.request.udiag_cookie[0] = it.request.udiag_cookie[1] = ~0U;  // whichever has that inode
  return it;
}

std::optional<std::uint64_t> find_peer(std::span<const std::byte> answer) {
  constexpr std::size_t kAttributes = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(unix_diag_msg));
  for (std::size_t at = kAttributes; at + sizeof(rtattr) <= answer.size();) {
    rtattr attribute{};
    std::memcpy(&attribute, answer.data() + at, sizeof attribute);
    if (attribute.rta_len < sizeof attribute || at + attribute.rta_len > answer.size()) break;
    std::uint32_t value = 0;
    if (attribute.rta_type == UNIX_DIAG_PEER && attribute.rta_len >= RTA_LENGTH(sizeof value)) {
      std::memcpy(&value, answer.data() + at + RTA_LENGTH(0), sizeof value);
      return value;
    }
    at += RTA_ALIGN(attribute.rta_len);
  }
  return std::nullopt;
}

// The inode of the other end (sock_diag(7)); nothing where the kernel has no unix_diag.
std::optional<std::uint64_t> ask_peer_inode(std::uint64_t inode) {
  const Fd netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  const UnixRequest request = make_request(inode);
  if (!netlink.valid() || ::send(netlink.get(), &request, sizeof request, 0) < 0)
    return std::nullopt;
  std::array<std::byte, 4096> answer{};
  const ssize_t size = ::recv(netlink.get(), answer.data(), answer.size(), MSG_DONTWAIT);
  nlmsghdr header{};
  if (size < static_cast<ssize_t>(sizeof header)) return std::nullopt;
  std::memcpy(&header, answer.data(), sizeof header);
  if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY) return std::nullopt;
  return find_peer(std::span(answer).first(static_cast<std::size_t>(size)));
}

std::string net_table(const char* name) {
  return read_whole_file(std::string("/proc/self/net/") + name).value_or(std::string{});
}

std::optional<Pin> describe_unix(const DescriptorView& view) {
  const std::string table = net_table("unix");
  const auto socket = find_unix_socket(table, view.about.st_ino);
  if (!socket) return std::nullopt;
  if (socket->listening)
    return Pin{view.name() + " listens on the Unix socket " + socket->path,
               "it can move once the program has closed it"};
  const auto peer_inode = ask_peer_inode(view.about.st_ino);
  // Until it is accepted the other end has none, as all such ends (net/unix/af_unix.c, sock_i_ino).
  const bool is_waiting = peer_inode == 0;
  const auto peer = peer_inode && !is_waiting ? find_unix_socket(table, *peer_inode) : std::nullopt;
  std::string what = view.name() + " is a Unix socket";
  if (is_waiting) what += " whose connection has not been accepted yet";
  if (peer && !peer->path.empty())
    what += " to " + peer->path;
  else if (!socket->path.empty())
    what += " on " + socket->path;
  return Pin{what, "it can move once that connection is closed"};
}

Pin inet_pin(const DescriptorView& view, const std::string& kind, const InetSocket& socket) {
  if (socket.listening)
    return {view.name() + " listens on " + kind + " " + socket.local,
            "it can move once the program has closed it"};
  if (!socket.remote.empty())
    return {view.name() + " is a " + kind + " connection " + socket.local + " → " + socket.remote,
            "it can move once that connection is closed"};
  return {view.name() + " is a " + kind + " socket on " + socket.local,
          "it can move once the program has closed it"};
}

std::optional<Pin> describe_inet(const DescriptorView& view) {
  constexpr std::array kTables = {std::pair{"tcp", "TCP"}, std::pair{"tcp6", "TCP"},
                                  std::pair{"udp", "UDP"}, std::pair{"udp6", "UDP"}};
  for (const auto& [file, kind] : kTables)
    if (const auto socket = find_inet_socket(net_table(file), view.about.st_ino))
      return inet_pin(view, kind, *socket);
  return std::nullopt;
}

std::optional<Pin> describe_other(const DescriptorView& view) {
  for (const char* kind : {"netlink", "packet", "raw", "raw6", "icmp"})
    if (lists_inode(net_table(kind), view.about.st_ino))
      return Pin{view.name() + " is a socket of the kind " + kind,
                 "it can move once the program has closed it"};
  return std::nullopt;
}

}  // namespace

Pin describe_socket(const DescriptorView& view) {
  if (auto pin = describe_unix(view)) return *pin;
  if (auto pin = describe_inet(view)) return *pin;
  if (auto pin = describe_other(view)) return *pin;
  return {view.name() + " is a socket that is not connected or of a rare kind",
          "it can move once the program has closed it"};
}

}  // namespace llrun::tracer
