#include "textflag.h"

// Sixteen rows are in the lanes. All fifteen nodes of a top compare all of them; a mask says
// which rows came to a node, and the comparison which of these go right. Z5 sums up which
// exit each row takes. Thresholds come first in a top, then the columns.

#define NODE(i, path, right, bit) \
	MOVL (60+4*i)(SI), AX; \
	VMOVDQU32 (DI)(AX*1), Z0; \
	VPCMPUD.BCST $6, (4*i)(SI), Z0, path, right; \
	VPADDD bit, Z5, right, Z5

#define ROOT \
	MOVL 60(SI), AX; \
	VMOVDQU32 (DI)(AX*1), Z0; \
	VPCMPUD.BCST $6, (SI), Z0, K1; \
	KNOTW K1, K2; \
	VPADDD Z1, Z5, K1, Z5

// func exits(nodes, columns *uint32, t *top, n int)
TEXT ·exits(SB), NOSPLIT, $0-32
	MOVQ nodes+0(FP), BX
	MOVQ columns+8(FP), DI
	MOVQ t+16(FP), SI
	MOVQ n+24(FP), CX
	MOVL $8, AX
	VPBROADCASTD AX, Z1
	MOVL $4, AX
	VPBROADCASTD AX, Z2
	MOVL $2, AX
	VPBROADCASTD AX, Z3
	MOVL $1, AX
	VPBROADCASTD AX, Z4
	VMOVDQU32 120(SI), Z6

rows:
	VPXORD Z5, Z5, Z5
	ROOT
	NODE(1, K2, K3, Z2)
	KANDNW K2, K3, K4
	NODE(3, K4, K5, Z3)
	KANDNW K4, K5, K6
	NODE(7, K6, K7, Z4)
	NODE(8, K5, K7, Z4)
	NODE(4, K3, K5, Z3)
	KANDNW K3, K5, K6
	NODE(9, K6, K7, Z4)
	NODE(10, K5, K7, Z4)
	NODE(2, K1, K3, Z2)
	KANDNW K1, K3, K4
	NODE(5, K4, K5, Z3)
	KANDNW K4, K5, K6
	NODE(11, K6, K7, Z4)
	NODE(12, K5, K7, Z4)
	NODE(6, K3, K5, Z3)
	KANDNW K3, K5, K6
	NODE(13, K6, K7, Z4)
	NODE(14, K5, K7, Z4)
	VPERMD Z6, Z5, Z0
	VMOVDQU32 Z0, (BX)
	ADDQ $64, BX
	ADDQ $64, DI
	SUBQ $16, CX
	JG rows
	VZEROUPPER
	RET
