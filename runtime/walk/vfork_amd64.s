#include "textflag.h"

// func vfork(number, a1, a2 uintptr) (result, errno uintptr)
//
// The return address is kept in a register: the child writes over the stack.
TEXT ·vfork(SB),NOSPLIT|NOFRAME,$0-40
	MOVQ	number+0(FP), AX
	MOVQ	a1+8(FP), DI
	MOVQ	a2+16(FP), SI
	MOVQ	$0, DX
	MOVQ	$0, R10
	MOVQ	$0, R8
	MOVQ	$0, R9
	POPQ	R12
	SYSCALL
	PUSHQ	R12
	CMPQ	AX, $-4096
	JLS	good
	MOVQ	$0, result+24(FP)
	NEGQ	AX
	MOVQ	AX, errno+32(FP)
	RET
good:
	MOVQ	AX, result+24(FP)
	MOVQ	$0, errno+32(FP)
	RET
