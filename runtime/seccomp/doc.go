// Package seccomp compiles the seccomp section of an OCI config (config-linux.md,
// "Seccomp") to the BPF program that the kernel runs before every system call of a
// container.
//
// # How a filter works
//
// A process installs a small program with seccomp(2). From then on, through fork and
// execve, the kernel runs it at the entry of each system call. The program sees this
// and nothing else:
//
//	struct seccomp_data {
//		int   nr;                  // offset  0: the number of the call
//		__u32 arch;                // offset  4: the ABI the number belongs to
//		__u64 instruction_pointer; // offset  8
//		__u64 args[6];             // offset 16: the arguments, as in the registers
//	};
//
// It cannot follow pointers: it sees that open is called, not with which file. It
// returns one 32-bit word: an action (allow, fail with an errno, kill, …) and 16 bits
// of data.
//
// The program is classic BPF: one accumulator A, jumps forward only and (the
// conditional ones) at most 255 instructions far, at most 4096 instructions.
// So it always ends, and the kernel can check that before it takes it.
//
// # The shape of the program
//
//	which ABI?      ld arch; jeq AUDIT_ARCH_X86_64 …      any other is killed
//	which call?     ld nr; binary search over the numbers
//	its arguments?  only where a rule tests them
//	the action      ret ALLOW, ret ERRNO(EPERM), …
//
// The ABI comes first because the same number is another call in another ABI.
// Adjacent numbers with one action are one leaf of the search, so that Docker's
// profile of 380 calls costs seven comparisons. A call that is allowed whatever its
// arguments costs none: since Linux 5.11 the kernel runs the program with each number
// when it is installed, and caches those.
//
// # The rules of the package
//
// Every function is pure: no system calls, nothing of the host is read, the same
// section gives the same program on any machine. Reading order: profile.go (Docker's
// profile, or a file), compile.go (the program), span.go (numbers), rule.go
// (arguments), action.go (return values), bpf.go (instructions), print.go (the
// program as text), allows.go (what a program allows), table.go (names and numbers
// of calls).
package seccomp
