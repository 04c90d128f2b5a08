#include "netproxy/homefs/file_uses.h"

namespace llrun::homefs {
namespace {

FileUses::Row row_of(const std::string& path, const FileUse& use) {
  return {path, use.opened.load(), use.refused.load(), use.read.load(), use.written.load()};
}

}  // namespace

FileUseRef FileUses::of(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (const auto known = all_.find(path); known != all_.end()) return known->second;
  FileUseRef& use = all_.size() < kMost ? all_[path] : others_;
  if (!use) use = std::make_shared<FileUse>();
  return use;
}

std::vector<FileUses::Row> FileUses::rows() const {
  const std::lock_guard lock(mutex_);
  std::vector<Row> rows;
  rows.reserve(all_.size() + 1);
  for (const auto& [path, use] : all_) rows.push_back(row_of(path, *use));
  if (others_) rows.push_back(row_of("", *others_));
  return rows;
}

}  // namespace llrun::homefs
