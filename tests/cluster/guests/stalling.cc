// A filesystem that stalls, as a dead NFS server, an sshfs without its network or an automount
// does: while the file STALL exists, whatever is asked about its file "slow" waits.
//
// usage: stalling STALL MOUNTPOINT [FUSE options]
#define FUSE_USE_VERSION 31
#include <fuse.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

namespace {

constexpr std::string_view kContents = "at last\n";
std::string stall;

void wait_while_stalled() {
  while (::access(stall.c_str(), F_OK) == 0) ::usleep(20000);
}

int get_attributes(const char* path, struct stat* status, fuse_file_info*) {
  *status = {};
  if (std::string_view(path) == "/") {
    status->st_mode = S_IFDIR | 0755;
    status->st_nlink = 2;
    return 0;
  }
  wait_while_stalled();
  if (std::string_view(path) != "/slow") return -ENOENT;
  status->st_mode = S_IFREG | 0644;
  status->st_nlink = 1;
  status->st_size = kContents.size();
  return 0;
}

int open_file(const char*, fuse_file_info*) {
  wait_while_stalled();
  return 0;
}

int read_file(const char*, char* to, std::size_t size, off_t offset, fuse_file_info*) {
  wait_while_stalled();
  const auto rest = kContents.substr(std::min<std::size_t>(offset, kContents.size()));
  const auto count = std::min(size, rest.size());
  std::memcpy(to, rest.data(), count);
  return static_cast<int>(count);
}

int file_system(const char*, struct statvfs*) {
  wait_while_stalled();
  return 0;
}

// Nothing is kept by the kernel: each question comes here.
void* begin(fuse_conn_info*, fuse_config* config) {
  config->entry_timeout = config->attr_timeout = config->negative_timeout = 0;
  return nullptr;
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) return 2;
  stall = words[1];
  words[1] = words[0];
  fuse_operations operations{};
  operations.getattr = get_attributes;
  operations.open = open_file;
  operations.read = read_file;
  operations.statfs = file_system;
  operations.init = begin;
  return fuse_main(count - 1, words + 1, &operations, nullptr);
}
