#include "supervisor/agent/switches.h"

#include <unistd.h>

#include <fstream>

namespace llrun::agent {

KeptSwitches::KeptSwitches(const config::Config& config, std::string file)
    : file_(std::move(file)), configured_{config.levelling, config.accept, false} {
  now_ = configured_;
  std::ifstream in(file_);
  Switches kept;
  if (in >> kept.levelling >> kept.accepts >> kept.draining) now_ = kept;
}

void KeptSwitches::set(const Switches& switches) {
  now_ = switches;
  if (file_.empty()) return;
  if (now_ == configured_) return void(::unlink(file_.c_str()));
  std::ofstream(file_) << now_.levelling << ' ' << now_.accepts << ' ' << now_.draining << '\n';
}

}  // namespace llrun::agent
