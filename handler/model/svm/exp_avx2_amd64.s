#include "textflag.h"
#include "exp_amd64.h"

// func expAVX2(v *float64, n int, gamma float64, c *constantTable, table *libm.Table)
//
// As expAVX512, in four lanes.
TEXT ·expAVX2(SB), NOSPLIT, $64-40
	MOVQ v+0(FP), DI
	MOVQ n+8(FP), SI
	VBROADCASTSD gamma+16(FP), Y15
	MOVQ c+24(FP), R9
	MOVQ table+32(FP), R11
	LEAQ 31(SP), R12
	ANDQ $~31, R12
	VMOVUPD INVLN2N(R9), Y14
	VMOVUPD SHIFT(R9), Y13
	VMOVUPD NEGLN2HI(R9), Y12
	VMOVUPD NEGLN2LO(R9), Y11
	VMOVDQU MASK(R9), Y10
	VMOVUPD SPECIAL(R9), Y9

loop:
	// x = gamma v = n ln2/128 + r: r to Y1, n to the low bits of Y2
	VMULPD (DI), Y15, Y1
	VMOVAPD Y13, Y2
	VFMADD231PD Y14, Y1, Y2
	VCMPPD $2, Y9, Y1, Y8
	VMOVMSKPD Y8, R13
	VPSLLQ $4, Y2, Y3
	VPAND Y10, Y3, Y3
	VMOVDQU Y3, (R12)
	VSUBPD Y13, Y2, Y4
	VPSLLQ $45, Y2, Y2
	VFMADD231PD Y12, Y4, Y1
	VFMADD231PD Y11, Y4, Y1

	// The four entries of the table: tails to Y5, bits to Y6.
	MOVQ 0(R12), AX
	MOVQ 8(R12), BX
	MOVQ 16(R12), CX
	MOVQ 24(R12), DX
	VMOVUPD (R11)(AX*1), X3
	VMOVUPD (R11)(BX*1), X4
	VINSERTF128 $1, (R11)(CX*1), Y3, Y3
	VINSERTF128 $1, (R11)(DX*1), Y4, Y4
	VUNPCKLPD Y4, Y3, Y5
	VUNPCKHPD Y4, Y3, Y6

	// exp(r)-1 to Y5, the bits of 2^(n/128) to Y2
	VMOVUPD POLY2(R9), Y3
	VMOVUPD POLY4(R9), Y4
	VADDPD Y1, Y5, Y5
	VFMADD231PD POLY3(R9), Y1, Y3
	VFMADD231PD POLY5(R9), Y1, Y4
	VMULPD Y1, Y1, Y1
	VPADDQ Y2, Y6, Y2
	VFMADD231PD Y3, Y1, Y5
	VMULPD Y1, Y1, Y1
	VFMADD231PD Y4, Y1, Y5
	TESTL R13, R13
	JNZ special
	VFMADD213PD Y2, Y2, Y5

store:
	VMOVUPD Y5, (DI)
	ADDQ $32, DI
	SUBQ $4, SI
	JNZ loop
	VZEROUPPER
	RET

special:
	// Some x is -512 or less: libm's expSpecial in the lanes of Y8.
	VMOVAPD Y5, Y6
	VFMADD213PD Y2, Y2, Y6
	VPADDQ UNBIAS(R9), Y2, Y2
	VMOVUPD ONE(R9), Y0
	VMULPD Y2, Y5, Y5           // product
	VADDPD Y5, Y2, Y3           // y
	VSUBPD Y3, Y2, Y2
	VADDPD Y5, Y2, Y2           // lo
	VADDPD Y0, Y3, Y4           // hi
	VSUBPD Y4, Y0, Y5
	VADDPD Y3, Y5, Y5
	VADDPD Y2, Y5, Y5
	VADDPD Y4, Y5, Y5
	VSUBPD Y0, Y5, Y5           // y rounded to a subnormal's precision
	VCMPPD $1, Y0, Y3, Y4
	VBLENDVPD Y4, Y5, Y3, Y3
	VMULPD SMALLEST(R9), Y3, Y3
	VMULPD (DI), Y15, Y1
	VCMPPD $6, ZERO(R9), Y1, Y4
	VANDPD Y4, Y3, Y3           // 0 where x is -1024 or less
	VBLENDVPD Y8, Y3, Y6, Y5
	JMP store
