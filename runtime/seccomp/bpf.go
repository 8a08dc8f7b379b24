package seccomp

// The instructions of a seccomp filter (classic BPF). A piece of program is
// position-independent: its jumps stay inside it.

import (
	"slices"

	"golang.org/x/sys/unix"
)

type (
	instruction = unix.SockFilter
	program     = []unix.SockFilter
)

// load sets A to the 32-bit word of struct seccomp_data at offset.
func load(offset uint32) instruction {
	return instruction{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

// and sets A to A & mask.
func and(mask uint32) instruction {
	return instruction{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: mask}
}

// jump skips yes instructions if A op k, else no instructions.
func jump(op uint16, k uint32, yes, no uint8) instruction {
	return instruction{Code: unix.BPF_JMP | op | unix.BPF_K, Jt: yes, Jf: no, K: k}
}

// always skips k instructions.
func always(k uint32) instruction {
	return instruction{Code: unix.BPF_JMP | unix.BPF_JA, K: k}
}

// ret returns a word.
func ret(word uint32) instruction {
	return instruction{Code: unix.BPF_RET | unix.BPF_K, K: word}
}

// jumpToEnd makes the conditional jump p[at] go to the end of p if its condition
// holds. A conditional jump reaches 255 instructions; beyond that it skips an
// unconditional jump, which has 32 bits:
//
//	jge k, far        jge k, +0, +1
//	…             →   ja far
//	                  …
func jumpToEnd(p program, at int) program {
	distance := len(p) - at - 1
	if distance <= 255 {
		p[at].Jt = uint8(distance)
		return p
	}
	p[at].Jt, p[at].Jf = 0, 1
	return slices.Insert(p, at+1, always(uint32(distance)))
}
