#include "textflag.h"
#include "exp_avx2_amd64.h"

// func rowAVX2(x, vectors, alpha *float64, quads, dims int, gamma float64, c *constantTable, table *libm.Table) float64
//
// The sum is in X8.
TEXT ·rowAVX2(SB), NOSPLIT, $96-72
	MOVQ x+0(FP), DI
	MOVQ vectors+8(FP), SI
	MOVQ alpha+16(FP), R8
	MOVQ quads+24(FP), R10
	VBROADCASTSD gamma+40(FP), Y15
	MOVQ c+48(FP), R9
	MOVQ table+56(FP), R11
	CONSTANTS256
	XORL R13, R13 // 1 in the second half of a block
	VXORPD X8, X8, X8

quad:
	VXORPD X0, X0, X0
	MOVQ DI, AX
	MOVQ SI, BX
	MOVQ dims+32(FP), CX

feature:
	VBROADCASTSD (AX), Y1
	VSUBPD (BX), Y1, Y1
	VMULPD Y1, Y1, Y1
	VADDPD Y1, Y0, Y0
	ADDQ $64, BX
	ADDQ $8, AX
	DECQ CX
	JNZ feature

	// The other half of the block, and after it the next block, whose first
	// feature follows on the last of this one.
	ADDQ $32, SI
	XORL $1, R13
	JNZ exp
	LEAQ -32(BX), SI

exp:
	REDUCE256
	LOOKUP256
	POLYNOMIAL256
	TESTL R15, R15
	JNZ special
	SCALE256

add:
	VMULPD (R8), Y5, Y5
	VMOVUPD Y5, 32(R12)
	VADDSD 32(R12), X8, X8
	VADDSD 40(R12), X8, X8
	VADDSD 48(R12), X8, X8
	VADDSD 56(R12), X8, X8
	ADDQ $32, R8
	DECQ R10
	JNZ quad
	VMOVSD X8, ret+64(FP)
	VZEROUPPER
	RET

special:
	SPECIAL256
	JMP add
