// Columns for people: as wide as their widest cell, numbers to the right. And numbers as people
// write them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace llrun::ctl {

class Table {
 public:
  // A column whose name begins with '>' is set to the right.
  explicit Table(std::vector<std::string> columns);
  void add(std::vector<std::string> cells);
  void print() const;  // the last column is not padded

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<std::string>> rows_;
};

[[nodiscard]] std::string human_time(
    std::uint64_t milliseconds);  // "0.5s", "12s", "3:05", "2:10:00"
[[nodiscard]] std::string human_size(
    std::uint64_t bytes);  // MiB, as everywhere: "12 MiB", "1.5 GiB"
[[nodiscard]] std::string number(double value, int decimals = 2);

}  // namespace llrun::ctl
