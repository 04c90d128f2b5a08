// A line plot as SVG text: small, without scripts or fonts of its own.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace llrun::policies::sim {

struct PlotLine {
  std::string name;
  std::vector<std::pair<double, double>> points;  // x rising
};

struct Plot {
  std::string title;
  std::string x_label;
  std::string y_label;
  bool log_x = false;
  bool log_y = false;
  std::vector<PlotLine> lines;
};

[[nodiscard]] std::string to_svg(const Plot& plot);

}  // namespace llrun::policies::sim
