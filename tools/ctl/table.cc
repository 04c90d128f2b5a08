#include "tools/ctl/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/bytes.h"

namespace llrun::ctl {
namespace {

// Columns on the screen: characters, not the bytes of UTF-8.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string padded(const std::string& cell, std::size_t width, bool right) {
  const std::string blanks(width - std::min(width, width_of(cell)), ' ');
  return right ? blanks + cell : cell + blanks;
}

}  // namespace

Table::Table(std::vector<std::string> columns) : columns_(std::move(columns)) {}

void Table::add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

void Table::print() const {
  std::vector<std::size_t> widths;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    names.push_back(columns_[i].starts_with('>') ? columns_[i].substr(1) : columns_[i]);
    widths.push_back(names.back().size());
    for (const auto& row : rows_) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const bool last = i + 1 == cells.size();
      const bool right = columns_[i].starts_with('>');
      text += last && !right ? cells[i] : padded(cells[i], widths[i], right) + (last ? "" : "  ");
    }
    std::puts(text.c_str());
  };
  line(names);
  for (const auto& row : rows_) line(row);
}

std::string human_time(std::uint64_t milliseconds) {
  const auto seconds = milliseconds / 1000;
  if (seconds < 10) return fmt::format("{:.1f}s", static_cast<double>(milliseconds) / 1000);
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
  return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string human_size(std::uint64_t bytes) { return human_bytes(bytes); }

std::string number(double value, int decimals) { return fmt::format("{:.{}f}", value, decimals); }

}  // namespace llrun::ctl
