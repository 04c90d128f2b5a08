// FileUses: which of home's files a guest has opened, and how much of them it has read and written.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace llrun::homefs {

struct FileUse {
  std::atomic<std::uint64_t> opened = 0;
  std::atomic<std::uint64_t> refused = 0;  // requests for what is kept back (kept_back.h)
  std::atomic<std::uint64_t> read = 0;     // bytes given out; what is read again there costs none
  std::atomic<std::uint64_t> written = 0;  // bytes
};
using FileUseRef = std::shared_ptr<FileUse>;

// Of one program, over all its journeys. Thread-safe.
class FileUses {
 public:
  static constexpr std::size_t kMost = 4096;  // files told apart

  // `path`: what it was opened as, or where it lay. Of further files one that stands for all.
  [[nodiscard]] FileUseRef of(const std::string& path);
  struct Row {
    std::string path;  // empty: all that were too many to be told apart
    std::uint64_t opened, refused, read, written;
  };
  [[nodiscard]] std::vector<Row> rows() const;  // by path

 private:
  mutable std::mutex mutex_;
  std::map<std::string, FileUseRef> all_;
  FileUseRef others_;
};

}  // namespace llrun::homefs
