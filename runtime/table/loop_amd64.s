#include "go_asm.h"
#include "textflag.h"

// func loop() unsafe.Pointer
TEXT ·loop(SB),NOSPLIT,$0-8
	LEAQ	code<>(SB), AX
	MOVQ	AX, ret+0(FP)
	RET

// The loop (table.go): R13 is the head, R12 the line, R14 the last error that
// there can be, as a result.
TEXT code<>(SB),NOSPLIT|NOFRAME,$0
	MOVQ	$(const_dataAddress+const_headOffset), R13
	LEAQ	const_headSize(R13), R12
	MOVQ	$-4096, R14
next:
	MOVQ	0(R12), AX
	MOVQ	(const_argsOffset+0)(R12), DI
	MOVQ	(const_argsOffset+8)(R12), SI
	MOVQ	(const_argsOffset+16)(R12), DX
	MOVQ	(const_argsOffset+24)(R12), R10
	MOVQ	(const_argsOffset+32)(R12), R8
	MOVQ	(const_argsOffset+40)(R12), R9
	CMPQ	AX, $-1 // the end
	JEQ	fail
	CMPQ	AX, $-2 // Difference
	JEQ	difference
	SYSCALL
result:
	MOVQ	const_toOffset(R12), CX
	MOVQ	AX, 0(CX)
	CMPQ	AX, R14
	JHI	error
	TESTQ	AX, AX
	JEQ	zero
	MOVQ	const_thenOffset(R12), R12
	JMP	next
zero:
	MOVQ	const_zeroOffset(R12), R12
	JMP	next
difference:
	MOVQ	0(DI), AX
	SUBQ	0(SI), AX
	ANDQ	DX, AX
	JMP	result
error:
	NEGQ	AX
	CMPQ	(const_acceptOffset+0)(R12), $const_MaxErrno
	JHI	accepted
	CMPQ	AX, (const_acceptOffset+0)(R12)
	JEQ	accepted
	CMPQ	AX, (const_acceptOffset+8)(R12)
	JEQ	accepted
	CMPQ	AX, (const_acceptOffset+16)(R12)
	JEQ	accepted
	CMPQ	AX, (const_acceptOffset+24)(R12)
	JEQ	accepted
fail:
	MOVQ	$1, AX // write
	MOVQ	0(R13), DI
	MOVQ	8(R13), SI
	MOVQ	16(R13), DX
	SYSCALL
	MOVQ	$231, AX // exit_group
	MOVQ	$const_ExitFailed, DI
	SYSCALL
	UD2
accepted:
	MOVQ	const_elseOffset(R12), R12
	JMP	next
