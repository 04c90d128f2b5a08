// Mappings of a file that has lost its name are mappings of that file still: what is written to it
// later shows in them, but for pages that the program has written to itself.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "tests/programs/steps.h"

namespace {

constexpr long kPage = 4096;
constexpr std::size_t kSize = 4 * kPage;

struct Nameless {
  Nameless() {
    file = ::open("nameless.file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    steps::check(file >= 0 && ::ftruncate(file, kSize) == 0, "making the file");
    own = map(PROT_READ | PROT_WRITE, MAP_PRIVATE, file);
    read_only = map(PROT_READ, MAP_PRIVATE, file);
    const int reading = ::open("nameless.file", O_RDONLY);  // what might be written to would pin
    steps::check(reading >= 0, "opening the file again");
    shared = map(PROT_READ, MAP_SHARED, reading);
    ::close(reading);
    std::strcpy(own, "written by the program");
    ::unlink("nameless.file");
  }
  static char* map(int protection, int flags, int from) {
    void* const at = ::mmap(nullptr, kSize, protection, flags, from, 0);
    steps::check(at != MAP_FAILED, "mapping it");
    return static_cast<char*>(at);
  }
  int file;
  char *own, *read_only, *shared;
};

int at(const char* mapping, long offset) {
  int value = 0;
  std::memcpy(&value, mapping + offset, sizeof value);
  return value;
}

void exercise(const Nameless& it, int step) {
  const int value = step * 7919;
  for (const long page : {0L, 2L})
    steps::check(::pwrite(it.file, &value, sizeof value, page * kPage + 64) == sizeof value,
                 "writing to the file");
  steps::check(at(it.own, 2 * kPage + 64) == value, "a private page shows %d instead of %d",
               at(it.own, 2 * kPage + 64), value);
  for (const long page : {0L, 2L}) {
    steps::check(at(it.read_only, page * kPage + 64) == value,
                 "a page that is only read shows %d instead of %d",
                 at(it.read_only, page * kPage + 64), value);
    steps::check(at(it.shared, page * kPage + 64) == value, "a shared page shows %d instead of %d",
                 at(it.shared, page * kPage + 64), value);
  }
  steps::check(std::strcmp(it.own, "written by the program") == 0 && at(it.own, 64) == 0,
               "a page of its own shows what was written to the file");
}

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  const Nameless it;
  while (steps::next()) {
    steps::work(7);
    exercise(it, steps::number());
  }
  return steps::finish();
}
