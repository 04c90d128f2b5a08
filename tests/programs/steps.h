// The frame of every self-checking program: steps that are told on standard output, checks that are
// counted, and PASS or what differed at the end. A journey is injected by whoever reads the steps.
//
//   PROGRAM [--steps N] [--until FILE]
//
// goes on for at least N steps (default 20) and, with --until, until FILE exists. Exit 0 after
// PASS, else 1.
#pragma once

#include <cstdint>
#include <string>

namespace steps {

// Reads the options. Anything else on the command line is an error (exit 2).
void begin(int argc, char** argv);

// Tells the next step; false when it is time to end. The first is 1.
bool next();
int number();

// Counts and reports a condition that does not hold; goes on, so that everything that differs is
// told.
void check(bool holds, const char* format, ...) __attribute__((format(printf, 2, 3)));

// Prints PASS or the number of differences; main() returns it.
int finish();

// A good mixing of 64 bits (splitmix64), for contents that can be recomputed from their place.
std::uint64_t mixed(std::uint64_t value);

// Computes for roughly some milliseconds without a system call; the result depends on `seed` only.
std::uint64_t work(std::uint64_t seed);

// A read of a small file of /proc or the like; empty when it fails.
std::string slurp(const char* path);

}  // namespace steps
