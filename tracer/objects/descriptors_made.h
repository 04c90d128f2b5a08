// Descriptions that are made anew at the destination: in our own process, to be sent from there.
#pragma once

#include <map>

#include "base/fd.h"
#include "base/result.h"
#include "imagefmt/image.pb.h"

namespace llrun::tracer {

// The pipes inside a process: made with their content at the first question, one pipe for both
// ends. Ends that nobody asked for close with this object, as they were closed in the process.
class InnerPipes {
 public:
  explicit InnerPipes(const image::Process& process);
  [[nodiscard]] Result<Fd> end_of(const image::Description& record);

 private:
  struct Ends {
    Fd read, write;
    bool read_given = false;
    bool write_given = false;
  };
  [[nodiscard]] Result<Ends*> make(const image::Description& record);
  const image::Process* process_;
  std::map<std::uint64_t, Ends> made_;  // by pipe id
};

[[nodiscard]] Result<Fd> make_eventfd(const image::Description& record);
// Empty: its entries need the numbers of the process it will be in.
[[nodiscard]] Result<Fd> make_epoll();

}  // namespace llrun::tracer
