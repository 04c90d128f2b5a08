// What a test asks of a program inside a world, a line a question over /ask, an answer over
// /answer.
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

std::string slurp(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  std::string line = text.str();
  for (char& c : line)
    if (c == '\n' || c == '\0') c = '|';
  return line;
}

std::string names_in(const std::string& path) {
  std::vector<std::string> names;
  if (DIR* directory = ::opendir(path.c_str())) {
    while (const dirent* entry = ::readdir(directory))
      if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    ::closedir(directory);
  }
  std::sort(names.begin(), names.end());
  std::string all;
  for (const auto& name : names) all += name + " ";
  return all;
}

std::string outcome(bool good) { return good ? "ok" : std::strerror(errno); }

std::string ids(const std::string&) {
  std::ostringstream text;
  text << getpid() << ' ' << getppid() << ' ' << getsid(0) << ' ' << getpgrp() << ' ' << gettid();
  return text.str();
}

std::string users(const std::string&) {
  std::ostringstream text;
  text << getuid() << ' ' << geteuid() << ' ' << getgid() << ' ' << getegid();
  gid_t groups[64];
  const int count = getgroups(64, groups);
  for (int i = 0; i < count; ++i) text << ' ' << groups[i];
  return text.str();
}

std::string clocks(const std::string&) {
  std::ostringstream text;
  for (const clockid_t clock : {CLOCK_MONOTONIC, CLOCK_BOOTTIME}) {
    timespec now{};
    clock_gettime(clock, &now);
    text << now.tv_sec * 1'000'000'000LL + now.tv_nsec << ' ';
  }
  return text.str();
}

std::string host(const std::string&) {
  utsname names{};
  uname(&names);
  return std::string(names.nodename) + " " + names.domainname;
}

std::string thread_id(const std::string&) {
  std::atomic<pid_t> id{0};
  std::thread([&] { id = gettid(); }).join();
  return std::to_string(id.load());
}

std::string child_id(const std::string&) {
  const pid_t pid = fork();
  if (pid == 0) _exit(0);
  return std::to_string(pid);
}

std::string drop(const std::string&) {
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2]{};
  return outcome(syscall(SYS_capset, &header, none) == 0);
}

// How many it can have, of so many, with the limit of its own that it may set.
std::string timers(const std::string& most) {
  rlimit limit{};
  getrlimit(RLIMIT_SIGPENDING, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_SIGPENDING, &limit);
  int made = 0;
  for (timer_t timer{}; made < std::atoi(most.c_str()); ++made)
    if (timer_create(CLOCK_MONOTONIC, nullptr, &timer) != 0) break;
  return std::to_string(made);
}

std::string host_name_change(const std::string& name) {
  return outcome(sethostname(name.data(), name.size()) == 0);
}

int terminal = -1;
std::string open_terminal(const std::string& path) {
  terminal = open(path.c_str(), O_RDWR);
  if (terminal < 0) return std::strerror(errno);
  termios modes{};
  tcgetattr(terminal, &modes);
  std::ostringstream text;
  text << ttyname(terminal) << ' ' << isatty(terminal) << ' ' << tcgetsid(terminal) << ' '
       << tcgetpgrp(terminal) << ' '
       << ((modes.c_lflag & (ECHO | ISIG | ICANON)) == 0 && (modes.c_oflag & OPOST) == 0);
  return text.str();
}
std::string write_terminal(const std::string& what) {
  return outcome(write(terminal, what.data(), what.size()) == static_cast<ssize_t>(what.size()));
}
std::string read_terminal(const std::string&) {
  char text[256];
  const ssize_t count = read(terminal, text, sizeof text);
  return count < 0 ? std::strerror(errno) : std::string(text, static_cast<std::size_t>(count));
}
std::string tty(const std::string&) {
  const int fd = open("/dev/tty", O_RDWR);
  const std::string result = outcome(fd >= 0);
  if (fd >= 0) close(fd);
  return result;
}

// Both ends of a connection between any two addresses are here.
std::string connect_to(const std::string& address) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(2222);
  inet_pton(AF_INET, address.c_str(), &name.sin_addr);
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0 ||
      listen(listener, 1) != 0)
    return std::strerror(errno);
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  const std::string result =
      outcome(connect(client, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
  close(client);
  close(listener);
  return result;
}

std::string interfaces(const std::string&) {
  std::string all;
  if (auto* list = if_nameindex()) {
    for (auto* entry = list; entry->if_index != 0; ++entry)
      all += std::string(entry->if_name) + " ";
    if_freenameindex(list);
  }
  return all;
}

std::string kill_it(const std::string& text) {
  return outcome(kill(std::atoi(text.c_str()), 0) == 0);
}

std::string open_it(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY);
  const std::string result = outcome(fd >= 0);
  if (fd >= 0) close(fd);
  return result;
}

std::string create(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT, 0644);
  const std::string result = outcome(fd >= 0);
  if (fd >= 0) close(fd);
  return result;
}

std::string owner(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::strerror(errno);
  return std::to_string(status.st_uid) + " " + std::to_string(status.st_gid);
}

const std::map<std::string, std::function<std::string(const std::string&)>> kQuestions{
    {"ids", ids},
    {"users", users},
    {"clocks", clocks},
    {"host", host},
    {"thread", thread_id},
    {"child", child_id},
    {"drop", drop},
    {"timers", timers},
    {"sethost", host_name_change},
    {"terminal", open_terminal},
    {"write", write_terminal},
    {"read", read_terminal},
    {"tty", tty},
    {"connect", connect_to},
    {"interfaces", interfaces},
    {"kill", kill_it},
    {"slurp", slurp},
    {"list", names_in},
    {"open", open_it},
    {"create", create},
    {"owner", owner},
};

}  // namespace

int main() {
  const int ask = open("/ask", O_RDONLY);
  const int answer = open("/answer", O_WRONLY);
  FILE* questions = fdopen(ask, "r");
  char line[4096];
  while (std::fgets(line, sizeof line, questions) != nullptr) {
    std::string question(line);
    question.pop_back();
    const auto space = question.find(' ');
    const auto found = kQuestions.find(question.substr(0, space));
    const std::string argument = space == std::string::npos ? "" : question.substr(space + 1);
    const std::string text =
        (found == kQuestions.end() ? "no such question" : found->second(argument)) + "\n";
    if (write(answer, text.data(), text.size()) < 0) return 1;
  }
  return 7;
}
