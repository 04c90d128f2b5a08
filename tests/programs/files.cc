// Open files keep offset, flags and sharing; a file without a name keeps its contents; directories
// go on listing.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <set>

#include "tests/programs/steps.h"

namespace {

struct Files {
  Files() {
    plain = ::open("files.plain", O_RDWR | O_CREAT | O_TRUNC, 0640);
    appended = ::open("files.appended", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    nameless = ::open("files.nameless", O_RDWR | O_CREAT | O_TRUNC, 0600);
    ::unlink("files.nameless");
    duplicate = ::dup(plain);
    high = ::fcntl(plain, F_DUPFD_CLOEXEC, 300);
    again = ::open("files.plain", O_RDONLY | O_NOFOLLOW);
    null = ::open("/dev/null", O_RDWR);
    steps::check(plain >= 0 && appended >= 0 && nameless >= 0 && again >= 0 && null >= 0,
                 "opening files");
  }
  int plain, appended, nameless, duplicate, high, again, null;
};

void check_flags(const Files& files) {
  steps::check((::fcntl(files.again, F_GETFL) & O_NOFOLLOW) != 0,
               "that no link was to be followed");
  steps::check((::fcntl(files.appended, F_GETFL) & (O_APPEND | O_ACCMODE)) == (O_APPEND | O_WRONLY),
               "O_APPEND");
  steps::check(::fcntl(files.appended, F_GETFD) == FD_CLOEXEC &&
                   ::fcntl(files.high, F_GETFD) == FD_CLOEXEC && ::fcntl(files.plain, F_GETFD) == 0,
               "close-on-exec flags");
  steps::check(files.high == 300, "a chosen descriptor number");
}

// Writes a record and reads it back in every way there is; the three descriptors of one description
// share an offset.
void exercise_plain(const Files& files, int step) {
  char record[32] = "", back[32] = "";
  std::snprintf(record, sizeof record, "record %022d\n", step);
  steps::check(::write(step % 2 != 0 ? files.plain : files.duplicate, record, 30) == 30, "writing");
  const off_t expected = 30L * step;
  for (const int fd : {files.plain, files.duplicate, files.high})
    steps::check(::lseek(fd, 0, SEEK_CUR) == expected, "the offset of descriptor %d is %ld", fd,
                 static_cast<long>(::lseek(fd, 0, SEEK_CUR)));
  steps::check(
      ::pread(files.plain, back, 30, expected - 30) == 30 && std::memcmp(record, back, 30) == 0,
      "pread");
  std::memset(back, 0, sizeof back);
  steps::check(::read(files.again, back, 30) == 30 && std::memcmp(record, back, 30) == 0,
               "reading through another description");
}

void exercise_appended(const Files& files, int step) {
  char line[16];
  const int length = std::snprintf(line, sizeof line, "%d\n", step);
  steps::check(::write(files.appended, line, static_cast<std::size_t>(length)) == length,
               "appending");
}

void exercise_nameless(const Files& files, int step) {
  struct stat status {};
  ::fstat(files.nameless, &status);
  steps::check(status.st_nlink == 0 && status.st_size == 4L * (step - 1),
               "a file without a name: %ld links, %ld bytes", static_cast<long>(status.st_nlink),
               static_cast<long>(status.st_size));
  steps::check(::pwrite(files.nameless, &step, 4, 4L * (step - 1)) == 4, "writing it");
  int back = 0;
  const int which = 1 + step / 2;
  steps::check(::pread(files.nameless, &back, 4, 4L * (which - 1)) == 4 && back == which,
               "reading it");
}

// What was appended, counted at the end: nothing lost, nothing twice.
void check_appended() {
  std::string expected;
  for (int step = 1; step <= steps::number(); ++step) expected += std::to_string(step) + "\n";
  steps::check(steps::slurp("files.appended") == expected, "what was appended in all steps");
}

// Files that were made on whatever node it was, and what their descriptions showed then.
class Made {
 public:
  void exercise(int step) {
    const std::string name = "files.made." + std::to_string(step);
    const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_APPEND, 0600);
    steps::check(fd >= 0, "making a file");
    all_[fd] = ::fcntl(fd, F_GETFL);
    if (all_.size() > 8) ::close(all_.extract(all_.begin()).key());
    for (const auto& [made, flags] : all_)
      steps::check(::fcntl(made, F_GETFL) == flags,
                   "the flags of a file that was made are %x, not %x",
                   static_cast<unsigned>(::fcntl(made, F_GETFL)), static_cast<unsigned>(flags));
  }

 private:
  std::map<int, int> all_;
};

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  const Files files;
  Made made;
  while (steps::next()) {
    steps::work(5);
    exercise_plain(files, steps::number());
    exercise_appended(files, steps::number());
    exercise_nameless(files, steps::number());
    check_flags(files);
    made.exercise(steps::number());
    steps::check(::write(files.null, "x", 1) == 1, "/dev/null");
  }
  check_appended();
  return steps::finish();
}
