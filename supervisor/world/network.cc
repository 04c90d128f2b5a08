#include "supervisor/world/network.h"

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cerrno>
#include <memory>

namespace llrun::world {
namespace {

constexpr unsigned kLoopback = 1;  // of every network namespace: net/core/dev.c LOOPBACK_IFINDEX

class RouteSocket {
 public:
  ~RouteSocket() {
    if (socket_ != nullptr) mnl_socket_close(socket_);
  }
  Result<> open() {
    socket_ = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (socket_ == nullptr || mnl_socket_bind(socket_, 0, MNL_SOCKET_AUTOPID) < 0)
      return system_error("open a netlink socket");
    return {};
  }
  // Send and wait for the kernel's answer: 0 or errno.
  int ask(nlmsghdr* message) {
    message->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    message->nlmsg_seq = ++sequence_;
    if (mnl_socket_sendto(socket_, message, message->nlmsg_len) < 0) return errno;
    std::array<char, 8192> answer{};
    const auto got = mnl_socket_recvfrom(socket_, answer.data(), answer.size());
    if (got < 0) return errno;
    const int verdict = mnl_cb_run(answer.data(), static_cast<std::size_t>(got), sequence_,
                                   mnl_socket_get_portid(socket_), nullptr, nullptr);
    return verdict < 0 ? errno : 0;
  }

 private:
  mnl_socket* socket_ = nullptr;
  unsigned sequence_ = 0;
};

struct Message {
  alignas(nlmsghdr) std::array<char, 512> bytes{};
  nlmsghdr* header = mnl_nlmsg_put_header(bytes.data());
};

int bring_up_loopback(RouteSocket& socket) {
  Message message;
  message.header->nlmsg_type = RTM_NEWLINK;
  auto* link =
      static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message.header, sizeof(ifinfomsg)));
  link->ifi_family = AF_UNSPEC;
  link->ifi_index = static_cast<int>(kLoopback);
  link->ifi_flags = link->ifi_change = IFF_UP;
  return socket.ask(message.header);
}

// ip route add local default dev lo
int make_every_address_local(RouteSocket& socket, unsigned char family) {
  Message message;
  message.header->nlmsg_type = RTM_NEWROUTE;
  message.header->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
  auto* route = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message.header, sizeof(rtmsg)));
  route->rtm_family = family;
  route->rtm_table = RT_TABLE_LOCAL;
  route->rtm_protocol = RTPROT_STATIC;
  route->rtm_scope = RT_SCOPE_HOST;
  route->rtm_type = RTN_LOCAL;
  mnl_attr_put_u32(message.header, RTA_OIF, kLoopback);
  return socket.ask(message.header);
}

}  // namespace

Result<> set_up_network() {
  RouteSocket socket;
  LLRUN_TRY(socket.open());
  if (const int problem = bring_up_loopback(socket); problem != 0)
    return system_error("bring up the loopback interface of a world", problem);
  if (const int problem = make_every_address_local(socket, AF_INET); problem != 0)
    return system_error("make every address local in a world", problem);
  // A kernel without IPv6 says EOPNOTSUPP or EAFNOSUPPORT: then home's sockets of it cannot come
  // either.
  const int problem = make_every_address_local(socket, AF_INET6);
  if (problem != 0 && problem != EOPNOTSUPP && problem != EAFNOSUPPORT && problem != EACCES)
    return system_error("make every IPv6 address local in a world", problem);
  return {};
}

}  // namespace llrun::world
