// Direct I/O: what a guest reads and writes with O_DIRECT is so done at home, too, with what home's
// filesystem has to say about lengths and offsets.
//
// The bytes of a frame lie anywhere; such I/O wants them aligned. How the guest's own buffer lies,
// no request tells.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>

#include "netproxy/homefs/descriptions.h"

namespace llrun::homefs {

// Whether the description is so at this moment: the program may switch it by fcntl(2).
[[nodiscard]] bool is_direct(int fd);
// Make it as the guest has it, whose `flags` come with each request. One that is shared with others
// at home is switched by a home call instead.
void follow_guest(const Description& description, int flags);

// `work` reads into, or writes out of, an aligned copy of the `size` bytes at `data`. Its result,
// -1 with errno where there is no memory.
[[nodiscard]] ssize_t through_aligned(void* data, std::size_t size, bool reads,
                                      const std::function<ssize_t(void* aligned)>& work);

// Pages of the guest's cache are written whole and where they belong, whatever the description does
// otherwise (O_APPEND, O_DIRECT).
[[nodiscard]] ssize_t write_page(Description& description, const void* data, std::size_t size,
                                 off_t offset);
// The same for reading them.
[[nodiscard]] ssize_t read_page(Description& description, void* data, std::size_t size,
                                off_t offset);

}  // namespace llrun::homefs
