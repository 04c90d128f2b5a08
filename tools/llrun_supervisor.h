// The roles of llrun-supervisor that answer and end.
#pragma once

namespace llrun {

int run_probe();   // "yes", or why no world can be made here
int run_doctor();  // findings, one JSON object a line

}  // namespace llrun
