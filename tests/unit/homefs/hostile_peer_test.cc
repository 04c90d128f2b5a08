// What is kept back from a peer, which asks for it in every way that its requests give it. It does
// not keep to what our own guests ask, and guesses nodes and handles.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>
#include <string_view>

#include "tests/unit/homefs/peer.h"

namespace llrun::homefs {
namespace {

constexpr std::uint64_t kRoot = 1;
constexpr std::string_view kSecret = "a secret";

struct Answer {
  int error = 0;
  Frame frame;
  template <typename T>
  [[nodiscard]] T as(std::size_t offset = 0) const {
    T value{};
    if (frame.size() < sizeof(fuse_out_header) + offset + sizeof value)
      ADD_FAILURE() << "a short answer, error " << error;
    else
      std::memcpy(&value, frame.data() + sizeof(fuse_out_header) + offset, sizeof value);
    return value;
  }
  [[nodiscard]] std::string text() const {
    const auto* begin = reinterpret_cast<const char*>(frame.data()) + sizeof(fuse_out_header);
    return {begin, frame.size() - sizeof(fuse_out_header)};
  }
};

class HostilePeer : public ::testing::Test {
 protected:
  HostilePeer() {
    for (const char* name : {"hidden", "hidden/deeper", "fixed", "open"})
      std::filesystem::create_directory(at(name));
    for (const char* name : {"hidden/key", "hidden/deeper/key", "hidden-file"})
      write(name, kSecret);
    for (const char* name : {"fixed/file", "open/file"}) write(name, "text");
    keep_back({.hide = {at("hidden"), at("hidden-file"), at("not-there/yet"), "/proc"},
               .read_only = {at("fixed")},
               .only = {}});
  }
  void keep_back(KeptBack::Rules rules) {
    uses_ = std::make_shared<FileUses>();
    peer_.serve({.root = peer_.root(),
                 .kept_back = std::make_shared<const KeptBack>(std::move(rules)),
                 .uses = uses_});
    ASSERT_TRUE(peer_.begin());
    peer_.next();
  }
  [[nodiscard]] std::string at(const std::string& name) const { return peer_.root() + "/" + name; }
  void write(const std::string& name, std::string_view text) const {
    std::ofstream(at(name)) << text;
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(at(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  template <typename T>
  Answer ask(std::uint32_t opcode, std::uint64_t node, const T& body,
             const std::string& text = {}) {
    EXPECT_TRUE(peer_.send(opcode, node, body, text));
    while (true) {
      Answer answer{0, peer_.next()};
      fuse_out_header header{};
      std::memcpy(&header, answer.frame.data(), sizeof header);
      if (header.unique == 0) continue;  // a notification
      answer.error = -header.error;
      return answer;
    }
  }
  struct Nothing {};
  static std::string ended(const std::string& name) { return name + std::string(1, '\0'); }
  // The node of a path below the root, however it is kept back.
  std::uint64_t node(const std::string& path) {
    std::uint64_t found = kRoot;
    for (const auto& part : std::filesystem::path(path)) {
      // A request without a body of its own: its name's first byte is sent as one.
      const auto name = ended(part);
      const auto answer = ask(FUSE_LOOKUP, found, name[0], name.substr(1));
      EXPECT_EQ(answer.error, 0) << path;
      found = answer.as<fuse_entry_out>().nodeid;
    }
    return found;
  }
  Answer open(std::uint64_t file, std::uint32_t flags) {
    fuse_open_in open{};
    open.flags = flags;
    return ask(FUSE_OPEN, file, open);
  }
  int open_error(const std::string& path, std::uint32_t flags) {
    return open(node(path), flags).error;
  }
  std::uint64_t opened(const std::string& path, std::uint32_t flags) {
    const auto answer = open(node(path), flags);
    EXPECT_EQ(answer.error, 0) << path;
    return answer.as<fuse_open_out>().fh;
  }
  int create_error(const std::string& directory, const std::string& name, std::uint32_t flags) {
    fuse_create_in create{};
    create.flags = flags | O_CREAT;
    create.mode = S_IFREG | 0600;
    return ask(FUSE_CREATE, node(directory), create, ended(name)).error;
  }
  int rename_error(const std::string& from, const std::string& from_name, const std::string& to,
                   const std::string& to_name, std::uint32_t flags = 0) {
    fuse_rename2_in rename{};
    rename.newdir = node(to);
    rename.flags = flags;
    return ask(FUSE_RENAME2, node(from), rename, ended(from_name) + ended(to_name)).error;
  }
  int link_error(const std::string& file, const std::string& directory, const std::string& name) {
    fuse_link_in link{};
    link.oldnodeid = node(file);
    return ask(FUSE_LINK, node(directory), link, ended(name)).error;
  }
  int symlink_error(const std::string& directory, const std::string& name,
                    const std::string& target) {
    const auto text = ended(name) + ended(target);
    return ask(FUSE_SYMLINK, node(directory), text[0], text.substr(1)).error;
  }
  int remove_error(std::uint32_t opcode, const std::string& directory, const std::string& name) {
    const auto text = ended(name);
    return ask(opcode, node(directory), text[0], text.substr(1)).error;
  }
  int make_directory_error(const std::string& directory, const std::string& name) {
    fuse_mkdir_in make{};
    make.mode = 0700;
    return ask(FUSE_MKDIR, node(directory), make, ended(name)).error;
  }
  int make_node_error(const std::string& directory, const std::string& name) {
    fuse_mknod_in make{};
    make.mode = S_IFREG | 0600;
    return ask(FUSE_MKNOD, node(directory), make, ended(name)).error;
  }
  int set_error(const std::string& path, fuse_setattr_in set) {
    return ask(FUSE_SETATTR, node(path), set).error;
  }
  static fuse_setattr_in mode(std::uint32_t mode) {
    fuse_setattr_in set{};
    set.valid = FATTR_MODE;
    set.mode = mode;
    return set;
  }
  static fuse_setattr_in size(std::uint64_t size) {
    fuse_setattr_in set{};
    set.valid = FATTR_SIZE;
    set.size = size;
    return set;
  }
  static fuse_setattr_in through(fuse_setattr_in set, std::uint64_t handle) {
    set.valid |= FATTR_FH;
    set.fh = handle;
    return set;
  }
  int set_xattr_error(const std::string& path) {
    struct {  // as protocols before 7.33 have it
      std::uint32_t size = 1, flags = 0;
    } set;
    return ask(FUSE_SETXATTR, node(path), set, ended("user.mark") + "x").error;
  }
  int remove_xattr_error(const std::string& path) {
    return ask(FUSE_REMOVEXATTR, node(path), 'u', ended("ser.mark")).error;
  }
  std::string data(std::uint64_t file, std::uint64_t handle) {
    fuse_read_in read{};
    read.fh = handle;
    read.size = 4096;
    const auto answer = ask(FUSE_READ, file, read);
    return answer.error == 0 ? answer.text() : "";
  }
  int write_error(const std::string& path, std::uint64_t handle, const std::string& text) {
    fuse_write_in write{};
    write.fh = handle;
    write.size = static_cast<std::uint32_t>(text.size());
    return ask(FUSE_WRITE, node(path), write, text).error;
  }
  [[nodiscard]] FileUses::Row use(const std::string& name) const {
    for (const auto& row : uses_->rows())
      if (row.path == at(name)) return row;
    return {};
  }

  Peer peer_;
  std::shared_ptr<FileUses> uses_;
};

TEST_F(HostilePeer, SeesTheTruthOfWhatIsHidden) {
  fuse_getattr_in get{};
  const auto attributes = ask(FUSE_GETATTR, node("hidden/key"), get).as<fuse_attr_out>();
  struct stat truth {};
  ASSERT_EQ(::stat(at("hidden/key").c_str(), &truth), 0);
  EXPECT_EQ(attributes.attr.size, kSecret.size());
  EXPECT_EQ(attributes.attr.ino, truth.st_ino);
  EXPECT_EQ(attributes.attr.mode, truth.st_mode);
  fuse_open_in open{};
  const auto directory = node("hidden");
  const auto answer = ask(FUSE_OPENDIR, directory, open);
  ASSERT_EQ(answer.error, 0);
  fuse_read_in names{};
  names.fh = answer.as<fuse_open_out>().fh;
  names.size = 4096;
  EXPECT_NE(ask(FUSE_READDIR, directory, names).text().find("deeper"), std::string::npos);
  EXPECT_EQ(use("hidden/key").refused, 0U);
}

TEST_F(HostilePeer, OpensNothingThatIsHidden) {
  for (const char* name : {"hidden/key", "hidden/deeper/key", "hidden-file"}) {
    unsigned refused = 0;
    for (const std::uint32_t flags : {O_RDONLY, O_WRONLY, O_RDWR, O_ACCMODE, O_RDONLY | O_TRUNC,
                                      O_WRONLY | O_TRUNC, O_RDONLY | 040 /* for an exec */}) {
      EXPECT_EQ(open_error(name, flags), EACCES) << name << " " << flags;
      EXPECT_EQ(use(name).refused, ++refused);
    }
    EXPECT_EQ(read(name), kSecret);
    EXPECT_EQ(use(name).opened, 0U);
  }
}

TEST_F(HostilePeer, MakesNoFileAmongThoseThatAreHidden) {
  EXPECT_EQ(create_error("hidden", "new", O_RDWR), EACCES);
  EXPECT_EQ(create_error("hidden", "key", O_RDONLY), EACCES);
  EXPECT_EQ(create_error("", "hidden-file", O_RDWR), EACCES);
  EXPECT_EQ(make_directory_error("", "not-there"), 0);
  EXPECT_EQ(create_error("not-there", "yet", O_RDWR), EACCES);
  EXPECT_EQ(create_error("not-there", "other", O_RDWR), 0);
  EXPECT_FALSE(std::filesystem::exists(at("hidden/new")));
}

TEST_F(HostilePeer, CutsNothingThatIsHidden) {
  const auto elsewhere = opened("open/file", O_RDWR);
  EXPECT_EQ(set_error("hidden/key", size(0)), EACCES);
  EXPECT_EQ(set_error("hidden/key", through(size(0), elsewhere)), EACCES);
  EXPECT_EQ(set_error("hidden/key", through(size(0), 4711)), EACCES);
  EXPECT_EQ(read("hidden/key"), kSecret);
  EXPECT_EQ(read("open/file"), "text");
}

TEST_F(HostilePeer, GivesNoOtherNameToWhatIsHidden) {
  EXPECT_EQ(link_error("hidden/key", "open", "link"), EACCES);
  EXPECT_EQ(link_error("hidden-file", "open", "link"), EACCES);
  EXPECT_EQ(link_error("open/file", "hidden", "link"), EACCES);
  EXPECT_EQ(rename_error("hidden", "key", "open", "key"), EACCES);
  EXPECT_EQ(rename_error("", "hidden", "open", "hidden"), EACCES);
  EXPECT_EQ(rename_error("", "hidden-file", "open", "key"), EACCES);
  EXPECT_EQ(rename_error("open", "file", "hidden", "key"), EACCES);
  for (const auto& [from, to] : {std::pair("hidden", "open"), std::pair("open", "hidden")})
    EXPECT_EQ(rename_error("", from, "", to, 2 /* RENAME_EXCHANGE */), EACCES);
  EXPECT_FALSE(std::filesystem::exists(at("open/link")));
  EXPECT_EQ(read("hidden/key"), kSecret);
}

TEST_F(HostilePeer, MovesNoDirectoryAboveWhatIsHidden) {
  std::filesystem::create_directories(at("above/it"));
  write("above/it/key", kSecret);
  keep_back({.hide = {at("above/it"), at("not-there/yet")}, .read_only = {}, .only = {}});
  EXPECT_EQ(rename_error("", "above", "", "below"), EACCES);
  EXPECT_EQ(rename_error("", "above", "open", "above"), EACCES);
  EXPECT_EQ(rename_error("", "open", "", "not-there"), EACCES);
  EXPECT_EQ(open_error("above/it/key", O_RDONLY), EACCES);
}

// Where the user will put a secret that is to be hidden, he would put it into a place of the
// peer's.
TEST_F(HostilePeer, PutsNoLinkWhereSomethingIsHidden) {
  ASSERT_EQ(remove_error(FUSE_UNLINK, "", "hidden-file"), 0);
  EXPECT_EQ(symlink_error("", "hidden-file", "open/file"), EACCES);
  EXPECT_EQ(symlink_error("", "not-there", "open"), EACCES);
  EXPECT_EQ(symlink_error("hidden", "link", "../open"), EACCES);
  EXPECT_EQ(symlink_error("open", "link", "../hidden/key"), 0);
  // The peer's own link leads it nowhere: its kernel follows links, and asks for what is there.
  EXPECT_EQ(open_error("open/link", O_RDONLY), ENXIO);
}

// Such a link decides for the next journey what is hidden.
TEST_F(HostilePeer, PutsNoOtherLinkInPlaceOfTheUsersOwn) {
  std::filesystem::create_directory_symlink("hidden", at("by-link"));
  std::filesystem::create_directory_symlink("by-link/deeper", at("by-two"));
  keep_back({.hide = {at("by-two")}, .read_only = {}, .only = {}});
  EXPECT_EQ(open_error("hidden/deeper/key", O_RDONLY), EACCES);
  EXPECT_EQ(open_error("hidden/key", O_RDONLY), 0);
  for (const char* name : {"by-link", "by-two"}) {
    EXPECT_EQ(rename_error("", name, "", "moved"), EACCES) << name;
    EXPECT_EQ(rename_error("open", "file", "", name), EACCES) << name;
    EXPECT_EQ(symlink_error("", name, "open"), EACCES) << name;
  }
}

TEST_F(HostilePeer, LooksIntoNoProcess) {
  peer_.serve({.root = "/",
               .kept_back = std::make_shared<const KeptBack>(
                   KeptBack::Rules{.hide = {"/proc"}, .read_only = {}, .only = {}})});
  ASSERT_TRUE(peer_.begin());
  peer_.next();
  const std::string process = "proc/" + std::to_string(::getpid());
  for (const char* name : {"/environ", "/mem", "/maps", "/comm"})
    EXPECT_EQ(open_error(process + name, O_RDONLY), EACCES) << name;
  EXPECT_EQ(open_error(process + "/comm", O_WRONLY), EACCES);
  EXPECT_EQ(open_error(process + "/exe", O_RDONLY), ENXIO) << "a link is not followed";
}

TEST_F(HostilePeer, ReadsWhatItMayAndNoOtherByAGuessedHandle) {
  const auto handle = opened("open/file", O_RDONLY);
  EXPECT_EQ(data(node("hidden/key"), handle), "text") << "a handle is of one file, whatever node";
  EXPECT_EQ(use("open/file").opened, 1U);
  EXPECT_EQ(use("open/file").read, 4U);
  const auto id =
      peer_.server().add_description(open_file(at("hidden/key"), O_RDONLY).value(), {}).value();
  EXPECT_EQ(data(node("hidden/key"), id), "");
}

TEST_F(HostilePeer, KnowsAFileThatIsMovedToWhereItIsHiddenNoLonger) {
  const auto file = node("open/file");
  std::filesystem::rename(at("open/file"), at("hidden/moved"));
  EXPECT_EQ(open(file, O_RDONLY).error, EACCES);
}

// As editors save: another name first, and the old one goes.
TEST_F(HostilePeer, KnowsAFileThatIsLinkedToWhereItIsHiddenNoLonger) {
  const auto file = node("open/file");
  std::filesystem::create_hard_link(at("open/file"), at("hidden/linked"));
  std::filesystem::remove(at("open/file"));
  EXPECT_EQ(open(file, O_RDONLY).error, ESTALE);
  EXPECT_EQ(open(node("hidden/linked"), O_RDONLY).error, EACCES);
}

TEST_F(HostilePeer, OpensAFileThatHasAnotherNameByTheNameItLooksUp) {
  const auto file = node("open/file");
  std::filesystem::create_hard_link(at("open/file"), at("open/other"));
  std::filesystem::remove(at("open/file"));
  EXPECT_EQ(open(file, O_RDONLY).error, ESTALE);
  EXPECT_EQ(open(node("open/other"), O_RDONLY).error, 0);
  EXPECT_EQ(use("open/other").opened, 1U);
}

TEST_F(HostilePeer, TellsALostNameFromOneThatIsSpelledSo) {
  write("open/x (deleted)", "text");
  EXPECT_EQ(open_error("open/x (deleted)", O_RDONLY), 0);
  EXPECT_EQ(use("open/x (deleted)").opened, 1U);
  write("hidden-file (deleted)", "text");
  EXPECT_EQ(open_error("hidden-file (deleted)", O_RDONLY), 0);
  const auto hidden = node("hidden-file");
  std::filesystem::remove(at("hidden-file"));
  EXPECT_EQ(open(hidden, O_RDONLY).error, EACCES);
}

// Names longer than a page, which the kernel does not tell.
TEST_F(HostilePeer, OpensNothingThatIsHiddenHoweverDeep) {
  const std::string name(250, 'd');
  for (const char* top : {"hidden", "open"}) {
    Fd directory(::open(at(top).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    std::string path = top;
    for (int depth = 0; depth < 20; ++depth) {
      ASSERT_EQ(::mkdirat(directory.get(), name.c_str(), 0700), 0);
      directory = Fd(::openat(directory.get(), name.c_str(), O_PATH | O_CLOEXEC));
      path += "/" + name;
    }
    const Fd file(::openat(directory.get(), "key", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ASSERT_TRUE(file.valid());
    const int refused = top == std::string("hidden") ? EACCES : 0;
    EXPECT_EQ(open_error(path + "/key", O_RDONLY), refused);
    EXPECT_EQ(create_error(path, "new", O_RDWR), refused);
  }
}

TEST_F(HostilePeer, ChangesNothingThatIsReadOnly) {
  const auto elsewhere = opened("open/file", O_RDWR);
  EXPECT_EQ(open_error("fixed/file", O_RDONLY), 0);
  for (const std::uint32_t flags : {O_WRONLY, O_RDWR, O_ACCMODE, O_RDONLY | O_TRUNC})
    EXPECT_EQ(open_error("fixed/file", flags), EROFS);
  EXPECT_EQ(create_error("fixed", "new", O_RDWR), EROFS);
  EXPECT_EQ(set_error("fixed/file", size(0)), EROFS);
  EXPECT_EQ(set_error("fixed/file", through(size(0), elsewhere)), EROFS);
  EXPECT_EQ(set_error("fixed/file", mode(0777)), EROFS);
  EXPECT_EQ(set_error("fixed/file", through(mode(0777), elsewhere)), EROFS);
  EXPECT_EQ(set_error("fixed/file", through(mode(0777), opened("fixed/file", O_RDONLY))), EROFS);
  EXPECT_EQ(set_xattr_error("fixed/file"), EROFS);
  EXPECT_EQ(remove_xattr_error("fixed/file"), EROFS);
  EXPECT_EQ(make_node_error("fixed", "new"), EROFS);
  EXPECT_EQ(make_directory_error("fixed", "new"), EROFS);
  EXPECT_EQ(symlink_error("fixed", "new", "x"), EROFS);
  EXPECT_EQ(link_error("fixed/file", "open", "new"), EROFS) << "which it could write to";
  EXPECT_EQ(link_error("open/file", "fixed", "new"), EROFS);
  EXPECT_EQ(rename_error("fixed", "file", "open", "new"), EROFS);
  EXPECT_EQ(rename_error("open", "file", "fixed", "file"), EROFS);
  EXPECT_EQ(rename_error("", "fixed", "", "moved"), EROFS);
  EXPECT_EQ(remove_error(FUSE_UNLINK, "fixed", "file"), EROFS);
  EXPECT_EQ(remove_error(FUSE_RMDIR, "", "fixed"), EROFS);
  EXPECT_EQ(read("fixed/file"), "text");
  EXPECT_EQ(std::ranges::distance(std::filesystem::directory_iterator(at("fixed"))), 1);
  EXPECT_EQ(use("fixed/file").opened, 2U);
  EXPECT_EQ(use("fixed/file").written, 0U);
}

TEST_F(HostilePeer, WritesThroughNoDescriptionForReading) {
  const auto handle = opened("fixed/file", O_RDONLY);
  const auto file = node("fixed/file");
  EXPECT_EQ(write_error("fixed/file", handle, "evil"), EBADF);
  fuse_fallocate_in allocate{};
  allocate.fh = handle;
  allocate.length = 4096;
  EXPECT_EQ(ask(FUSE_FALLOCATE, file, allocate).error, EBADF);
  fuse_copy_file_range_in copy{};
  copy.fh_in = opened("open/file", O_RDONLY);
  copy.nodeid_out = file;
  copy.fh_out = handle;
  copy.len = 4;
  EXPECT_EQ(ask(FUSE_COPY_FILE_RANGE, node("open/file"), copy).error, EBADF);
  EXPECT_EQ(read("fixed/file"), "text");
}

TEST_F(HostilePeer, ReadsWhatItWritesElsewhere) {
  const auto handle = opened("open/file", O_RDWR);
  EXPECT_EQ(write_error("open/file", handle, "other"), 0);
  EXPECT_EQ(set_error("open/file", through(mode(0640), handle)), 0);
  EXPECT_EQ(set_error("open/file", mode(0600)), 0);
  EXPECT_EQ(use("open/file").written, 5U);
  EXPECT_EQ(read("open/file"), "other");
  EXPECT_EQ(rename_error("open", "file", "open", "moved"), 0);
  EXPECT_EQ(link_error("open/moved", "open", "link"), 0);
  EXPECT_EQ(remove_error(FUSE_UNLINK, "open", "link"), 0);
}

TEST_F(HostilePeer, GetsNothingButWhatItsNodeMay) {
  write("open/hidden", kSecret);
  keep_back({.hide = {at("open/hidden")}, .read_only = {}, .only = {at("open")}});
  EXPECT_EQ(open_error("open/file", O_RDWR), 0);
  EXPECT_EQ(create_error("open", "new", O_RDWR), 0);
  EXPECT_EQ(open_error("open/hidden", O_RDONLY), EACCES);
  for (const char* name : {"hidden/key", "fixed/file", "file"}) {
    EXPECT_EQ(open_error(name, O_RDONLY), EACCES) << name;
    EXPECT_EQ(set_error(name, size(0)), EACCES) << name;
    EXPECT_EQ(link_error(name, "open", "link"), EACCES) << name;
  }
  EXPECT_EQ(create_error("", "new", O_RDWR), EACCES);
  EXPECT_EQ(rename_error("fixed", "file", "open", "moved"), EACCES);
  EXPECT_EQ(rename_error("", "fixed", "open", "moved"), EACCES);
  EXPECT_EQ(rename_error("open", "file", "", "moved"), EACCES);
  EXPECT_EQ(use("fixed/file").refused, 4U);
}

// What `only` names would be another directory on the next journey.
TEST_F(HostilePeer, PutsNothingInPlaceOfWhatItMayHave) {
  std::filesystem::create_directory(at("fixed/all"));
  keep_back({.hide = {}, .read_only = {}, .only = {at("fixed/all")}});
  ASSERT_EQ(remove_error(FUSE_RMDIR, "fixed", "all"), 0);
  EXPECT_EQ(symlink_error("fixed", "all", ".."), EACCES);
}

}  // namespace
}  // namespace llrun::homefs
