// The code of the stub page (abi.h), and the whole program of the stub executable, whose entry is the park
// loop. The build refuses relocations, undefined symbols and writable data (check_stub.cmake).
#include "tracer/stub/abi.h"

#define SYS_PAUSE 34
#define SYS_RT_SIGPROCMASK 14
#define SIG_SETMASK 2

        .text
        .globl  llrun_stub_page, llrun_stub_start
llrun_stub_page:
        .org    llrun_stub_page + LLRUN_STUB_SYSCALL, 0xcc
        syscall
        int3

        .org    llrun_stub_page + LLRUN_STUB_PARK, 0xcc
llrun_stub_start:
park:   mov     $SYS_PAUSE, %eax
        syscall
        jmp     park

        .org    llrun_stub_page + LLRUN_STUB_BATCH, 0xcc
batch:  test    %r13, %r13
        jz      batch_end
        mov     LLRUN_STUB_CALL_NUMBER(%r12), %rax
        mov     LLRUN_STUB_CALL_ARGUMENTS + 0(%r12), %rdi
        mov     LLRUN_STUB_CALL_ARGUMENTS + 8(%r12), %rsi
        mov     LLRUN_STUB_CALL_ARGUMENTS + 16(%r12), %rdx
        mov     LLRUN_STUB_CALL_ARGUMENTS + 24(%r12), %r10
        mov     LLRUN_STUB_CALL_ARGUMENTS + 32(%r12), %r8
        mov     LLRUN_STUB_CALL_ARGUMENTS + 40(%r12), %r9
        syscall
        mov     %rax, LLRUN_STUB_CALL_RESULT(%r12)
        add     $LLRUN_STUB_CALL_SIZE, %r12
        dec     %r13
        jmp     batch

        .org    llrun_stub_page + LLRUN_STUB_BATCH_END, 0xcc
batch_end:
        int3

        // The stack pointer and the flags are the program's all the time: signals come again with the mask.
        .org    llrun_stub_page + LLRUN_STUB_RETURNING, 0xcc
        syscall
        .org    llrun_stub_page + LLRUN_STUB_RETURN, 0xcc
        mov     $SYS_RT_SIGPROCMASK, %eax
        mov     $SIG_SETMASK, %edi
        lea     frame + LLRUN_STUB_FRAME_MASK(%rip), %rsi
        mov     $0, %edx
        mov     $8, %r10d
        syscall
        mov     frame + LLRUN_STUB_FRAME_RBX(%rip), %rbx
        mov     frame + LLRUN_STUB_FRAME_RBP(%rip), %rbp
        mov     frame + LLRUN_STUB_FRAME_RDX(%rip), %rdx
        mov     frame + LLRUN_STUB_FRAME_RSI(%rip), %rsi
        mov     frame + LLRUN_STUB_FRAME_RDI(%rip), %rdi
        mov     frame + LLRUN_STUB_FRAME_R8(%rip), %r8
        mov     frame + LLRUN_STUB_FRAME_R9(%rip), %r9
        mov     frame + LLRUN_STUB_FRAME_R10(%rip), %r10
        mov     frame + LLRUN_STUB_FRAME_R12(%rip), %r12
        mov     frame + LLRUN_STUB_FRAME_R13(%rip), %r13
        mov     frame + LLRUN_STUB_FRAME_R14(%rip), %r14
        mov     frame + LLRUN_STUB_FRAME_R15(%rip), %r15
        mov     frame + LLRUN_STUB_FRAME_RAX(%rip), %rax
        mov     frame + LLRUN_STUB_FRAME_RCX(%rip), %rcx
        mov     frame + LLRUN_STUB_FRAME_R11(%rip), %r11
        jmp     *frame + LLRUN_STUB_FRAME_RIP(%rip)

        .org    llrun_stub_page + LLRUN_STUB_FRAME, 0xcc
frame:  .skip   LLRUN_STUB_FRAME_SIZE
        .org    llrun_stub_page + LLRUN_STUB_RETURNING_END, 0xcc

        .org    llrun_stub_page + LLRUN_STUB_SIZE, 0xcc
        .section .note.GNU-stack, "", @progbits
