// Sketch: a distribution in 96 numbers. Values fall into classes that grow by the square root of
// two, so quantiles are within 20 %. Two sketches of the same thing add up; old values fade as new
// ones come.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace llrun::policies {

class Sketch {
 public:
  static constexpr std::size_t kClasses = 96;
  static constexpr double kSmallest = 1e-3;  // everything below is in class 0

  // All that was counted before is worth `kept` of what it was.
  void add(double value, double kept = 1);
  void merge(const Sketch& other);

  [[nodiscard]] double weight() const;  // of all values together
  [[nodiscard]] double mean() const;
  [[nodiscard]] double quantile(double part) const;
  // Part of those at least `from` that are at least `to`; 1 when there is none to judge by.
  [[nodiscard]] double survival(double from, double to) const;
  [[nodiscard]] double weight_from(double value) const;

  // "class:weight …", for where it is kept. parse() refuses what it would not have written.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] static Result<Sketch> parse(std::string_view text);

 private:
  [[nodiscard]] static std::size_t class_of(double value);
  [[nodiscard]] static double lower_edge(std::size_t index);

  std::array<double, kClasses> weights_{};
};

}  // namespace llrun::policies
