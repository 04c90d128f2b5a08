#include "supervisor/agent/event_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <sstream>

#include "base/bytes.h"
#include "base/fd.h"

namespace llrun::agent {
namespace {

std::string time_now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm local{};
  ::localtime_r(&now.tv_sec, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &local);
  return fmt::format("{}.{:03}", text, now.tv_nsec / 1'000'000);
}

// One event, one line: what a program or a peer put into a message must not look like another
// event.
std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return text;
}

}  // namespace

void EventLog::add(const std::string& who, const std::string& text) {
  const auto line = time_now() + " " + one_line(who) + ": " + one_line(text);
  append(line);
  if (to_stderr_) std::fprintf(stderr, "%s\n", line.c_str());
  std::erase_if(followers_, [&](const Follower& follower) { return !follower(line); });
}

// Opened for each line: another agent or a launcher may have turned the file over meanwhile.
void EventLog::append(const std::string& line) {
  if (file_.empty()) return;
  const auto file = open_file(file_, O_WRONLY | O_APPEND | O_CREAT, 0600);
  // A full disk or a lost directory must not stop the agent, and there is nobody else to tell.
  if (!file) return;
  (void)write_all(file->get(), bytes_of(std::string_view(line + "\n")));
  struct stat status {};
  if (::fstat(file->get(), &status) == 0 && static_cast<std::size_t>(status.st_size) > kMaxBytes)
    std::rename(file_.c_str(), (file_ + ".1").c_str());
}

Result<std::vector<std::string>> last_lines(const std::string& file, std::size_t count) {
  LLRUN_TRY_ASSIGN(const auto text, read_whole_file(file));
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  if (lines.size() > count)
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
  return lines;
}

}  // namespace llrun::agent
