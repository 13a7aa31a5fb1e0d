#include "textflag.h"
#include "exp_avx512_amd64.h"

// func rowAVX512(x, vectors, alpha *float64, blocks, dims int, gamma float64, c *constantTable, table *libm.Table) float64
//
// The sum is in X9. Adding to it takes as long as exp of the next block, which
// the processor does at the same time.
TEXT ·rowAVX512(SB), NOSPLIT, $192-72
	MOVQ x+0(FP), DI
	MOVQ vectors+8(FP), SI
	MOVQ alpha+16(FP), R8
	MOVQ blocks+24(FP), R10
	MOVQ dims+32(FP), R13
	VBROADCASTSD gamma+40(FP), Z31
	MOVQ c+48(FP), R9
	MOVQ table+56(FP), R11
	CONSTANTS512
	VXORPD X9, X9, X9

block:
	VXORPD X0, X0, X0
	MOVQ DI, AX
	MOVQ R13, CX

feature:
	VBROADCASTSD (AX), Z1
	VSUBPD (SI), Z1, Z1
	VMULPD Z1, Z1, Z1
	VADDPD Z1, Z0, Z0
	ADDQ $64, SI
	ADDQ $8, AX
	DECQ CX
	JNZ feature

	REDUCE512
	LOOKUP512
	POLYNOMIAL512
	KORTESTB K1, K1
	JNZ special
	SCALE512

add:
	VMULPD (R8), Z7, Z7
	VMOVUPD Z7, 64(R12)
	VADDSD 64(R12), X9, X9
	VADDSD 72(R12), X9, X9
	VADDSD 80(R12), X9, X9
	VADDSD 88(R12), X9, X9
	VADDSD 96(R12), X9, X9
	VADDSD 104(R12), X9, X9
	VADDSD 112(R12), X9, X9
	VADDSD 120(R12), X9, X9
	ADDQ $64, R8
	DECQ R10
	JNZ block
	VMOVSD X9, ret+64(FP)
	VZEROUPPER
	RET

special:
	SPECIAL512
	JMP add
