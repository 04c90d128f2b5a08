#include "supervisor/shadow/call_layout.h"

#include <gtest/gtest.h>

namespace llrun {
namespace {

const tracer::RemoteRange kRoom{{0x10000}, {0x20000}};

protocol::HomeCall with_buffers(std::initializer_list<std::uint64_t> sizes) {
  protocol::HomeCall call;
  for (const std::uint64_t argument : {11, 12, 13, 14, 15, 16, 17}) call.add_arguments(argument);
  unsigned argument = 1;
  for (const auto size : sizes) {
    call.add_buffers()->set_argument(argument++);
    call.mutable_buffers(call.buffers_size() - 1)->set_size(size);
  }
  return call;
}

TEST(CallLayout, PutsBuffersOneBehindTheOther) {
  const auto layout = lay_out_call(with_buffers({5, 0, 100}), kRoom);
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->arguments,
            (std::array<std::uint64_t, 6>{11, 0x10000, 0x10010, 0x10010, 15, 16}));
  EXPECT_EQ(layout->buffers[2].value, 0x10010U);
}

TEST(CallLayout, RefusesMoreThanThereIsRoomFor) {
  EXPECT_TRUE(lay_out_call(with_buffers({0x10000}), kRoom));
  for (const auto sizes :
       {std::initializer_list<std::uint64_t>{0x10001}, {0x10000, 1}, {UINT64_MAX}})
    EXPECT_FALSE(lay_out_call(with_buffers(sizes), kRoom));
  auto for_none = with_buffers({8});
  for_none.mutable_buffers(0)->set_argument(6);
  EXPECT_FALSE(lay_out_call(for_none, kRoom));
  auto too_long = with_buffers({8});
  too_long.mutable_buffers(0)->set_input("nine bytes");
  EXPECT_FALSE(lay_out_call(too_long, kRoom));
}

}  // namespace
}  // namespace llrun
