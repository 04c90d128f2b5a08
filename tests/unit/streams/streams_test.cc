#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <thread>

#include "supervisor/streams/guest_streams.h"
#include "supervisor/streams/stream_writer.h"

namespace llrun {
namespace {

using std::chrono::seconds;

TEST(StreamWriter, PassesOnEverythingInOrderWhileTheReaderIsSlow) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  std::promise<void> drained;
  std::atomic<std::uint64_t> written = 0;
  auto writer = StreamWriter::start(
      std::move(pipe->second), {[&](std::uint64_t total) { written = total; }, [] { FAIL(); }});
  ASSERT_TRUE(writer);
  std::string sent;
  for (int i = 0; i < 50; ++i) {
    std::string piece(10'000, static_cast<char>('a' + i % 26));
    sent += piece;
    (*writer)->push(std::move(piece));
  }
  (*writer)->when_drained([&] { drained.set_value(); });
  std::string got(sent.size(), '\0');
  ASSERT_TRUE(read_all(pipe->first.get(), std::as_writable_bytes(std::span(got))));
  EXPECT_EQ(got, sent);
  ASSERT_EQ(drained.get_future().wait_for(seconds(30)), std::future_status::ready);
  EXPECT_EQ(written, sent.size());
}

TEST(StreamWriter, WhatWaitsBecomesOnePiece) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  std::promise<void> drained;
  std::atomic<int> told = 0;
  auto writer = StreamWriter::start(std::move(pipe->second),
                                    {[&](std::uint64_t) { ++told; }, [] { FAIL(); }});
  ASSERT_TRUE(writer);
  const std::string first(1 << 20, 'x');  // more than a pipe has room for: it waits for the reader
  (*writer)->push(first);
  std::string sent = first;
  for (int i = 0; i < 100'000; ++i) {
    sent += static_cast<char>('a' + i % 26);
    (*writer)->push(sent.substr(sent.size() - 1));
  }
  EXPECT_EQ((*writer)->queued_bytes(), sent.size());
  (*writer)->when_drained([&] { drained.set_value(); });
  std::string got(sent.size(), '\0');
  ASSERT_TRUE(read_all(pipe->first.get(), std::as_writable_bytes(std::span(got))));
  EXPECT_EQ(got, sent);
  ASSERT_EQ(drained.get_future().wait_for(seconds(30)), std::future_status::ready);
  EXPECT_LE(told, 4);  // the first, and two pieces of 64 KiB
  EXPECT_EQ((*writer)->queued_bytes(), 0U);
}

TEST(StreamWriter, TellsOnceThatTheReaderIsGoneAndEndsWhileBlocked) {
  std::signal(SIGPIPE, SIG_IGN);
  auto gone = make_pipe();
  auto full = make_pipe();
  ASSERT_TRUE(gone && full);
  gone->first.reset();
  std::promise<void> told;
  {
    auto writer = StreamWriter::start(std::move(gone->second),
                                      {[](std::uint64_t) {}, [&] { told.set_value(); }});
    ASSERT_TRUE(writer);
    (*writer)->push("x");
    (*writer)->push("y");
    ASSERT_EQ(told.get_future().wait_for(seconds(30)), std::future_status::ready);
  }
  auto blocked = StreamWriter::start(std::move(full->second), {[](std::uint64_t) {}, [] {}});
  ASSERT_TRUE(blocked);
  (*blocked)->push(
      std::string(1 << 20, 'z'));  // nobody reads: the destructor must not wait for them
}

TEST(StreamWriter, TellsThatTheReaderIsGoneThoughNothingIsToBeWritten) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  std::promise<void> told;
  auto writer = StreamWriter::start(std::move(pipe->second),
                                    {[](std::uint64_t) {}, [&] { told.set_value(); }});
  ASSERT_TRUE(writer);
  (*writer)->watch_reader();
  pipe->first.reset();
  ASSERT_EQ(told.get_future().wait_for(seconds(30)), std::future_status::ready);
  std::promise<void> drained;  // it goes on to do what it is told
  (*writer)->push("x");
  (*writer)->when_drained([&] { drained.set_value(); });
  ASSERT_EQ(drained.get_future().wait_for(seconds(30)), std::future_status::ready);
}

TEST(StreamWriter, RunsWhatWaitsForItEvenIfItIsDestroyedFirst) {
  auto full = make_pipe();
  ASSERT_TRUE(full);
  std::promise<void> run;
  {
    auto blocked = StreamWriter::start(std::move(full->second), {[](std::uint64_t) {}, [] {}});
    ASSERT_TRUE(blocked);
    (*blocked)->push(std::string(1 << 20, 'z'));
    (*blocked)->when_drained([&] { run.set_value(); });
  }
  EXPECT_EQ(run.get_future().wait_for(seconds(30)), std::future_status::ready);
}

class GuestStreamsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = EventLoop::create();
    ASSERT_TRUE(made);
    loop_ = std::move(*made);
    streams_.emplace(*loop_, GuestStreams::Callbacks{
                                 [this](std::uint32_t, std::string bytes) { output_ += bytes; },
                                 [this](std::uint32_t stream) {
                                   closed_ = stream;
                                   loop_->stop();
                                 }});
  }
  std::unique_ptr<EventLoop> loop_;
  std::optional<GuestStreams> streams_;
  std::string output_;
  std::uint32_t closed_ = 0;
};

TEST_F(GuestStreamsTest, OutputStopsAtTheWindowAndDrainDoesNot) {
  auto guest = streams_->add_output_pipe(7);
  ASSERT_TRUE(guest && streams_->start());
  std::string sent(600'000, 'q');
  std::thread writer([&] {
    ASSERT_TRUE(write_all(guest->get(), std::as_bytes(std::span(sent))));
    guest->reset();
  });
  loop_->after(std::chrono::milliseconds(200), [&] {
    EXPECT_LT(output_.size(), sent.size());  // nobody has passed anything on: it waits
    streams_->credit(7, 256 << 10);
    loop_->every(std::chrono::milliseconds(1), [&] { streams_->credit(7, output_.size()); });
  });
  loop_->run();
  writer.join();
  EXPECT_EQ(output_, sent);
  EXPECT_EQ(closed_, 7U);
}

TEST_F(GuestStreamsTest, TerminalOutputIsCompleteAfterDrain) {
  int master = -1;
  int slave = -1;
  ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
  termios raw{};
  ASSERT_EQ(::tcgetattr(slave, &raw), 0);
  ::cfmakeraw(&raw);
  ASSERT_EQ(::tcsetattr(slave, TCSANOW, &raw), 0);
  // An end of its own, as the guest has it: the flags are not ours.
  const std::string name = ::ptsname(master);
  Fd guest(::open(name.c_str(), O_RDWR | O_NOCTTY));
  ASSERT_TRUE(guest.valid() && streams_->add_terminal(3, Fd(master), Fd(slave)) &&
              streams_->start());
  std::string sent;
  for (int i = 0; i < 200; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    ASSERT_TRUE(write_all(guest.get(), std::as_bytes(std::span(line))));
    sent += line;
  }
  streams_->drain();
  EXPECT_EQ(output_, sent);
  streams_->drain();
  EXPECT_EQ(output_, sent);
}

TEST_F(GuestStreamsTest, ABrokenOutputGivesTheGuestSigpipe) {
  std::signal(SIGPIPE, SIG_IGN);
  auto guest = streams_->add_output_pipe(9);
  ASSERT_TRUE(guest && streams_->start());
  streams_->break_output(9);
  EXPECT_EQ(::write(guest->get(), "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
}

TEST_F(GuestStreamsTest, AnInputThatTheGuestClosesIsTold) {
  auto guest = streams_->add_input_pipe(4);
  ASSERT_TRUE(guest && streams_->start());
  guest->reset();
  loop_->run();
  EXPECT_EQ(closed_, 4U);
}

}  // namespace
}  // namespace llrun
