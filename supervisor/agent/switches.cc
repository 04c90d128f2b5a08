#include "supervisor/agent/switches.h"

#include <unistd.h>

#include <fstream>
#include <utility>

#include "supervisor/config/paths.h"

namespace llrun::agent {

KeptSwitches::KeptSwitches(const config::Config& config, Files files)
    : files_(std::move(files)), configured_{config.levelling, config.accept, false} {
  kept_ = configured_;
  for (const auto& file : files_()) {
    std::ifstream in(file);
    Switches kept;
    std::string boot;
    if (!(in >> kept.levelling >> kept.accepts >> kept.draining >> boot)) continue;
    if (boot != config::boot_id()) continue;
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
      std::ofstream(file) << kept_.levelling << ' ' << kept_.accepts << ' ' << kept_.draining << ' '
                          << config::boot_id() << '\n';
}

}  // namespace llrun::agent
