// What `llrunctl status` shows and `llrunctl cleanup` removes.
#pragma once

#include "supervisor/leftovers/leftovers.h"
#include "tools/ctl/session.h"

namespace llrun::ctl {

void print(const Session& session, const leftovers::Leftover& leftover, const char* done,
           const std::string& trouble = {});

}  // namespace llrun::ctl
