// What `llrunctl strategy` and `llrunctl history` ask and tell.
#pragma once

#include <string>
#include <vector>

#include "supervisor/agent/event_log.h"
#include "supervisor/agent/experience.h"
#include "supervisor/agent/strategies.h"
#include "supervisor/control/agent_client.h"

namespace llrun::agent {

// No words: which one decides, and those there are. NAME [SETTING=NUMBER]…: another one from now
// on, until the agent ends.
void strategy_verb(Strategies& strategies, EventLog& log, const std::vector<std::string>& words,
                   const control::Reply& reply);
// [PROGRAM]: all programs, or those of this path or name.
void history_verb(Experience& experience, const std::vector<std::string>& words,
                  const control::Reply& reply);

}  // namespace llrun::agent
