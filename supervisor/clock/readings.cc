#include "supervisor/clock/readings.h"

namespace llrun {

protocol::ClockReading told(const ClockReading& reading) {
  protocol::ClockReading message;
  message.set_monotonic_ns(reading.monotonic_ns);
  message.set_boottime_ns(reading.boottime_ns);
  message.set_realtime_ns(reading.realtime_ns);
  return message;
}

ClockReading heard(const protocol::ClockReading& reading) {
  return {reading.monotonic_ns(), reading.boottime_ns(), reading.realtime_ns()};
}

}  // namespace llrun
