/* The stub page: what its code promises. Read by assembler and C++ alike, so macros only.
 *
 * One page of position-independent code, with no data but the frame of the returning code, mapped
 * in a hole of a process that is being captured, is a shadow, or is being filled. Offsets are from
 * the start of the page. */
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
/* A syscall instruction, and code that makes the thread what the frame says: for calls in a program
 * whose tracer may vanish. It needs no stack, and writes to no memory. */
#define LLRUN_STUB_RETURNING 0x100
#define LLRUN_STUB_RETURN 0x102
/* struct llrun_stub_frame: registers and signal mask, eight bytes each. It ends the returning code,
 * which may be copied elsewhere with it. */
#define LLRUN_STUB_FRAME 0x1c0
#define LLRUN_STUB_RETURNING_END 0x248
/* Where the code ends; the rest of the page is int3. */
#define LLRUN_STUB_SIZE 0x1000

/* struct llrun_stub_call: number, six arguments, result; eight bytes each. */
#define LLRUN_STUB_CALL_NUMBER 0
#define LLRUN_STUB_CALL_ARGUMENTS 8
#define LLRUN_STUB_CALL_RESULT 56
#define LLRUN_STUB_CALL_SIZE 64

#define LLRUN_STUB_FRAME_RAX 0
#define LLRUN_STUB_FRAME_RBX 8
#define LLRUN_STUB_FRAME_RCX 16
#define LLRUN_STUB_FRAME_RDX 24
#define LLRUN_STUB_FRAME_RSI 32
#define LLRUN_STUB_FRAME_RDI 40
#define LLRUN_STUB_FRAME_RBP 48
#define LLRUN_STUB_FRAME_R8 56
#define LLRUN_STUB_FRAME_R9 64
#define LLRUN_STUB_FRAME_R10 72
#define LLRUN_STUB_FRAME_R11 80
#define LLRUN_STUB_FRAME_R12 88
#define LLRUN_STUB_FRAME_R13 96
#define LLRUN_STUB_FRAME_R14 104
#define LLRUN_STUB_FRAME_R15 112
#define LLRUN_STUB_FRAME_RIP 120
#define LLRUN_STUB_FRAME_MASK 128
#define LLRUN_STUB_FRAME_SIZE 136

#endif
