// The stub's page and executable as bytes of the library.
        .section .rodata
        .globl  llrun_stub_page_bytes, llrun_stub_executable_bytes, llrun_stub_executable_end
        .balign 4096
llrun_stub_page_bytes:
        .incbin "stub.bin"
        .balign 16
llrun_stub_executable_bytes:
        .incbin "llrun-stub"
llrun_stub_executable_end:
        .byte   0
        .section .note.GNU-stack, "", @progbits
