#include "textflag.h"

// One row is compared with all nodes of its subtree: a mask says which of them send it
// right. After that, sixteen rows are in the lanes, and follow their paths in the masks.
// Thresholds come first in a subtree, then the links.

#define ROW_BEGIN(row) \
	MOVL (4*row)(R8), AX; \
	VMOVDQU32 64(SI)(AX*1), Z0

#define ROW_END(row) \
	VPCMPUD $6, (SI)(AX*1), Z0, K1; \
	KMOVW K1, (2*row)(R9)

#define NARROW_ROW(row) \
	ROW_BEGIN(row); \
	VPERMD (64*row)(DI), Z0, Z0; \
	ROW_END(row)

#define WIDE_ROW(row) \
	ROW_BEGIN(row); \
	VMOVDQU32 (128*row)(DI), Z1; \
	VPERMI2D (64+128*row)(DI), Z1, Z0; \
	ROW_END(row)

#define EIGHT(ROW) \
	ROW(0); \
	ROW(1); \
	ROW(2); \
	ROW(3); \
	ROW(4); \
	ROW(5); \
	ROW(6); \
	ROW(7); \
	ADDQ $32, R8; \
	ADDQ $16, R9

// Z3 is the number of a node, and becomes that of its child: 2*Z3, plus bit Z3 of the mask.
#define CHILD \
	VPSRLVD Z3, Z1, Z2; \
	VPADDD Z3, Z3, Z3; \
	VPTERNLOGD $0xf8, Z16, Z2, Z3

// The byte at which the subtree begins that a link leads to. Leaves stay at the first.
#define SUBTREE(link) \
	VPMAXSD link, Z19, Z5; \
	VPANDD Z18, Z5, Z5; \
	VMOVDQU32 Z5, (R8)

// func subtrees16(leaves, begins *uint32, masks *uint16, keys *uint32, subtrees *subtree, n, lanes, levels int)
TEXT ·subtrees16(SB), NOSPLIT, $0-64
	MOVQ subtrees+32(FP), SI
	MOVL $1, AX
	VPBROADCASTD AX, Z16
	MOVL $2, AX
	VPBROADCASTD AX, Z17
	MOVL $-128, AX
	VPBROADCASTD AX, Z18
	VPXORD Z19, Z19, Z19
	MOVQ leaves+0(FP), BX
	MOVQ begins+8(FP), R8
	MOVQ n+40(FP), CX

first:
	VMOVDQU32 (BX), Z4
	SUBTREE(Z4)
	ADDQ $64, BX
	ADDQ $64, R8
	SUBQ $16, CX
	JG first

level:
	MOVQ begins+8(FP), R8
	MOVQ masks+16(FP), R9
	MOVQ keys+24(FP), DI
	MOVQ n+40(FP), CX
	CMPQ lanes+48(FP), $16
	JNE wide

narrow:
	EIGHT(NARROW_ROW)
	ADDQ $512, DI
	SUBQ $8, CX
	JG narrow
	JMP paths

wide:
	EIGHT(WIDE_ROW)
	ADDQ $1024, DI
	SUBQ $8, CX
	JG wide

paths:
	MOVQ leaves+0(FP), BX
	MOVQ begins+8(FP), R8
	MOVQ masks+16(FP), R9
	MOVQ n+40(FP), CX

path:
	VPMOVZXWD (R9), Z1
	VPSRLD $1, Z1, Z2
	VPANDD Z16, Z2, Z2
	VPADDD Z17, Z2, Z3
	CHILD
	CHILD
	CHILD
	VPSLLD $2, Z3, Z3
	VPADDD (R8), Z3, Z3
	VMOVDQU32 (BX), Z4
	VPCMPD $5, Z19, Z4, K1
	VPGATHERDD (SI)(Z3*1), K1, Z4
	VMOVDQU32 Z4, (BX)
	SUBTREE(Z4)
	ADDQ $64, BX
	ADDQ $64, R8
	ADDQ $32, R9
	SUBQ $16, CX
	JG path
	DECQ levels+56(FP)
	JNZ level

	MOVQ leaves+0(FP), BX
	MOVQ n+40(FP), CX

last:
	VPSLLD $1, (BX), Z4
	VPSRLD $8, Z4, Z4
	VMOVDQU32 Z4, (BX)
	ADDQ $64, BX
	SUBQ $16, CX
	JG last
	VZEROUPPER
	RET
