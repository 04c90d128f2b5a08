#include "supervisor/agent/traits.h"

#include "supervisor/traits/traits.h"

namespace llrun::agent {

protocol::Hello own_hello(const std::string& node, protocol::Hello::Purpose purpose) {
  protocol::Hello hello;
  hello.set_version(kProtocolVersion);
  hello.set_node(node);
  hello.set_purpose(purpose);
  *hello.mutable_traits() = local_traits();
  return hello;
}

}  // namespace llrun::agent
