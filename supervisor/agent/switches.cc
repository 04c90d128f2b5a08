#include "supervisor/agent/switches.h"

#include <unistd.h>

#include <fstream>
#include <utility>

namespace llrun::agent {

KeptSwitches::KeptSwitches(const config::Config& config, Files files)
    : files_(std::move(files)), configured_{config.levelling, config.accept, false} {
  kept_ = configured_;
  for (const auto& file : files_()) {
    std::ifstream in(file);
    Switches kept;
    if (!(in >> kept.levelling >> kept.accepts >> kept.draining)) continue;
    kept_ = kept;
    break;
  }
  now_ = kept_;
}

void KeptSwitches::set(const Switches& switches) {
  now_ = kept_ = switches;
  keep();
}

void KeptSwitches::keep() const {
  for (const auto& file : files_())
    if (kept_ == configured_)
      ::unlink(file.c_str());
    else
      std::ofstream(file) << kept_.levelling << ' ' << kept_.accepts << ' ' << kept_.draining
                          << '\n';
}

}  // namespace llrun::agent
