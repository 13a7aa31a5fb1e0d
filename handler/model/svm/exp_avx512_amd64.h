// exp in eight lanes, with the steps of libm.Exp. In Go's assembly VSUBPD b, a, d
// is d = a-b; VFMADD231PD c, b, d is d += b*c, VFMADD213PD c, b, d is d = b*d+c.
//
// R9 points to the constants, R11 to the table; gamma, negative, is in Z31.
// R12 becomes 128 aligned bytes of the frame, which must be of 192. Z0 to Z8 and
// AX to DX are scratch.

#include "exp_amd64.h"

#define CONSTANTS512 \
	LEAQ 63(SP), R12; \
	ANDQ $~63, R12; \
	VMOVUPD INVLN2N(R9), Z30; \
	VMOVUPD SHIFT(R9), Z29; \
	VMOVUPD NEGLN2HI(R9), Z28; \
	VMOVUPD NEGLN2LO(R9), Z27; \
	VMOVUPD POLY2(R9), Z26; \
	VMOVUPD POLY3(R9), Z25; \
	VMOVUPD POLY4(R9), Z24; \
	VMOVUPD POLY5(R9), Z23; \
	VMOVUPD SPECIAL(R9), Z22; \
	VMOVDQU64 MASK(R9), Z21

// REDUCE512 writes x = gamma Z0 as n ln2/128 + r: r in Z1, the exponent of 2^(n/128)
// in Z2, the places of its entries in the table to (R12). K1 is where x <= -512.
#define REDUCE512 \
	VMULPD Z0, Z31, Z1; \
	VMOVAPD Z29, Z2; \
	VFMADD231PD Z30, Z1, Z2; \
	VCMPPD $2, Z22, Z1, K1; \
	VPSLLQ $4, Z2, Z3; \
	VPANDQ Z21, Z3, Z3; \
	VMOVDQU64 Z3, (R12); \
	VSUBPD Z29, Z2, Z4; \
	VPSLLQ $45, Z2, Z2; \
	VFMADD231PD Z28, Z4, Z1; \
	VFMADD231PD Z27, Z4, Z1

// LOOKUP512 reads the eight entries, tails to Z7 and bits to Z8. Sixteen bytes at
// a time they take half the time of two gathers.
#define LOOKUP512 \
	MOVQ 0(R12), AX; \
	MOVQ 8(R12), BX; \
	MOVQ 16(R12), CX; \
	MOVQ 24(R12), DX; \
	VMOVUPD (R11)(AX*1), X3; \
	VMOVUPD (R11)(BX*1), X4; \
	VINSERTF128 $1, (R11)(CX*1), Y3, Y3; \
	VINSERTF128 $1, (R11)(DX*1), Y4, Y4; \
	MOVQ 32(R12), AX; \
	MOVQ 40(R12), BX; \
	MOVQ 48(R12), CX; \
	MOVQ 56(R12), DX; \
	VMOVUPD (R11)(AX*1), X5; \
	VMOVUPD (R11)(BX*1), X6; \
	VINSERTF128 $1, (R11)(CX*1), Y5, Y5; \
	VINSERTF128 $1, (R11)(DX*1), Y6, Y6; \
	VINSERTF64X4 $1, Y5, Z3, Z3; \
	VINSERTF64X4 $1, Y6, Z4, Z4; \
	VUNPCKLPD Z4, Z3, Z7; \
	VUNPCKHPD Z4, Z3, Z8

// POLYNOMIAL512 makes Z7 exp(r)-1 and Z2 the bits of 2^(n/128).
#define POLYNOMIAL512 \
	VMOVAPD Z26, Z3; \
	VMOVAPD Z24, Z4; \
	VADDPD Z1, Z7, Z7; \
	VFMADD231PD Z25, Z1, Z3; \
	VFMADD231PD Z23, Z1, Z4; \
	VMULPD Z1, Z1, Z1; \
	VPADDQ Z2, Z8, Z2; \
	VFMADD231PD Z3, Z1, Z7; \
	VMULPD Z1, Z1, Z1; \
	VFMADD231PD Z4, Z1, Z7

// SCALE512 makes Z7 the result where no x is as low as -512,
#define SCALE512 \
	VFMADD213PD Z2, Z2, Z7

// and SPECIAL512 where some are: libm's expSpecial in the lanes of K1, with its
// product in Z7, y in Z3, lo in Z2, hi in Z4 and the rounded y in Z5; 0 where x is
// -1024 or less.
#define SPECIAL512 \
	VMOVAPD Z7, Z8; \
	VFMADD213PD Z2, Z2, Z8; \
	VPADDQ UNBIAS(R9), Z2, Z2; \
	VMOVUPD ONE(R9), Z6; \
	VMULPD Z2, Z7, Z7; \
	VADDPD Z7, Z2, Z3; \
	VSUBPD Z3, Z2, Z2; \
	VADDPD Z7, Z2, Z2; \
	VADDPD Z6, Z3, Z4; \
	VSUBPD Z4, Z6, Z5; \
	VADDPD Z3, Z5, Z5; \
	VADDPD Z2, Z5, Z5; \
	VADDPD Z4, Z5, Z5; \
	VSUBPD Z6, Z5, Z5; \
	VCMPPD $1, Z6, Z3, K2; \
	VMOVAPD Z5, K2, Z3; \
	VMULPD SMALLEST(R9), Z3, Z3; \
	VMULPD Z0, Z31, Z1; \
	VCMPPD $6, ZERO(R9), Z1, K2; \
	VMOVAPD.Z Z3, K2, Z3; \
	VMOVAPD Z8, Z7; \
	VMOVAPD Z3, K1, Z7
