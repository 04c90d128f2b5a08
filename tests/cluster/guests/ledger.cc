// A program whose effects show if they are lost or doubled: for each line "N" on standard input it
// appends the line to FILE, then writes it to standard output. It knows the number that must come
// next and says so when another does. Ends with 7 at the end of file.
//
// usage: ledger FILE
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

// Byte by byte, as a shell reads: what it has not asked for stays in the pipe.
bool read_line(char* line, int size) {
  for (int length = 0; length < size - 1; ++length) {
    const ssize_t count = ::read(STDIN_FILENO, line + length, 1);
    if (count < 0) std::_Exit(3);
    if (count == 0) return false;
    if (line[length] != '\n') continue;
    line[length + 1] = '\0';
    return true;
  }
  return false;
}

void write_line(int fd, const char* line) {
  const auto length = static_cast<ssize_t>(std::strlen(line));
  if (::write(fd, line, static_cast<std::size_t>(length)) != length) std::_Exit(4);
}

// Something to do between two lines, whose result depends on all of memory that has travelled.
unsigned compute(unsigned seed) {
  static unsigned memory[16384];
  for (unsigned round = 0; round < 20; ++round)
    for (unsigned& word : memory) word = seed = seed * 1664525 + word + 1013904223;
  return seed;
}

}  // namespace

int main(int argc, char** argv) {
  const int file =
      argc == 2 ? ::open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
  if (file < 0) return 2;
  char line[64], expected[64];
  unsigned value = 1;
  for (int next = 1; read_line(line, sizeof line); ++next) {
    std::snprintf(expected, sizeof expected, "%d\n", next);
    if (std::strcmp(line, expected) != 0) return 5;
    value = compute(value);
    write_line(file, line);
    write_line(STDOUT_FILENO, line);
  }
  std::snprintf(line, sizeof line, "sum %u\n", value);
  write_line(STDOUT_FILENO, line);
  return 7;
}
