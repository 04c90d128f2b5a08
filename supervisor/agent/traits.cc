#include "supervisor/agent/traits.h"

#include <sys/utsname.h>

#include <chrono>
#include <sstream>
#include <string>

#include "base/fd.h"

namespace llrun::agent {
namespace {

// What follows "key\t: " on the first such line; every core says the same.
std::string cpu_line(const std::string& cpuinfo, const std::string& key) {
  std::istringstream lines(cpuinfo);
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with(key + "\t") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "";
}

std::uint64_t realtime_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

}  // namespace

protocol::NodeTraits own_traits() {
  protocol::NodeTraits traits;
  const auto cpuinfo = read_whole_file("/proc/cpuinfo").value_or("");
  traits.set_cpu_vendor(cpu_line(cpuinfo, "vendor_id"));
  std::istringstream flags(cpu_line(cpuinfo, "flags"));
  for (std::string flag; flags >> flag;) traits.add_cpu_flags(flag);
  utsname name{};
  if (::uname(&name) == 0) traits.set_kernel_release(name.release);
  traits.set_realtime_ns(realtime_ns());
  traits.set_hosts_guests(true);
  return traits;
}

protocol::Hello own_hello(const std::string& node, protocol::Hello::Purpose purpose) {
  protocol::Hello hello;
  hello.set_version(kProtocolVersion);
  hello.set_node(node);
  hello.set_purpose(purpose);
  *hello.mutable_traits() = own_traits();
  return hello;
}

}  // namespace llrun::agent
