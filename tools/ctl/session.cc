#include "tools/ctl/session.h"

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

// Words may quote what a program or another node said, in whatever bytes; JSON is UTF-8.
void put(const nlohmann::ordered_json& object) {
  std::puts(object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
}

}  // namespace

Result<> Session::connect(bool start) {
  if (client_) return {};
  LLRUN_TRY_ASSIGN(client_, control::ControlClient::connect(node, start));
  return {};
}

int Session::fail(ExitStatus status, const std::string& words) const {
  std::fprintf(stderr, "llrunctl: %s\n", words.c_str());
  if (json) put({{"schema", kSchema}, {"status", static_cast<int>(status)}, {"error", words}});
  return status;
}

void Session::print(const protocol::Answer& answer) const {
  const auto& text = answer.text();
  if (json && !answer.json().empty()) {
    std::puts(answer.json().c_str());
  } else if (json && !text.empty()) {
    put({{"schema", kSchema}, {"text", text}});
  } else if (!json && !text.empty()) {
    std::puts(text.c_str());
  }
}

int Session::ask(const protocol::ControlMessage& question, const OnRow& on_row, bool start) {
  if (const auto connected = connect(start); !connected) {
    if (!start) return fail(kUnreachable, "no agent runs for node " + node);
    return fail(kUnreachable, connected.error().message());
  }
  const auto answer = client_->ask(question, on_row);
  if (!answer)
    return fail(kUnreachable, "the agent ended before it answered: " + answer.error().message());
  if (answer->status() == protocol::Answer::STATUS_DONE) return print(*answer), kDone;
  return fail(static_cast<ExitStatus>(answer->status()), answer->text());
}

int process_of(Session& session, const std::string& word) {
  char* end = nullptr;
  const long pid = std::strtol(word.c_str(), &end, 10);
  if (*end == 0 && pid > 0 && pid < (1L << 30)) return static_cast<int>(pid);
  session.fail(kUsage, "\"" + word + "\" is not the number of a process");
  return 0;
}

int ask_about(Session& session, const std::string& word,
              const std::function<void(protocol::ControlMessage&, int pid)>& fill,
              const Session::OnRow& on_row) {
  const int pid = process_of(session, word);
  if (pid == 0) return kUsage;
  protocol::ControlMessage question;
  fill(question, pid);
  return session.ask(question, on_row);
}

}  // namespace llrun::ctl
