#include "netproxy/homefs/descriptions.h"

#include <fcntl.h>

#include <algorithm>

namespace llrun::homefs {

void Description::attach(const InodeRef& file) {
  inode = file;
  if (S_ISDIR(file->type)) directory = std::make_unique<DirectoryReader>(fd.get());
  if (home_offset) ++inode->home_offsets;
  open.store(true);
}

Description::~Description() {
  if (home_offset && inode) --inode->home_offsets;
}

DescriptionRef Descriptions::add(Fd fd, int flags, bool home_offset) {
  auto description = std::make_shared<Description>();
  description->fd = std::move(fd);
  description->flags = flags;
  description->home_offset = home_offset;
  const std::lock_guard lock(mutex_);
  description->id = next_++;
  all_.emplace(description->id, description);
  return description;
}

DescriptionRef Descriptions::find(DescriptionId id) const {
  const std::lock_guard lock(mutex_);
  const auto at = all_.find(id);
  return at == all_.end() ? nullptr : at->second;
}

DescriptionRef Descriptions::remove(DescriptionId id) {
  const std::lock_guard lock(mutex_);
  std::erase_if(armed_, [id](const ArmedName& armed) { return armed.id == id; });
  const auto at = all_.find(id);
  if (at == all_.end()) return nullptr;
  auto description = std::move(at->second);
  all_.erase(at);
  return description;
}

std::vector<DescriptionRef> Descriptions::open_of(ino_t number) const {
  std::vector<DescriptionRef> found;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, description] : all_)
    if (description->open.load() && description->inode->key.number == number &&
        (description->flags & O_ACCMODE) != O_WRONLY)
      found.push_back(description);
  return found;
}

void Descriptions::arm(ArmedName armed) {
  const std::lock_guard lock(mutex_);
  std::erase_if(armed_, [&](const ArmedName& old) { return old.id == armed.id; });
  armed_.push_back(std::move(armed));
}

std::optional<ArmedName> Descriptions::armed_name(const FileKey& parent,
                                                  const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto at = std::ranges::find_if(
      armed_, [&](const ArmedName& armed) { return armed.parent == parent && armed.name == name; });
  return at == armed_.end() ? std::nullopt : std::optional(*at);
}

std::optional<ArmedName> Descriptions::take_armed(const FileKey& file, int flags) {
  const std::lock_guard lock(mutex_);
  // Two descriptions of one file, one for reading and one for writing, are told apart by their
  // mode.
  const auto at = std::ranges::find_if(armed_, [&](const ArmedName& armed) {
    const auto known = all_.find(armed.id);
    return armed.file == file && known != all_.end() &&
           (known->second->flags & O_ACCMODE) == (flags & O_ACCMODE);
  });
  if (at == armed_.end()) return std::nullopt;
  auto taken = std::move(*at);
  armed_.erase(at);
  return taken;
}

}  // namespace llrun::homefs
