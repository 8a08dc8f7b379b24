#include "go_asm.h"
#include "textflag.h"

// func trampolineCode() unsafe.Pointer
TEXT ·trampolineCode(SB),NOSPLIT,$0-8
	LEAQ	trampoline<>(SB), AX
	MOVQ	AX, ret+0(FP)
	RET

// The loop of the trampoline: R13 is its memory, R12 the step (trampoline.go).
TEXT trampoline<>(SB),NOSPLIT|NOFRAME,$0
	MOVQ	$(const_dataAddress+const_headOffset), R13
	LEAQ	const_headSize(R13), R12
next:
	MOVQ	0(R12), AX
	CMPQ	AX, $-1
	JEQ	fail
	MOVQ	8(R12), DI
	MOVQ	16(R12), SI
	MOVQ	24(R12), DX
	MOVQ	32(R12), R10
	MOVQ	40(R12), R8
	MOVQ	48(R12), R9
	SYSCALL
	MOVQ	AX, const_resultOffset(R12)
	CMPQ	AX, $-4096
	JLS	done
	NEGQ	AX
	CMPQ	AX, 56(R12)
	JEQ	done
	CMPQ	AX, 64(R12)
	JEQ	done
	CMPQ	AX, 72(R12)
	JEQ	done
	CMPQ	AX, 80(R12)
	JEQ	done
fail:
	MOVQ	$1, AX // write
	MOVQ	0(R13), DI
	MOVQ	8(R13), SI
	MOVQ	16(R13), DX
	SYSCALL
	MOVQ	$231, AX // exit_group
	MOVQ	$const_exitUnborn, DI
	SYSCALL
	UD2
done:
	ADDQ	$const_entrySize, R12
	JMP	next
