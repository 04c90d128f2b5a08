// Making, renaming, linking, changing and listing files works on home's files wherever the program
// is.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <set>
#include <string>

#include "tests/programs/steps.h"

namespace {

std::set<std::string> names_in(const char* path) {
  std::set<std::string> names;
  DIR* directory = ::opendir(path);
  if (directory == nullptr) return names;
  while (const dirent* entry = ::readdir(directory)) names.insert(entry->d_name);
  ::closedir(directory);
  return names;
}

void write_file(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0666);
  steps::check(
      fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()),
      "making %s", path.c_str());
  ::close(fd);
}

void check_changes(const std::string& path) {
  struct stat status {};
  steps::check(::chmod(path.c_str(), 0741) == 0 && ::stat(path.c_str(), &status) == 0 &&
                   (status.st_mode & 07777) == 0741,
               "the mode is %o", status.st_mode);
  const timespec times[2] = {{1000, 5}, {2000, 7}};
  steps::check(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0 &&
                   ::stat(path.c_str(), &status) == 0 && status.st_mtim.tv_sec == 2000,
               "the modification time");
  steps::check(status.st_uid == ::getuid() && status.st_gid == ::getgid(), "the owner is %u:%u",
               status.st_uid, status.st_gid);
  steps::check(::truncate(path.c_str(), 3) == 0 && steps::slurp(path.c_str()) == "tex",
               "truncating");
}

void one_life(int step) {
  const std::string base = "directory." + std::to_string(step);
  steps::check(::mkdir(base.c_str(), 0700) == 0, "mkdir: errno %d", errno);
  write_file(base + "/a", "text");
  steps::check(::rename((base + "/a").c_str(), (base + "/b").c_str()) == 0, "rename");
  steps::check(::symlink("b", (base + "/c").c_str()) == 0 &&
                   ::link((base + "/b").c_str(), (base + "/d").c_str()) == 0,
               "links");
  steps::check(names_in(base.c_str()) == std::set<std::string>{".", "..", "b", "c", "d"},
               "the listing");
  char target[8] = "";
  steps::check(::readlink((base + "/c").c_str(), target, 7) == 1 && target[0] == 'b', "readlink");
  check_changes(base + "/c");
  steps::check(::rmdir(base.c_str()) == -1 && errno == ENOTEMPTY,
               "removing a full directory: errno %d", errno);
  for (const char* name : {"/b", "/c", "/d"}) ::unlink((base + name).c_str());
  steps::check(::rmdir(base.c_str()) == 0, "rmdir");
  steps::check(::open((base + "/b").c_str(), O_RDONLY) == -1 && errno == ENOENT,
               "a removed file: errno %d", errno);
}

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  ::umask(022);
  while (steps::next()) {
    steps::work(6);
    one_life(steps::number());
    steps::check(::open("/etc/shadow", O_RDONLY) == -1 && errno == EACCES,
                 "somebody else's file: errno %d", errno);
  }
  return steps::finish();
}
