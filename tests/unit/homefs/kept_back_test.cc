// Which uses of which paths are refused.
#include "netproxy/homefs/kept_back.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

namespace llrun::homefs {
namespace {

using Use = KeptBack::Use;

class WhatIsKeptBack : public ::testing::Test {
 protected:
  WhatIsKeptBack() {
    EXPECT_NE(::mkdtemp(root_.data()), nullptr);
    for (const char* name : {"a/b", "fixed", "other"})
      std::filesystem::create_directories(root_ + "/" + name);
  }
  ~WhatIsKeptBack() override { std::filesystem::remove_all(root_); }
  [[nodiscard]] std::string at(const std::string& name) const { return root_ + "/" + name; }
  static int error(const KeptBack& kept, const std::string& path, Use use) {
    return kept.verdict(path, use).errno_value;
  }
  void link(const std::string& target, const std::string& name) const {
    std::filesystem::create_symlink(target, at(name));
  }
  std::string root_ = "/tmp/llrun-kept-back-XXXXXX";
};

TEST_F(WhatIsKeptBack, NothingWithoutRules) {
  const KeptBack kept({});
  for (const Use use : {Use::kRead, Use::kWrite, Use::kChange, Use::kMove})
    for (const char* path : {"/", "", "/etc/passwd"}) EXPECT_EQ(error(kept, path, use), 0);
  EXPECT_FALSE(kept.asked().moves || kept.asked().changes);
}

TEST_F(WhatIsKeptBack, WhatIsHiddenIsNeitherReadNorWrittenNorMoved) {
  const KeptBack kept({.hide = {at("a/b"), at("none/file")}, .read_only = {}, .only = {}});
  for (const char* name : {"a/b", "a/b/c", "a/b/c/d", "none/file"}) {
    for (const Use use : {Use::kRead, Use::kWrite, Use::kMove})
      EXPECT_EQ(error(kept, at(name), use), EACCES) << name;
    EXPECT_EQ(error(kept, at(name), Use::kChange), 0) << name;
  }
  for (const char* name : {"a", "a/bc", "a/b.c", "a/c", "none", "none/file2"})
    for (const Use use : {Use::kRead, Use::kWrite, Use::kChange})
      EXPECT_EQ(error(kept, at(name), use), 0) << name;
  EXPECT_EQ(kept.verdict(at("a/b/c"), Use::kRead).rule, "hide = " + at("a/b"));
  EXPECT_TRUE(kept.asked().moves);
  EXPECT_FALSE(kept.asked().changes);
}

TEST_F(WhatIsKeptBack, WhatIsAboveItIsNotMoved) {
  const KeptBack kept({.hide = {at("a/b/c")}, .read_only = {at("fixed/x")}, .only = {}});
  for (const char* name : {"a/b", "a", "fixed"})
    EXPECT_EQ(error(kept, at(name), Use::kMove), EACCES) << name;
  EXPECT_EQ(error(kept, root_, Use::kMove), EACCES);
  EXPECT_EQ(error(kept, "", Use::kMove), EACCES) << "the root of all";
  for (const char* name : {"a/b/d", "a/c", "fixed/y", "other"})
    EXPECT_EQ(error(kept, at(name), Use::kMove), 0) << name;
}

TEST_F(WhatIsKeptBack, WhatIsReadOnlyIsReadAndNothingElse) {
  const KeptBack kept({.hide = {}, .read_only = {at("fixed")}, .only = {}});
  EXPECT_EQ(error(kept, at("fixed/file"), Use::kRead), 0);
  for (const Use use : {Use::kWrite, Use::kChange, Use::kMove}) {
    EXPECT_EQ(error(kept, at("fixed/file"), use), EROFS);
    EXPECT_EQ(error(kept, at("fixed"), use), EROFS);
    EXPECT_EQ(error(kept, at("fixed2"), use), 0);
  }
  EXPECT_TRUE(kept.asked().moves && kept.asked().changes);
}

TEST_F(WhatIsKeptBack, OnlyWhatIsNamedIsGivenOut) {
  const KeptBack kept({.hide = {at("a/b")}, .read_only = {}, .only = {at("a"), "/usr"}});
  for (const Use use : {Use::kRead, Use::kWrite, Use::kMove}) {
    EXPECT_EQ(error(kept, at("a/file"), use), 0);
    EXPECT_EQ(error(kept, at("a/b/file"), use), EACCES);
    EXPECT_EQ(error(kept, at("other"), use), EACCES);
  }
  EXPECT_EQ(error(kept, "/usr/bin/true", Use::kRead), 0);
  EXPECT_EQ(error(kept, at("other"), Use::kChange), 0);
  EXPECT_EQ(error(kept, at("a"), Use::kMove), EACCES) << "it would be another one then";
  EXPECT_TRUE(kept.asked().moves);
}

TEST_F(WhatIsKeptBack, TheRootIsAllThereIs) {
  const KeptBack all({.hide = {}, .read_only = {}, .only = {"/"}});
  EXPECT_EQ(error(all, at("a"), Use::kRead), 0);
  const KeptBack none({.hide = {"/"}, .read_only = {}, .only = {}});
  EXPECT_EQ(error(none, at("a"), Use::kRead), EACCES);
}

TEST_F(WhatIsKeptBack, RulesMeanWhereTheirLinksLead) {
  link("a", "to-a");
  link(at("to-a/b"), "to-b");
  link("round", "round");
  const KeptBack kept(
      {.hide = {at("to-b"), at("other/../fixed/"), at("round"), at("to-a/./none/x")},
       .read_only = {},
       .only = {}});
  for (const char* name : {"a/b/file", "fixed/file", "round", "a/none/x"})
    EXPECT_EQ(error(kept, at(name), Use::kRead), EACCES) << name;
  EXPECT_EQ(error(kept, at("a/file"), Use::kRead), 0);
  EXPECT_EQ(kept.verdict(at("a/b"), Use::kRead).rule, "hide = " + at("to-b"));
}

TEST_F(WhatIsKeptBack, LinksOnTheWayAreNotMovedEither) {
  link("a", "to-a");
  link("to-a/b", "to-b");
  const KeptBack kept({.hide = {at("to-b/c")}, .read_only = {}, .only = {}});
  for (const char* name : {"to-a", "to-b", "a", "a/b", "a/b/c"})
    EXPECT_EQ(error(kept, at(name), Use::kMove), EACCES) << name;
  EXPECT_EQ(error(kept, at("other"), Use::kMove), 0);
}

TEST_F(WhatIsKeptBack, ManyAskAtOnce) {
  const KeptBack kept({.hide = {at("a")}, .read_only = {}, .only = {}});
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] { EXPECT_EQ(error(kept, at("a/b"), Use::kRead), EACCES); });
}

}  // namespace
}  // namespace llrun::homefs
