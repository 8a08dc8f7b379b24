package table

const machine = 0xb7 // EM_AARCH64
