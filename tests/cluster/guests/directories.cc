// Holds directories open, in each way that a program can, and looks after every SIGUSR1 whether
// they are what they were. SIGTERM: makes one call that only home can do, and ends.
//
// usage: directories fork|exec|socket|flock|memfd|thread      in a directory with d/00 … d/39 and
// d/gone
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>

namespace {

constexpr int kEntries = 40;
constexpr int kAtOnce = 4;

void must(bool holds, const char* what) {
  if (holds) return;
  std::printf("FAIL %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

class Directories {
 public:
  Directories()
      : root_(::open("/", O_RDONLY)),
        here_(::open(".", O_RDONLY | O_DIRECTORY)),
        twin_(::dup(here_)),
        gone_(::open("d/gone", O_RDONLY | O_DIRECTORY)),
        listed_(::opendir("d")) {
    must(root_ >= 0 && here_ >= 0 && twin_ >= 0 && gone_ >= 0 && listed_ != nullptr, "open");
  }

  void look() {
    struct stat status {};
    struct stat by_name {};
    must(::fstat(root_, &status) == 0 && ::stat("/", &by_name) == 0 &&
             status.st_ino == by_name.st_ino,
         "the root");
    must(::fstatat(here_, "d", &status, 0) == 0 && S_ISDIR(status.st_mode), "fstatat");
    const int file = ::openat(twin_, "d/00", O_RDONLY);
    must(file >= 0 && ::close(file) == 0, "openat");
    // One description: what one number reads, the other has read.
    must(::lseek(here_, 0, SEEK_CUR) == ::lseek(twin_, 0, SEEK_CUR), "a duplicate's position");
    must(::fstat(gone_, &status) == 0 && S_ISDIR(status.st_mode), "a removed directory");
    for (int i = 0; i < kAtOnce; ++i) read_on();
  }

  void read_to_the_end() {
    while (read_on()) {
    }
    must(seen_.size() == kEntries, "all entries, each once");
  }

 private:
  bool read_on() {
    const dirent* entry = ::readdir(listed_);
    if (entry == nullptr) return false;
    const std::string name = entry->d_name;
    if (name == "." || name == ".." || name == "gone") return true;
    must(seen_.insert(name).second, "an entry twice");
    return true;
  }

  int root_, here_, twin_, gone_;
  DIR* listed_;
  std::set<std::string> seen_;
};

int make_child() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  return child < 0 ? -1 : ::waitpid(child, nullptr, 0);
}

int call(const std::string& what) {
  if (what == "fork") return make_child();
  if (what == "exec") return ::execl("/bin/echo", "echo", "exec ok", nullptr);
  if (what == "socket") return ::socket(AF_UNIX, SOCK_STREAM, 0);
  if (what == "flock") return ::flock(::open("lock", O_RDWR | O_CREAT, 0600), LOCK_EX);
  if (what == "memfd") return ::memfd_create("m", 0);
  return -1;
}

}  // namespace

int main(int count, char** words) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  sigset_t wanted;
  ::sigemptyset(&wanted);
  ::sigaddset(&wanted, SIGUSR1);
  ::sigaddset(&wanted, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
  Directories directories;
  std::puts("ready");
  int number = 0;
  while (::sigwait(&wanted, &number) == 0 && number != SIGTERM) {
    directories.look();
    std::puts("same");
  }
  directories.read_to_the_end();
  const std::string what = count > 1 ? words[1] : "";
  if (call(what) < 0) {
    std::printf("%s: %s\n", what.c_str(), std::strerror(errno));
    return 1;
  }
  std::printf("%s ok\n", what.c_str());
  return 0;
}
