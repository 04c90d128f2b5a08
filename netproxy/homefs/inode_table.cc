#include "netproxy/homefs/inode_table.h"

#include <algorithm>

namespace llrun::homefs {

void InodeTable::set_root(Fd path, const struct stat& attributes) {
  const std::lock_guard lock(mutex_);
  insert(std::move(path), attributes)->lookups = 1;  // never forgotten
}

InodeRef InodeTable::insert(Fd path, const struct stat& attributes) {
  auto inode = std::make_shared<Inode>();
  inode->key = key_of(attributes);
  inode->node = next_node_++;
  inode->path = std::move(path);
  inode->type = attributes.st_mode & S_IFMT;
  by_node_.emplace(inode->node, inode);
  by_key_.emplace(inode->key, inode);
  return inode;
}

InodeRef InodeTable::find(std::uint64_t node) const {
  const std::lock_guard lock(mutex_);
  const auto at = by_node_.find(node);
  return at == by_node_.end() ? nullptr : at->second;
}

InodeRef InodeTable::find(const FileKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto at = by_key_.find(key);
  return at == by_key_.end() ? nullptr : at->second;
}

InodeRef InodeTable::remember(Fd path, const struct stat& attributes) {
  Fd unused;  // closed after the lock is gone
  const std::lock_guard lock(mutex_);
  const auto at = by_key_.find(key_of(attributes));
  InodeRef inode;
  if (at == by_key_.end()) {
    inode = insert(std::move(path), attributes);
  } else {
    inode = at->second;
    unused = std::move(path);
  }
  ++inode->lookups;
  return inode;
}

void InodeTable::forget(std::uint64_t node, std::uint64_t lookups) {
  InodeRef last;  // likewise
  const std::lock_guard lock(mutex_);
  const auto at = by_node_.find(node);
  if (at == by_node_.end() || node == kRoot) return;
  at->second->lookups -= std::min(lookups, at->second->lookups);
  if (at->second->lookups != 0) return;
  last = std::move(at->second);
  by_key_.erase(last->key);
  by_node_.erase(at);
}

std::vector<InodeRef> InodeTable::idle_files(std::size_t count) {
  constexpr long kTableOnly = 2;  // references: by_node_ and by_key_
  std::vector<InodeRef> found;
  const std::lock_guard lock(mutex_);
  for (std::size_t steps = 0; steps < 16 * count && found.size() < count; ++steps) {
    if (++idle_cursor_ >= next_node_) idle_cursor_ = kRoot + 1;
    const auto at = by_node_.find(idle_cursor_);
    if (at != by_node_.end() && (S_ISREG(at->second->type) || S_ISLNK(at->second->type)) &&
        at->second.use_count() == kTableOnly)
      found.push_back(at->second);
  }
  return found;
}

std::size_t InodeTable::size() const {
  const std::lock_guard lock(mutex_);
  return by_node_.size();
}

}  // namespace llrun::homefs
