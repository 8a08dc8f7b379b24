#include "go_asm.h"
#include "textflag.h"

// func loop() unsafe.Pointer
TEXT ·loop(SB),NOSPLIT,$0-8
	MOVD	$code<>(SB), R0
	MOVD	R0, ret+0(FP)
	RET

// The loop (table.go): R20 is the head, R19 the line.
TEXT code<>(SB),NOSPLIT|NOFRAME,$0
	MOVD	$const_dataAddress, R20
	ADD	$const_headOffset, R20
	ADD	$const_headSize, R20, R19
next:
	MOVD	0(R19), R8
	MOVD	(const_argsOffset+0)(R19), R0
	MOVD	(const_argsOffset+8)(R19), R1
	MOVD	(const_argsOffset+16)(R19), R2
	MOVD	(const_argsOffset+24)(R19), R3
	MOVD	(const_argsOffset+32)(R19), R4
	MOVD	(const_argsOffset+40)(R19), R5
	CMN	$1, R8 // the end
	BEQ	fail
	CMN	$2, R8 // Difference
	BEQ	difference
	SVC
result:
	MOVD	const_toOffset(R19), R1
	MOVD	R0, (R1)
	CMN	$4095, R0
	BCS	error
	CBZ	R0, zero
	MOVD	const_thenOffset(R19), R19
	B	next
zero:
	MOVD	const_zeroOffset(R19), R19
	B	next
difference:
	MOVD	0(R0), R0
	MOVD	0(R1), R1
	SUB	R1, R0, R0
	AND	R2, R0, R0
	B	result
error:
	NEG	R0, R0
	MOVD	(const_acceptOffset+0)(R19), R1
	CMP	$const_MaxErrno, R1
	BHI	accepted
	CMP	R1, R0
	BEQ	accepted
	MOVD	(const_acceptOffset+8)(R19), R1
	CMP	R1, R0
	BEQ	accepted
	MOVD	(const_acceptOffset+16)(R19), R1
	CMP	R1, R0
	BEQ	accepted
	MOVD	(const_acceptOffset+24)(R19), R1
	CMP	R1, R0
	BEQ	accepted
fail:
	MOVD	$64, R8 // write
	MOVD	0(R20), R0
	MOVD	8(R20), R1
	MOVD	16(R20), R2
	SVC
	MOVD	$94, R8 // exit_group
	MOVD	$const_ExitFailed, R0
	SVC
	UNDEF
accepted:
	MOVD	const_elseOffset(R19), R19
	B	next
