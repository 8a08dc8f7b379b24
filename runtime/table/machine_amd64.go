package table

const machine = 0x3e // EM_X86_64
