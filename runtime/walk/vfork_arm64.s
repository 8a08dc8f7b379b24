#include "textflag.h"

// func vfork(number, a1, a2 uintptr) (result, errno uintptr)
//
// The return address is in a register already: the child writes over the stack.
TEXT ·vfork(SB),NOSPLIT|NOFRAME,$0-40
	MOVD	number+0(FP), R8
	MOVD	a1+8(FP), R0
	MOVD	a2+16(FP), R1
	MOVD	$0, R2
	MOVD	$0, R3
	MOVD	$0, R4
	MOVD	$0, R5
	SVC
	CMN	$4095, R0
	BCC	good
	MOVD	$0, R1
	MOVD	R1, result+24(FP)
	NEG	R0, R0
	MOVD	R0, errno+32(FP)
	RET
good:
	MOVD	R0, result+24(FP)
	MOVD	ZR, errno+32(FP)
	RET
