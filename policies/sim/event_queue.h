// EventQueue: what happens next. Events of the same time come in the order they were put in, so
// that a run is the same every time.
#pragma once

#include <cstdint>
#include <queue>
#include <vector>

namespace llrun::policies::sim {

struct Event {
  double time_s = 0;
  std::uint64_t order = 0;
  std::uint32_t kind = 0;
  std::uint32_t subject = 0;  // node or slot, as the kind says
  std::uint64_t detail = 0;
};

class EventQueue {
 public:
  void put(double time_s, std::uint32_t kind, std::uint32_t subject, std::uint64_t detail = 0) {
    heap_.push({time_s, order_++, kind, subject, detail});
  }
  [[nodiscard]] double now_s() const { return now_s_; }  // when the last one taken happened
  [[nodiscard]] bool empty() const { return heap_.empty(); }
  [[nodiscard]] Event take() {
    const Event event = heap_.top();
    heap_.pop();
    now_s_ = event.time_s;
    return event;
  }

 private:
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return a.time_s != b.time_s ? a.time_s > b.time_s : a.order > b.order;
    }
  };
  std::priority_queue<Event, std::vector<Event>, Later> heap_;
  std::uint64_t order_ = 0;
  double now_s_ = 0;
};

}  // namespace llrun::policies::sim
