#include "supervisor/config/config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "supervisor/config/paths.h"
#include "supervisor/config/values.h"

namespace llrun::config {
namespace {

using std::chrono::milliseconds;

class ConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/llrun-config-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    directory_ = path;
    sources_ = {directory_ + "/system", directory_ + "/user", false, {}};
  }
  void TearDown() override {
    ::unlink((directory_ + "/system").c_str());
    ::unlink((directory_ + "/user").c_str());
    ::rmdir(directory_.c_str());
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ + "/" + name) << text;
  }
  std::string error(const Options& options = {}) {
    const auto config = load(sources_, options);
    return config ? "" : config.error().message();
  }

  std::string directory_;
  Sources sources_;
};

TEST_F(ConfigTest, DefaultsWithoutAnyFile) {
  const auto config = load(sources_);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->after, milliseconds(5000));
  EXPECT_EQ(config->max_io, 3);
  EXPECT_EQ(config->strategy, "hindrance");
  EXPECT_EQ(config->lease, milliseconds(30'000));
  EXPECT_EQ(config->confirm, milliseconds(600'000));
  EXPECT_EQ(config->lost_after, milliseconds(0));
  EXPECT_EQ(config->abandon, milliseconds(86'400'000));
  EXPECT_TRUE(config->levelling && config->accept);
  EXPECT_TRUE(config->nodes.empty());
  EXPECT_FALSE(config->name.empty());
}

TEST_F(ConfigTest, OptionsWinOverEnvironmentOverUserOverSystem) {
  write("system", "after = 1s\nmax-io = 1\nlease = 1s\nstrategy = one\n[guests]\nmax = 1\n");
  write("user", "max-io = 2\nlease = 2s\nstrategy = two\n");
  sources_.environment = {
      {"LLRUN_LEASE", "3s"}, {"LLRUN_STRATEGY", "three"}, {"LLRUN_GUESTS_MAX", "3"}};
  const auto config = load(sources_, {{"strategy", "four"}});
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->after, milliseconds(1000));
  EXPECT_EQ(config->max_io, 2);
  EXPECT_EQ(config->lease, milliseconds(3000));
  EXPECT_EQ(config->guests.max, 3);
  EXPECT_EQ(config->strategy, "four");
}

TEST_F(ConfigTest, NodesAreCommandsSplitAsAShellDoes) {
  write("user",
        "name = a\n[nodes]\na = llrund --stdio --name a\n"
        "b = ssh -o 'ProxyCommand=nc %h 22' \"b b\" llrund\\ x --stdio  # by way of c\n");
  const auto config = load(sources_);
  ASSERT_TRUE(config) << config.error().message();
  ASSERT_EQ(config->nodes.size(), 1U) << "a node is not its own peer";
  EXPECT_EQ(config->nodes[0].name, "b");
  EXPECT_EQ(config->nodes[0].command,
            (std::vector<std::string>{"ssh", "-o", "ProxyCommand=nc %h 22", "b b", "llrund x",
                                      "--stdio"}));
  EXPECT_EQ(config->peer("b"), &config->nodes[0]);
  EXPECT_EQ(config->peer("c"), nullptr);
}

TEST_F(ConfigTest, ANodeNamedTwiceHasTheLaterCommand) {
  write("system", "[nodes]\nb = one\n");
  write("user", "[nodes]\nb = two\n");
  const auto config = load(sources_);
  ASSERT_TRUE(config) << config.error().message();
  ASSERT_EQ(config->nodes.size(), 1U);
  EXPECT_EQ(config->nodes[0].command, std::vector<std::string>{"two"});
}

TEST_F(ConfigTest, HintsAndSwitches) {
  write("user",
        "levelling = off\naccept=no\n[hints]\npovray = long\nls = never\n[guests]\nnice = 10\ncpu "
        "= 1.5\n");
  const auto config = load(sources_);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_FALSE(config->levelling || config->accept);
  EXPECT_EQ(config->hints.at("povray"), "long");
  EXPECT_EQ(config->guests.nice, 10);
  EXPECT_EQ(config->guests.cpu, 1.5);
}

using Paths = std::vector<std::string>;

TEST_F(ConfigTest, KeepsSecretsBackFromEveryNode) {
  const auto kept = load(sources_).value().kept_from("b");
  for (const char* name : {"/.ssh", "/.gnupg", "/.aws", "/.netrc", "/.config/llrun"})
    EXPECT_EQ(std::ranges::count(kept.hide.value(), home_directory() + name), 1) << name;
  EXPECT_TRUE(
      std::ranges::all_of(*kept.hide, [](const auto& path) { return path.starts_with('/'); }));
  EXPECT_EQ(kept.read_only, Paths());
  EXPECT_EQ(kept.only, Paths());
}

TEST_F(ConfigTest, KeepsBackWhatItIsTold) {
  write("user",
        "[view]\nhide = ~/.ssh '/with space' ~  # and no more\nread-only = /srv ~other/x\n");
  EXPECT_NE(error().find("\"~other/x\" begins neither with / nor with ~/"), std::string::npos)
      << error();
  write("user", "[view]\nhide = ~/.ssh '/with space' ~  # and no more\nonly = /usr\n");
  const auto kept = load(sources_).value().kept_from("b");
  EXPECT_EQ(kept.hide, (Paths{home_directory() + "/.ssh", "/with space", home_directory()}));
  EXPECT_EQ(kept.read_only, Paths());
  EXPECT_EQ(kept.only, Paths{"/usr"});
}

TEST_F(ConfigTest, ANodesOwnViewStandsInPlaceOfWhatAllGet) {
  write("system", "[view]\nhide = /system\nread-only = /system\n");
  write("user", "[view]\nhide = /all\n[view.b]\nhide = /b\n[view.c.example]\nhide =\nonly = /c\n");
  const auto config = load(sources_).value();
  EXPECT_EQ(config.kept_from("a").hide, Paths{"/all"});
  EXPECT_EQ(config.kept_from("b").hide, Paths{"/b"});
  EXPECT_EQ(config.kept_from("b").read_only, Paths{"/system"});
  EXPECT_EQ(config.kept_from("b").only, Paths());
  EXPECT_EQ(config.kept_from("c.example").hide, Paths());
  EXPECT_EQ(config.kept_from("c.example").only, Paths{"/c"});
}

TEST_F(ConfigTest, RefusesAViewThatItDoesNotKnow) {
  for (const char* text :
       {"[view]\nhidden = /x\n", "[view.b]\nhidden = /x\n", "[view.b/c]\nhide = /x\n",
        "[view]\nhide = relative\n", "[view]\nhide = 'open\n", "[view.b]\nread-only = ..\n"}) {
    write("user", text);
    EXPECT_NE(error(), "") << text;
  }
}

TEST_F(ConfigTest, ErrorsNameFileAndLine) {
  const auto user = directory_ + "/user";
  write("user", "after = 5s\n\naftr = 6s\n");
  EXPECT_TRUE(error().starts_with(user + ":3: ")) << error();
  EXPECT_NE(error().find("aftr"), std::string::npos) << error();
  write("user", "[guests]\n# a comment\nmax = many\n");
  EXPECT_TRUE(error().starts_with(user + ":3: guests.max: ")) << error();
  write("user", "[nodes]\nb = ssh 'b llrund\n");
  EXPECT_TRUE(error().starts_with(user + ":2: ")) << error();
  write("user", "[nodes]\n../b = ssh b llrund\n");
  EXPECT_TRUE(error().starts_with(user + ":2: ")) << error();
  write("user", "after = 5s\nnonsense\n");
  EXPECT_TRUE(error().starts_with(user + ":2: ")) << error();
}

TEST_F(ConfigTest, ErrorsNameVariableOrOption) {
  sources_.environment = {{"LLRUN_AFTER", "soon"}};
  EXPECT_TRUE(error().starts_with("LLRUN_AFTER: ")) << error();
  sources_.environment.clear();
  EXPECT_NE(error({{"max-io", "-1"}}).find("max-io"), std::string::npos);
}

TEST_F(ConfigTest, AFileThatWasNamedMustExist) {
  EXPECT_EQ(error(), "");
  sources_.user_file_must_exist = true;
  EXPECT_NE(error().find(directory_ + "/user"), std::string::npos) << error();
}

TEST(Values, DurationsAndNumbers) {
  EXPECT_EQ(parse_duration("5"), milliseconds(5000));
  EXPECT_EQ(parse_duration("0.5s"), milliseconds(500));
  EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(parse_duration("10min"), milliseconds(600'000));
  EXPECT_EQ(parse_duration("2h"), milliseconds(7'200'000));
  for (const auto* bad : {"", "s", "5 s", "-1s", "5parsec", "1e99h", "nan"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
  for (const auto* bad : {"", "x", "1x", "-1", "nan", "inf"})
    EXPECT_FALSE(parse_number(bad)) << bad;
}

TEST(Values, CommandsAreSplitButNothingIsExpanded) {
  EXPECT_EQ(split_command("a  b\tc"), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(split_command("a '' \"\""), (std::vector<std::string>{"a", "", ""}));
  EXPECT_EQ(split_command(R"(x"y 'z'"w '$HOME "q"')"),
            (std::vector<std::string>{"xy 'z'w", "$HOME \"q\""}));
  EXPECT_EQ(split_command(R"("a\"b\\c\n")"), (std::vector<std::string>{R"(a"b\c\n)"}));
  EXPECT_FALSE(split_command("  "));
  EXPECT_FALSE(split_command("a \"b"));
}

}  // namespace
}  // namespace llrun::config
