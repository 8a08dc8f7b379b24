#include "go_asm.h"
#include "textflag.h"

// func trampolineCode() unsafe.Pointer
TEXT ·trampolineCode(SB),NOSPLIT,$0-8
	MOVD	$trampoline<>(SB), R0
	MOVD	R0, ret+0(FP)
	RET

// The loop of the trampoline: R20 is its memory, R19 the step (trampoline.go).
TEXT trampoline<>(SB),NOSPLIT|NOFRAME,$0
	MOVD	$const_dataAddress, R20
	ADD	$const_headOffset, R20
	ADD	$const_headSize, R20, R19
next:
	MOVD	0(R19), R8
	CMN	$1, R8
	BEQ	fail
	MOVD	8(R19), R0
	MOVD	16(R19), R1
	MOVD	24(R19), R2
	MOVD	32(R19), R3
	MOVD	40(R19), R4
	MOVD	48(R19), R5
	SVC
	MOVD	R0, const_resultOffset(R19)
	CMN	$4095, R0
	BCC	done
	NEG	R0, R0
	MOVD	56(R19), R1
	CMP	R1, R0
	BEQ	done
	MOVD	64(R19), R1
	CMP	R1, R0
	BEQ	done
	MOVD	72(R19), R1
	CMP	R1, R0
	BEQ	done
	MOVD	80(R19), R1
	CMP	R1, R0
	BEQ	done
fail:
	MOVD	$64, R8 // write
	MOVD	0(R20), R0
	MOVD	8(R20), R1
	MOVD	16(R20), R2
	SVC
	MOVD	$94, R8 // exit_group
	MOVD	$const_exitUnborn, R0
	SVC
	UNDEF
done:
	ADD	$const_entrySize, R19
	B	next
