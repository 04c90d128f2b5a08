#include "policies/sim/svg_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <sstream>

namespace llrun::policies::sim {

namespace {

constexpr double kWidth = 720, kHeight = 420, kLeft = 64, kRight = 170, kTop = 36, kBottom = 52;
constexpr std::array kColours{"#1b6ca8", "#d1495b", "#2a9d5c", "#e09f3e", "#7b5ea7", "#444444",
                              "#00a6a6", "#a44a3f", "#8a9a5b", "#c06c84", "#3d5a80", "#bc8034"};

// One axis: data to pixels, and where to write numbers.
class Axis {
 public:
  Axis(double low, double high, double from_px, double to_px, bool log)
      : low_(log ? std::log10(low) : low),
        high_(log ? std::log10(high) : high),
        from_(from_px),
        to_(to_px),
        log_(log) {
    if (high_ - low_ < 1e-12) high_ = low_ + 1;
  }
  [[nodiscard]] double at(double value) const {
    const double scaled = log_ ? std::log10(value) : value;
    return from_ + (scaled - low_) / (high_ - low_) * (to_ - from_);
  }
  [[nodiscard]] std::vector<double> ticks() const {
    const double step = nice_step();
    std::vector<double> values;
    for (double tick = std::ceil(low_ / step - 1e-9) * step; tick <= high_ + 1e-9; tick += step)
      values.push_back(log_ ? std::pow(10, tick) : std::abs(tick) < 1e-12 ? 0 : tick);
    return values;
  }

 private:
  [[nodiscard]] double nice_step() const {
    if (log_) return std::max(1.0, std::round((high_ - low_) / 6));
    const double raw = (high_ - low_) / 6;
    const double power = std::pow(10, std::floor(std::log10(raw)));
    for (const double nice : {1.0, 2.0, 5.0})
      if (raw <= nice * power) return nice * power;
    return 10 * power;
  }
  double low_, high_, from_, to_;
  bool log_;
};

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '<')
      result += "&lt;";
    else if (c == '&')
      result += "&amp;";
    else
      result += c;
  }
  return result;
}

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

void write_text(std::ostream& out, double x, double y, const char* anchor, const std::string& text,
                const char* more = "") {
  out << "<text x='" << x << "' y='" << y << "' text-anchor='" << anchor << "' " << more << ">"
      << escaped(text) << "</text>\n";
}

std::string number(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

void write_axes(std::ostream& out, const Axis& x, const Axis& y) {
  for (const double tick : x.ticks()) {
    out << "<path d='M" << x.at(tick) << " " << kTop << "V" << kHeight - kBottom
        << "' stroke='#ddd'/>\n";
    write_text(out, x.at(tick), kHeight - kBottom + 16, "middle", number(tick));
  }
  for (const double tick : y.ticks()) {
    out << "<path d='M" << kLeft << " " << y.at(tick) << "H" << kWidth - kRight
        << "' stroke='#ddd'/>\n";
    write_text(out, kLeft - 6, y.at(tick) + 4, "end", number(tick));
  }
}

void write_line(std::ostream& out, const PlotLine& line, std::size_t index, const Axis& x,
                const Axis& y) {
  const char* colour = kColours[index % kColours.size()];
  out << "<polyline fill='none' stroke-width='1.8' stroke='" << colour << "' points='";
  for (const auto& [at, value] : line.points) out << x.at(at) << "," << y.at(value) << " ";
  out << "'/>\n";
  const double legend_y = kTop + 8 + 17 * static_cast<double>(index);
  out << "<path d='M" << kWidth - kRight + 10 << " " << legend_y << "h20' stroke-width='3' stroke='"
      << colour << "'/>\n";
  write_text(out, kWidth - kRight + 36, legend_y + 4, "start", line.name);
}

}  // namespace

std::string to_svg(const Plot& plot) {
  Range xs, ys;
  for (const PlotLine& line : plot.lines)
    for (const auto& [x, y] : line.points) {
      xs.include(x);
      ys.include(y);
    }
  if (!plot.log_y) ys.include(0);
  const Axis x(xs.low, xs.high, kLeft, kWidth - kRight, plot.log_x);
  const Axis y(ys.low, ys.high * (plot.log_y ? 1.1 : 1.04), kHeight - kBottom, kTop, plot.log_y);
  std::ostringstream out;
  out.precision(5);
  out << "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " << kWidth << " " << kHeight
      << "' font-family='sans-serif' font-size='12'>\n<rect width='100%' height='100%' "
         "fill='white'/>\n";
  write_text(out, kLeft, 20, "start", plot.title, "font-size='14' font-weight='bold'");
  write_axes(out, x, y);
  write_text(out, (kLeft + kWidth - kRight) / 2, kHeight - 12, "middle", plot.x_label);
  write_text(out, 0, 0, "middle", plot.y_label, "transform='translate(16,210) rotate(-90)'");
  for (std::size_t i = 0; i < plot.lines.size(); ++i) write_line(out, plot.lines[i], i, x, y);
  out << "</svg>\n";
  return out.str();
}

}  // namespace llrun::policies::sim
