// exp in four lanes: see exp_avx512_amd64.h. Gamma is in Y15; R12 becomes 64 aligned
// bytes of the frame, which must be of 96. Y0 to Y7, AX to DX and R15 are scratch.

#include "exp_amd64.h"

#define CONSTANTS256 \
	LEAQ 31(SP), R12; \
	ANDQ $~31, R12; \
	VMOVUPD INVLN2N(R9), Y14; \
	VMOVUPD SHIFT(R9), Y13; \
	VMOVUPD NEGLN2HI(R9), Y12; \
	VMOVUPD NEGLN2LO(R9), Y11; \
	VMOVDQU MASK(R9), Y10; \
	VMOVUPD SPECIAL(R9), Y9

// REDUCE256 writes x = gamma Y0 as n ln2/128 + r: r in Y1, the exponent of 2^(n/128)
// in Y2, the places of its entries in the table to (R12). Y7 is where x <= -512,
// and R15 is not 0 if it is so anywhere.
#define REDUCE256 \
	VMULPD Y0, Y15, Y1; \
	VMOVAPD Y13, Y2; \
	VFMADD231PD Y14, Y1, Y2; \
	VCMPPD $2, Y9, Y1, Y7; \
	VMOVMSKPD Y7, R15; \
	VPSLLQ $4, Y2, Y3; \
	VPAND Y10, Y3, Y3; \
	VMOVDQU Y3, (R12); \
	VSUBPD Y13, Y2, Y4; \
	VPSLLQ $45, Y2, Y2; \
	VFMADD231PD Y12, Y4, Y1; \
	VFMADD231PD Y11, Y4, Y1

// LOOKUP256 reads the four entries, tails to Y5 and bits to Y6.
#define LOOKUP256 \
	MOVQ 0(R12), AX; \
	MOVQ 8(R12), BX; \
	MOVQ 16(R12), CX; \
	MOVQ 24(R12), DX; \
	VMOVUPD (R11)(AX*1), X3; \
	VMOVUPD (R11)(BX*1), X4; \
	VINSERTF128 $1, (R11)(CX*1), Y3, Y3; \
	VINSERTF128 $1, (R11)(DX*1), Y4, Y4; \
	VUNPCKLPD Y4, Y3, Y5; \
	VUNPCKHPD Y4, Y3, Y6

// POLYNOMIAL256 makes Y5 exp(r)-1 and Y2 the bits of 2^(n/128).
#define POLYNOMIAL256 \
	VMOVUPD POLY2(R9), Y3; \
	VMOVUPD POLY4(R9), Y4; \
	VADDPD Y1, Y5, Y5; \
	VFMADD231PD POLY3(R9), Y1, Y3; \
	VFMADD231PD POLY5(R9), Y1, Y4; \
	VMULPD Y1, Y1, Y1; \
	VPADDQ Y2, Y6, Y2; \
	VFMADD231PD Y3, Y1, Y5; \
	VMULPD Y1, Y1, Y1; \
	VFMADD231PD Y4, Y1, Y5

// SCALE256 makes Y5 the result where no x is as low as -512,
#define SCALE256 \
	VFMADD213PD Y2, Y2, Y5

// and SPECIAL256 where some are: libm's expSpecial in the lanes of Y7, with its
// product in Y5, y in Y3, lo in Y2, hi in Y4 and then the rounded y in Y5; 0 where x
// is -1024 or less.
#define SPECIAL256 \
	VMOVAPD Y5, Y6; \
	VFMADD213PD Y2, Y2, Y6; \
	VPADDQ UNBIAS(R9), Y2, Y2; \
	VMULPD Y2, Y5, Y5; \
	VADDPD Y5, Y2, Y3; \
	VSUBPD Y3, Y2, Y2; \
	VADDPD Y5, Y2, Y2; \
	VADDPD ONE(R9), Y3, Y4; \
	VMOVUPD ONE(R9), Y1; \
	VSUBPD Y4, Y1, Y5; \
	VADDPD Y3, Y5, Y5; \
	VADDPD Y2, Y5, Y5; \
	VADDPD Y4, Y5, Y5; \
	VSUBPD Y1, Y5, Y5; \
	VCMPPD $1, Y1, Y3, Y4; \
	VBLENDVPD Y4, Y5, Y3, Y3; \
	VMULPD SMALLEST(R9), Y3, Y3; \
	VMULPD Y0, Y15, Y1; \
	VCMPPD $6, ZERO(R9), Y1, Y4; \
	VANDPD Y4, Y3, Y3; \
	VBLENDVPD Y7, Y3, Y6, Y5
