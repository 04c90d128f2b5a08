#include "policies/sketch.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

namespace llrun::policies {

namespace {
constexpr double kNegligible = 1e-6;
}

std::size_t Sketch::class_of(double value) {
  if (!(value > kSmallest)) return 0;
  const double steps = 2 * std::log2(value / kSmallest);
  return std::min(kClasses - 1, static_cast<std::size_t>(steps) + 1);
}

double Sketch::lower_edge(std::size_t index) {
  return index == 0 ? 0 : kSmallest * std::exp2(0.5 * static_cast<double>(index - 1));
}

void Sketch::add(double value, double kept) {
  for (double& weight : weights_) weight = weight * kept < kNegligible ? 0 : weight * kept;
  weights_[class_of(value)] += 1;
}

void Sketch::merge(const Sketch& other) {
  for (std::size_t i = 0; i < kClasses; ++i) weights_[i] += other.weights_[i];
}

double Sketch::weight() const { return weight_from(0); }

// Values are taken to be spread evenly, by logarithm, over their class.
double Sketch::weight_from(double value) const {
  const std::size_t own = class_of(value);
  double sum = 0;
  for (std::size_t i = own + 1; i < kClasses; ++i) sum += weights_[i];
  if (own == 0) return sum + weights_[0];
  const double into = 2 * std::log2(value / lower_edge(own));
  return sum + weights_[own] * std::clamp(1 - into, 0.0, 1.0);
}

double Sketch::mean() const {
  double sum = 0;
  for (std::size_t i = 1; i < kClasses; ++i) sum += weights_[i] * lower_edge(i) * std::exp2(0.25);
  const double all = weight();
  return all > 0 ? sum / all : 0;
}

double Sketch::quantile(double part) const {
  const double wanted = part * weight();
  double seen = 0;
  for (std::size_t i = 0; i < kClasses; ++i) {
    if (weights_[i] <= 0) continue;
    if (seen + weights_[i] >= wanted) {
      const double into = std::clamp((wanted - seen) / weights_[i], 0.0, 1.0);
      return i == 0 ? kSmallest * into : lower_edge(i) * std::exp2(0.5 * into);
    }
    seen += weights_[i];
  }
  return 0;
}

double Sketch::survival(double from, double to) const {
  const double there = weight_from(from);
  return there > 0 ? weight_from(std::max(from, to)) / there : 1;
}

std::string Sketch::text() const {
  std::ostringstream out;
  for (std::size_t i = 0; i < kClasses; ++i)
    if (weights_[i] > 0) out << (out.tellp() > 0 ? " " : "") << i << ":" << weights_[i];
  return out.str();
}

Result<Sketch> Sketch::parse(std::string_view text) {
  Sketch sketch;
  const auto bad = [&] {
    return failure(ErrorCode::kInvalid, "not a sketch: " + std::string(text.substr(0, 40)));
  };
  while (!text.empty()) {
    std::size_t index = kClasses;
    double weight = -1;
    const char* end = text.data() + text.size();
    const auto [colon, index_error] = std::from_chars(text.data(), end, index);
    if (index_error != std::errc{} || index >= kClasses || colon == end || *colon != ':')
      return bad();
    const auto [rest, weight_error] = std::from_chars(colon + 1, end, weight);
    if (weight_error != std::errc{} || !(weight >= 0) || !std::isfinite(weight)) return bad();
    if (rest != end && *rest != ' ') return bad();
    sketch.weights_[index] += weight;
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
    if (!text.empty()) text.remove_prefix(1);
  }
  return sketch;
}

}  // namespace llrun::policies
