// The code of the stub page (abi.h), and the whole program of the stub executable, whose entry is the park
// loop. The build refuses relocations, undefined symbols and writable data (check_stub.cmake).
#include "tracer/stub/abi.h"

#define SYS_PAUSE 34

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

        .org    llrun_stub_page + LLRUN_STUB_SIZE, 0xcc
        .section .note.GNU-stack, "", @progbits
