// KeptBack: which of home's files a peer does not get, or may not change.
//
// It holds against the peer itself, whose program may be another one than ours: every request for
// such a file's contents, or for a change of it, is refused where home's files are served. Names
// and attributes are given out. It is no wall around the user: a program that comes home from a
// hostile peer can do at home whatever he can (README.md, "What you trust a node with").
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace llrun::homefs {

class KeptBack {
 public:
  // Absolute paths. Each stands for the file of that name and everything below it, wherever
  // symbolic links lead.
  struct Rules {
    std::vector<std::string> hide;       // contents are not given out
    std::vector<std::string> read_only;  // nothing is changed
    std::vector<std::string> only;       // of nothing else are contents given out; empty: of all
    friend bool operator==(const Rules&, const Rules&) = default;
  };
  enum class Use : std::uint8_t {
    kRead,    // contents
    kWrite,   // contents
    kChange,  // attributes, or that there is something of this name
    kMove,    // gets another name, with everything below it, or becomes that of something else
  };
  struct Verdict {
    int errno_value = 0;  // EACCES, EROFS; 0: it may be used so
    std::string rule;     // in words: "hide = /home/u/.ssh"
  };

  explicit KeptBack(Rules rules);
  // Whether a use other than of contents may be refused, so that an honest guest has to ask first.
  struct Asked {
    bool moves = false;
    bool changes = false;
  };
  [[nodiscard]] Asked asked() const;
  // `path`: absolute, as the kernel shows it (/proc/PID/fd), without symbolic links.
  // Thread-safe.
  [[nodiscard]] Verdict verdict(const std::string& path, Use use) const;
  // Where the rules' own paths lead is looked up once, here or at the first question, and may wait
  // for a filesystem. Thread-safe.
  void look_at_rules() const;

 private:
  struct Rule {
    std::string path;  // without symbolic links, but for what does not exist
    std::string words;
  };
  void resolve() const;
  [[nodiscard]] const Rule* below(const std::vector<Rule>& rules, const std::string& path) const;

  Rules given_;
  mutable std::once_flag resolved_;
  mutable std::vector<Rule> hide_, read_only_, only_;
};

}  // namespace llrun::homefs
