#pragma once

#include <string>

namespace llrun::test {

// The smallest 32-bit program: write(1, ".", 1) and pause() for ever, by int 0x80.
inline std::string tiny_32_bit_program() {
  const unsigned char bytes[] = {
      0x7f, 'E',  'L',  'F',  1,    1,    1,    0,    0,    0,
      0,    0,    0,    0,    0,    0,  // ELFCLASS32
      2,    0,    3,    0,    1,    0,    0,    0,    0x54, 0x80,
      0x04, 0x08, 52,   0,    0,    0,  // EXEC, i386, entry
      0,    0,    0,    0,    0,    0,    0,    0,    52,   0,
      32,   0,    1,    0,    0,    0,    0,    0,    0,    0,  //
      1,    0,    0,    0,    0,    0,    0,    0,    0,    0x80,
      0x04, 0x08, 0,    0x80, 0x04, 0x08,  // LOAD at 0x08048000
      0x80, 0,    0,    0,    0x80, 0,    0,    0,    5,    0,
      0,    0,    0,    0x10, 0,    0,  //
      0xb8, 4,    0,    0,    0,    0xbb, 1,    0,    0,    0,
      0xb9, 1,    0x80, 0x04, 0x08,                           // write(1, 0x08048001,
      0xba, 1,    0,    0,    0,    0xcd, 0x80,               //       1)
      0xb8, 29,   0,    0,    0,    0xcd, 0x80, 0xeb, 0xf7};  // pause(), again
  std::string program(reinterpret_cast<const char*>(bytes), sizeof bytes);
  program.resize(0x80, '\0');
  return program;
}

}  // namespace llrun::test
