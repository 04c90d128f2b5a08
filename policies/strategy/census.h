// Census: how many processes of which age a node has, and how much a process would be hindered
// among them.
//
// Ages are CPU seconds. By the 1/T law a process of age a is still there after t more CPU seconds
// with chance a/(a+t); two processes that share a core delay each other by the shorter of what each
// has left. So what two processes cost each other is E[min(left_a, left_b)], and a young neighbour,
// which will soon be gone, costs far less than an old one. That a node has three processes says
// little; that it has three old ones says much.
#pragma once

#include <array>
#include <cstddef>

namespace llrun::policies {

class Census {
 public:
  // Class 0: younger than kYoungest_s; each next one twice as old; the last without limit.
  static constexpr std::size_t kClasses = 16;
  static constexpr double kYoungest_s = 0.125;

  // As another node has told it.
  void set(std::size_t age_class, double count) { counts_[age_class] = static_cast<float>(count); }
  void add(double cpu_age_s, double count = 1) {
    counts_[class_of(cpu_age_s)] += static_cast<float>(count);
  }
  [[nodiscard]] double count() const;
  [[nodiscard]] double at(std::size_t age_class) const {
    return static_cast<double>(counts_[age_class]);
  }
  // Without one process of this age, or, where none is counted so, of an age near it: a census is a
  // little older than what is known of a process. Never below none.
  [[nodiscard]] Census without(double cpu_age_s) const;
  // What is left, on average, when each of the processes has received `cpu_s` more.
  [[nodiscard]] Census after(double cpu_s) const;

  // Seconds that a newcomer of this age and the residents of a node with `cores` cores delay each
  // other, all together, within `horizon_s` of CPU; at speed 1.
  [[nodiscard]] double hindrance_s(double cpu_age_s, double cores, double horizon_s) const;

  [[nodiscard]] static std::size_t class_of(double cpu_age_s);
  [[nodiscard]] static double age_of(std::size_t age_class);  // its geometric middle

 private:
  std::array<float, kClasses> counts_{};
};

// E[min(left_a, left_b, horizon)] under the 1/T law, CPU seconds.
[[nodiscard]] double shared_life_s(double age_a_s, double age_b_s, double horizon_s);

}  // namespace llrun::policies
