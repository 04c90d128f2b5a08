// Prints docs/calls.md.
#include <cstdio>

#include "tracer/calls/document.h"

int main() { return std::fputs(llrun::call_document().c_str(), stdout) < 0 ? 1 : 0; }
