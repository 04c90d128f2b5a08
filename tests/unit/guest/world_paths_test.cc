// Which paths a guest's world answers by itself, and from where home judges the others.
#include "supervisor/guest/world_paths.h"

#include <gtest/gtest.h>

#include <map>
#include <ostream>

namespace llrun {

using To = Leads::To;

bool operator==(const Leads& left, const Leads& right) {
  return left.to == right.to && left.base == right.base && left.path == right.path;
}
void PrintTo(const Leads& leads, std::ostream* out) {
  *out << static_cast<int>(leads.to) << " \"" << leads.base << "\" \"" << leads.path << '"';
}

namespace {

const std::map<std::string, std::string> kLinks{
    {"cwd", "/home/u"}, {"fd/3", "/home/u/dir"}, {"fd/4", "pipe:[4711]"}};

Leads leads(const std::string& path, const std::string& base = "/home/u") {
  return where_it_leads(base, path, [](const std::string& name) -> std::optional<std::string> {
    const auto found = kLinks.find(name);
    return found == kLinks.end() ? std::nullopt : std::optional(found->second);
  });
}

Leads home(const std::string& base, const std::string& path) { return {To::kHome, base, path}; }

TEST(WorldPaths, WhatIsInHomesTreeIsHomesToJudge) {
  EXPECT_EQ(leads("file"), home("/home/u", "file"));
  EXPECT_EQ(leads("/etc/passwd"), home("/home/u", "/etc/passwd"));
  EXPECT_EQ(leads("/procession"), home("/home/u", "/procession"));
  EXPECT_EQ(leads("../../proc/x"), home("/home/u", "../../proc/x"));  // home walks there
  EXPECT_EQ(leads("/dev/shm/x"), home("/home/u", "/dev/shm/x"));
  EXPECT_EQ(leads("/dev/tty"), home("/home/u", "/dev/tty"));
}

TEST(WorldPaths, ProcAndThePlainDevicesAreTheWorldsHoweverTheyAreSpelled) {
  for (const char* path :
       {"/proc", "/proc/self/status", "//proc//self/status", "/./proc/self/../4711/maps",
        "/../proc/mounts", "/proc/self/fd", "/proc/self/fdinfo/3", "/proc/self/task/12/comm",
        "/proc/self/exe", "/proc/self/cwd", "/proc/sys/kernel/pid_max", "/dev/null", "/dev/./zero",
        "/dev", "//dev//urandom", "/"})
    EXPECT_EQ(leads(path), Leads{}) << path;
  EXPECT_EQ(leads("self/status", "/proc"), Leads{});
  EXPECT_EQ(leads("status", "/proc/4711"), Leads{});
  EXPECT_EQ(leads("null", "/dev"), Leads{});
}

TEST(WorldPaths, WhatLeadsOutOfThemIsJudgedFromWhereItCameOut) {
  EXPECT_EQ(leads("/proc/../home/u/fifo"), home("/", "home/u/fifo"));
  EXPECT_EQ(leads("../etc/x", "/proc"), home("/", "etc/x"));
  EXPECT_EQ(leads("/dev/../etc/x"), home("/", "etc/x"));
  EXPECT_EQ(leads("/proc/self/cwd/a/../b"), home("/home/u", "a/../b"));
  EXPECT_EQ(leads("/proc/4711/task/4712/cwd/x"), home("/home/u", "x"));
  EXPECT_EQ(leads("/proc/thread-self/root/etc/x"), home("/", "etc/x"));
  EXPECT_EQ(leads("/proc/thread-self/../../cwd/x"), home("/home/u", "x"));
  EXPECT_EQ(leads("/proc/self/fd/3/x"), home("/home/u/dir", "x"));
  EXPECT_EQ(leads("/dev/fd/3/x"), home("/home/u/dir", "x"));
  EXPECT_EQ(leads("/dev/fd/../cwd/x"), home("/home/u", "x"));
}

TEST(WorldPaths, ADescriptorOpenedAnewMayBeHomes) {
  for (const char* path :
       {"/proc/self/fd/4", "/proc/4711/fd/0", "/proc/self/task/12/fd/1", "/dev/fd/4", "/dev/stdin",
        "/dev/stderr", "/proc/self/map_files/1-2", "/proc/self/./fd/4"})
    EXPECT_EQ(leads(path).to, To::kDescriptor) << path;
  EXPECT_EQ(leads("fd/4", "/proc/self").to, To::kDescriptor);
  EXPECT_EQ(leads("/proc/self/ns/net").to, To::kNamespace);
  EXPECT_EQ(leads("/proc/self/fd/4/x"), Leads{});  // no directory: the kernel says so
}

}  // namespace
}  // namespace llrun
