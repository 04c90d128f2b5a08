// povray, a program nobody wrote for us: moved there and home while it draws, it draws the same
// picture.
#include <gtest/gtest.h>
#include <sys/ptrace.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/unit/tracer/child.h"
#include "tests/unit/tracer/journey.h"
#include "tracer/procfs/directory.h"

namespace llrun::tracer {
namespace {

constexpr const char* kScene = R"(
#version 3.7;
global_settings { assumed_gamma 1.0 }
camera { location <0, 2, -6> look_at <0, 0.5, 0> }
light_source { <10, 20, -10> color rgb 1 area_light <4,0,0>, <0,4,0>, 5, 5 adaptive 1 }
plane { y, 0 pigment { checker color rgb 1 color rgb 0.3 } finish { reflection 0.3 } }
#declare I = 0;
#while (I < 12)
  sphere { <sin(I) * 2, 0.5 + mod(I, 3) * 0.4, cos(I) * 2>, 0.4
    texture { pigment { color rgb <mod(I,2), mod(I,3)/2, 0.5> } finish { reflection 0.4 phong 1 } } }
  #declare I = I + 1;
#end
)";

class Drawing {
 public:
  Drawing() {
    std::string folder = std::filesystem::temp_directory_path() / "llrun-povray-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
    std::ofstream(folder_ / "scene.pov") << kScene;
  }
  Drawing(const Drawing&) = delete;
  Drawing& operator=(const Drawing&) = delete;
  ~Drawing() { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::vector<std::string> command(const std::string& output) const {
    return {"env",
            "HOME=" + folder_.string(),
            "povray",
            "-D",
            "-GA",
            "+W240",
            "+H180",
            "+A0.1",
            "+WT2",
            "+FP",
            "+I" + (folder_ / "scene.pov").string(),
            "+O" + (folder_ / output).string()};
  }
  // The pixels alone: the head of the file tells when it was drawn.
  [[nodiscard]] std::string picture(const std::string& output) const {
    constexpr std::size_t kPixels = 240 * 180 * 3;
    const auto file = read_whole_file((folder_ / output).string()).value_or("");
    return file.size() < kPixels ? std::string() : file.substr(file.size() - kPixels);
  }

 private:
  std::filesystem::path folder_;
};

// Its two drawing threads and the others are there: it is past its start.
bool is_drawing(HostPid pid) {
  for (int tries = 0; tries < 20'000; ++tries) {
    if (list_threads(pid).value_or(std::vector<HostTid>()).size() >= 4) return true;
    ::usleep(1000);
  }
  return false;
}

TEST(ThereAndHome, PovrayDrawsTheSamePicture) {
  const Drawing drawing;
  Child undisturbed(drawing.command("plain.ppm"));
  ASSERT_EQ(undisturbed.wait(), 0);
  Child moved(drawing.command("moved.ppm"));
  ASSERT_TRUE(is_drawing(moved.pid()));
  for (int journey = 0; journey < 3; ++journey) {
    auto threads = ThreadSet::seize_all(moved.pid(), PTRACE_O_EXITKILL);
    ASSERT_OK(threads);
    auto home = there_and_home(std::move(*threads));
    ASSERT_OK(home);
    ASSERT_OK(home->stop_all());
    ASSERT_OK(home->detach_all());
  }
  EXPECT_EQ(moved.wait(), 0);
  const auto picture = drawing.picture("moved.ppm");
  EXPECT_FALSE(picture.empty());
  EXPECT_TRUE(picture == drawing.picture("plain.ppm")) << "the pictures differ";
}

}  // namespace
}  // namespace llrun::tracer
