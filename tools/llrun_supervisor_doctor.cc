// What llrund asks of a program of its own: whether a world can be made here, and what else this
// node offers.
#include <cstdio>

#include "supervisor/doctor/node.h"
#include "supervisor/traits/traits.h"
#include "tools/llrun_supervisor.h"

namespace llrun {

int run_probe() {
  protocol::NodeTraits traits;
  probe_hosting(traits);
  std::puts(traits.hosts_guests() ? "yes" : traits.hosts_guests_why_not().c_str());
  return traits.hosts_guests() ? 0 : 1;
}

int run_doctor() {
  for (const auto& finding : doctor::examine_node()) std::puts(doctor::json_of(finding).c_str());
  return 0;
}

}  // namespace llrun
