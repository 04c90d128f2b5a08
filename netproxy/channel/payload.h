// Payload: the bytes of a frame on their way out, moved in so that they are not copied again.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace llrun {

class Payload {
 public:
  Payload() = default;
  Payload(std::string text) : bytes_(std::move(text)) {}               // NOLINT: meant to convert
  Payload(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}  // NOLINT: meant to convert

  [[nodiscard]] std::span<const std::byte> bytes() const {
    return std::visit([](const auto& held) { return std::as_bytes(std::span(held)); }, bytes_);
  }
  [[nodiscard]] std::size_t size() const { return bytes().size(); }

 private:
  std::variant<std::string, std::vector<std::byte>> bytes_;
};

}  // namespace llrun
