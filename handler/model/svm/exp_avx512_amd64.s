#include "textflag.h"
#include "exp_amd64.h"

// func expAVX512(v *float64, n int, gamma float64, c *constantTable, table *libm.Table)
//
// The steps are those of libm.Exp, eight lanes at a time. In Go's assembly
// VSUBPD b, a, d is d = a-b; VFMADD231PD c, b, d is d += b*c, and
// VFMADD213PD c, b, d is d = b*d + c.
TEXT ·expAVX512(SB), NOSPLIT, $128-40
	MOVQ v+0(FP), DI
	MOVQ n+8(FP), SI
	VBROADCASTSD gamma+16(FP), Z31
	MOVQ c+24(FP), R9
	MOVQ table+32(FP), R11
	LEAQ 63(SP), R12
	ANDQ $~63, R12
	VMOVUPD INVLN2N(R9), Z30
	VMOVUPD SHIFT(R9), Z29
	VMOVUPD NEGLN2HI(R9), Z28
	VMOVUPD NEGLN2LO(R9), Z27
	VMOVUPD POLY2(R9), Z26
	VMOVUPD POLY3(R9), Z25
	VMOVUPD POLY4(R9), Z24
	VMOVUPD POLY5(R9), Z23
	VMOVUPD SPECIAL(R9), Z22
	VMOVDQU64 MASK(R9), Z21

loop:
	// x = gamma v = n ln2/128 + r: r to Z1, n to the low bits of Z2
	VMULPD (DI), Z31, Z1
	VMOVAPD Z29, Z2
	VFMADD231PD Z30, Z1, Z2
	VCMPPD $2, Z22, Z1, K1
	VPSLLQ $4, Z2, Z3
	VPANDQ Z21, Z3, Z3
	VMOVDQU64 Z3, (R12)
	VSUBPD Z29, Z2, Z4
	VPSLLQ $45, Z2, Z2
	VFMADD231PD Z28, Z4, Z1
	VFMADD231PD Z27, Z4, Z1

	// The eight entries of the table, by loads of 16 bytes, which take half
	// the time of two gathers: tails to Z7, bits to Z8.
	MOVQ 0(R12), AX
	MOVQ 8(R12), BX
	MOVQ 16(R12), CX
	MOVQ 24(R12), DX
	VMOVUPD (R11)(AX*1), X3
	VMOVUPD (R11)(BX*1), X4
	VINSERTF128 $1, (R11)(CX*1), Y3, Y3
	VINSERTF128 $1, (R11)(DX*1), Y4, Y4
	MOVQ 32(R12), AX
	MOVQ 40(R12), BX
	MOVQ 48(R12), CX
	MOVQ 56(R12), DX
	VMOVUPD (R11)(AX*1), X5
	VMOVUPD (R11)(BX*1), X6
	VINSERTF128 $1, (R11)(CX*1), Y5, Y5
	VINSERTF128 $1, (R11)(DX*1), Y6, Y6
	VINSERTF64X4 $1, Y5, Z3, Z3
	VINSERTF64X4 $1, Y6, Z4, Z4
	VUNPCKLPD Z4, Z3, Z7
	VUNPCKHPD Z4, Z3, Z8

	// exp(r)-1 to Z7, the bits of 2^(n/128) to Z2
	VMOVAPD Z26, Z3
	VMOVAPD Z24, Z4
	VADDPD Z1, Z7, Z7
	VFMADD231PD Z25, Z1, Z3
	VFMADD231PD Z23, Z1, Z4
	VMULPD Z1, Z1, Z1
	VPADDQ Z2, Z8, Z2
	VFMADD231PD Z3, Z1, Z7
	VMULPD Z1, Z1, Z1
	VFMADD231PD Z4, Z1, Z7
	KORTESTB K1, K1
	JNZ special
	VFMADD213PD Z2, Z2, Z7

store:
	VMOVUPD Z7, (DI)
	ADDQ $64, DI
	SUBQ $8, SI
	JNZ loop
	VZEROUPPER
	RET

special:
	// Some x is -512 or less: libm's expSpecial in the lanes of K1.
	VMOVAPD Z7, Z8
	VFMADD213PD Z2, Z2, Z8
	VPADDQ UNBIAS(R9), Z2, Z2
	VMOVUPD ONE(R9), Z0
	VMULPD Z2, Z7, Z7           // product
	VADDPD Z7, Z2, Z3           // y
	VSUBPD Z3, Z2, Z2
	VADDPD Z7, Z2, Z2           // lo
	VADDPD Z0, Z3, Z4           // hi
	VSUBPD Z4, Z0, Z5
	VADDPD Z3, Z5, Z5
	VADDPD Z2, Z5, Z5
	VADDPD Z4, Z5, Z5
	VSUBPD Z0, Z5, Z5           // y rounded to a subnormal's precision
	VCMPPD $1, Z0, Z3, K2
	VMOVAPD Z5, K2, Z3
	VMULPD SMALLEST(R9), Z3, Z3
	VMULPD (DI), Z31, Z1
	VCMPPD $6, ZERO(R9), Z1, K2
	VMOVAPD.Z Z3, K2, Z3        // 0 where x is -1024 or less
	VMOVAPD Z8, Z7
	VMOVAPD Z3, K1, Z7
	JMP store
