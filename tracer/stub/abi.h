/* The stub page: what its code promises. Read by assembler and C++ alike, so macros only.
 *
 * One page of position-independent code without data, mapped in a hole of a process that is being
 * captured, is a shadow, or is being filled. Offsets are from the start of the page. */
#ifndef LLRUN_TRACER_STUB_ABI_H
#define LLRUN_TRACER_STUB_ABI_H

/* syscall; int3. For one injected call. */
#define LLRUN_STUB_SYSCALL 0x00
/* A loop around pause(2): where the threads of a shadow sleep. Needs no stack and no register. */
#define LLRUN_STUB_PARK 0x10
/* Runs r13 calls described by an array of struct llrun_stub_call at r12, then int3. */
#define LLRUN_STUB_BATCH 0x40
/* The int3 that ends a batch. */
#define LLRUN_STUB_BATCH_END 0xa0
/* Where the code ends; the rest of the page is int3. */
#define LLRUN_STUB_SIZE 0x1000

/* struct llrun_stub_call: number, six arguments, result; eight bytes each. */
#define LLRUN_STUB_CALL_NUMBER 0
#define LLRUN_STUB_CALL_ARGUMENTS 8
#define LLRUN_STUB_CALL_RESULT 56
#define LLRUN_STUB_CALL_SIZE 64

#endif
