// Validation of what another node wrote, before anything is made of it.
//
// Protocol Buffers guarantee types, not sense. What is checked here: that sizes are those of the
// kernel's structures, that ranges are ranges and do not overlap, that indices point somewhere,
// that numbers are within what the kernel knows. Whether a restore succeeds is another question; it
// must not be able to do harm.
#pragma once

#include "base/result.h"
#include "imagefmt/image.pb.h"

namespace llrun {

// kProtocol: which record makes no sense.
[[nodiscard]] Result<> validate(const image::Process& process);
// Stretches of the program's half of the address space.
[[nodiscard]] Result<> validate(const google::protobuf::RepeatedPtrField<image::PageRange>& ranges);

}  // namespace llrun
