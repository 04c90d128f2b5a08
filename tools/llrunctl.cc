// llrunctl: everything one asks or tells. The table of verbs, the general options, and which verb
// takes what.
#include <array>
#include <boost/program_options.hpp>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "supervisor/config/config.h"
#include "supervisor/protocol/complaints.h"
#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

namespace po = boost::program_options;

constexpr std::array kVerbs{&kPs,      &kNodes,  &kLoads,    &kBest,   &kMigrate, &kHome,
                            &kForget,  &kWhy,    &kStack,    &kFiles,  &kLog,     &kPin,
                            &kUnpin,   &kLevel,  &kBlock,    &kAccept, &kDrain,   &kStatus,
                            &kCleanup, &kDoctor, &kStrategy, &kHistory};

constexpr char kExamples[] =
    R"(Ask and tell llrun.

  llrunctl ps                what is running, and where
  llrunctl why 4711          what holds process 4711 here, and what would change that
  llrunctl migrate 4711 b    move it to node b
  llrunctl home 4711         bring it home
  llrunctl log -f            what happens, as it happens

Usage: llrunctl [OPTION]… VERB [ARGUMENT]…

)";

po::options_description shown_options() {
  po::options_description shown("Options");
  shown.add_options()("json", "one JSON object a line")("name", po::value<std::string>(),
                                                        "the agent of this name on this machine")(
      "help", "show this")("version", "show the version");
  return shown;
}

po::options_description all_options() {
  auto all = shown_options();
  all.add_options()("all", "")("watch", "")("explain", "")("undo", "")("yes", "")("follow,f", "")(
      "lines,n", po::value<std::size_t>(), "")("words", po::value<std::vector<std::string>>(), "");
  return all;
}

void print_help() {
  std::cout << kExamples;
  for (const auto* verb : kVerbs) {
    const auto call = std::string(verb->name) + " " + verb->arguments;
    std::printf("  %-22s %s\n", call.c_str(), verb->summary);
  }
  std::fflush(stdout);
  std::cout << '\n'
            << shown_options()
            << "\nExit status: 0 done, 1 refused, 2 usage, 3 no such process, 4 unreachable.\n";
}

int usage(const std::string& words) {
  std::fprintf(stderr, "llrunctl: %s\nTry 'llrunctl --help'.\n", words.c_str());
  return kUsage;
}

bool takes(const Verb& verb, const std::string& flag) {
  std::istringstream flags(verb.flags);
  for (std::string one; flags >> one;)
    if (one == flag) return true;
  return false;
}

// What is wrong with how the verb was called; empty: nothing.
std::string misuse(const Verb& verb, const po::variables_map& values, std::size_t words) {
  for (const auto* flag : {"all", "watch", "explain", "undo", "yes", "follow", "lines"})
    if (values.contains(flag) && !takes(verb, flag))
      return std::string(verb.name) + " does not take --" + flag;
  if (words < verb.min_words || words > verb.max_words)
    return std::string("usage: llrunctl ") + verb.name + " " + verb.arguments;
  return "";
}

int run(const Verb& verb, const po::variables_map& values, const std::vector<std::string>& words) {
  if (const auto problem = misuse(verb, values, words.size()); !problem.empty())
    return usage(problem);
  Session session;
  session.json = values.contains("json");
  for (const auto* flag : {"all", "watch", "explain", "undo", "yes", "follow"})
    if (values.contains(flag)) session.flags.insert(flag);
  if (values.contains("lines")) session.lines = values["lines"].as<std::size_t>();
  config::Options options;
  if (values.contains("name")) options.emplace_back("name", values["name"].as<std::string>());
  const auto config = config::load(options);
  if (!config) return session.fail(kUsage, config.error().message());
  session.node = config->name;
  return verb.run(session, words);
}

int dispatch(const po::variables_map& values) {
  if (values.contains("help")) return print_help(), kDone;
  if (values.contains("version")) return std::puts("llrunctl " LLRUN_VERSION), kDone;
  if (!values.contains("words")) return usage("say what you want to know or to be done");
  auto words = values["words"].as<std::vector<std::string>>();
  const auto name = words.front();
  words.erase(words.begin());
  for (const auto* verb : kVerbs)
    if (name == verb->name) return run(*verb, values, words);
  return usage("there is no verb \"" + name + "\"");
}

int main(int argc, char** argv) {
  protobuf_complains_to(nullptr);  // that an answer cannot be read is said in our words
  const auto described = all_options();
  po::positional_options_description positional;
  positional.add("words", -1);
  po::variables_map values;
  try {
    po::store(po::command_line_parser(argc, argv).options(described).positional(positional).run(),
              values);
    po::notify(values);
  } catch (const po::error& problem) {
    return usage(problem.what());
  }
  return dispatch(values);
}

}  // namespace
}  // namespace llrun::ctl

int main(int argc, char** argv) { return llrun::ctl::main(argc, argv); }
