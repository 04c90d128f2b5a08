// Well-formed inputs of the job's fuzzer: the first byte says who reads the rest.
#pragma once

namespace llrun::fuzz {

enum JobInput : unsigned char {
  kFromGuest,  // a JobMessage that home reads
  kFromHome,   // a JobMessage that the guest's side reads; a byte before it chooses a plan
  kFileReply,  // a frame for /dev/fuse
  kCredits,    // steps of streams and credits
  kJobInputs,
};

}  // namespace llrun::fuzz
