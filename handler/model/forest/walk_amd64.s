#include "textflag.h"

// Eleven rows walk together: there are registers for no more. Each has the node that it
// has come to in one of R8 to R15, CX, DX and BP. In a step AX is the node or its
// threshold, and BX where its column starts. The comparison sets the carry flag where the
// row's key is above the threshold's.

// From the root, whose left child is given.
#define ROOT_CHILD(node, row, left) \
	CMPQ AX, (row*8)(DI)(BX*8); \
	MOVL $left, node; \
	ADCL $0, node

#define LINKED_CHILD(node, row) \
	MOVWLZX 2(SI)(node*8), BX; \
	MOVQ (SI)(node*8), AX; \
	CMPQ AX, (row*8)(DI)(BX*8); \
	MOVWLZX AX, node; \
	ADCL $0, node

// The threshold of a wide node, and 16 bytes on the node: its column and its left child.
#define WIDE_CHILD(node, row) \
	MOVL 16(SI)(node*8), BX; \
	MOVQ (SI)(node*8), AX; \
	CMPQ AX, (row*8)(DI)(BX*8); \
	MOVL 20(SI)(node*8), node; \
	ADCL $0, node

#define STORE \
	MOVQ leaves+0(FP), AX; \
	MOVL R8, 0(AX); \
	MOVL R9, 4(AX); \
	MOVL R10, 8(AX); \
	MOVL R11, 12(AX); \
	MOVL R12, 16(AX); \
	MOVL R13, 20(AX); \
	MOVL R14, 24(AX); \
	MOVL R15, 28(AX); \
	MOVL CX, 32(AX); \
	MOVL DX, 36(AX); \
	MOVL BP, 40(AX); \
	ADDQ $44, AX; \
	MOVQ AX, leaves+0(FP)

// func linkedGroups(leaves *uint32, block, nodes *uint64, groups, stride, depth int)
TEXT ·linkedGroups(SB), NOSPLIT, $8-48
	MOVQ block+8(FP), DI
	MOVQ nodes+16(FP), SI

group:
	MOVQ (SI), AX
	MOVWLZX 2(SI), BX
	ROOT_CHILD(R8, 0, 1)
	ROOT_CHILD(R9, 1, 1)
	ROOT_CHILD(R10, 2, 1)
	ROOT_CHILD(R11, 3, 1)
	ROOT_CHILD(R12, 4, 1)
	ROOT_CHILD(R13, 5, 1)
	ROOT_CHILD(R14, 6, 1)
	ROOT_CHILD(R15, 7, 1)
	ROOT_CHILD(CX, 8, 1)
	ROOT_CHILD(DX, 9, 1)
	ROOT_CHILD(BP, 10, 1)
	MOVQ depth+40(FP), AX
	DECQ AX
	JZ done
	MOVQ AX, steps-8(SP)

step:
	LINKED_CHILD(R8, 0)
	LINKED_CHILD(R9, 1)
	LINKED_CHILD(R10, 2)
	LINKED_CHILD(R11, 3)
	LINKED_CHILD(R12, 4)
	LINKED_CHILD(R13, 5)
	LINKED_CHILD(R14, 6)
	LINKED_CHILD(R15, 7)
	LINKED_CHILD(CX, 8)
	LINKED_CHILD(DX, 9)
	LINKED_CHILD(BP, 10)
	DECQ steps-8(SP)
	JNZ step

done:
	STORE
	ADDQ stride+32(FP), DI
	DECQ groups+24(FP)
	JNZ group
	RET

// func linkedOnward(leaves *uint32, block, nodes *uint64, groups, stride, depth int)
//
// It walks on from the nodes in leaves.
TEXT ·linkedOnward(SB), NOSPLIT, $8-48
	MOVQ block+8(FP), DI
	MOVQ nodes+16(FP), SI

group:
	MOVQ depth+40(FP), AX
	MOVQ AX, steps-8(SP)
	MOVQ leaves+0(FP), AX
	MOVL 0(AX), R8
	MOVL 4(AX), R9
	MOVL 8(AX), R10
	MOVL 12(AX), R11
	MOVL 16(AX), R12
	MOVL 20(AX), R13
	MOVL 24(AX), R14
	MOVL 28(AX), R15
	MOVL 32(AX), CX
	MOVL 36(AX), DX
	MOVL 40(AX), BP

step:
	LINKED_CHILD(R8, 0)
	LINKED_CHILD(R9, 1)
	LINKED_CHILD(R10, 2)
	LINKED_CHILD(R11, 3)
	LINKED_CHILD(R12, 4)
	LINKED_CHILD(R13, 5)
	LINKED_CHILD(R14, 6)
	LINKED_CHILD(R15, 7)
	LINKED_CHILD(CX, 8)
	LINKED_CHILD(DX, 9)
	LINKED_CHILD(BP, 10)
	DECQ steps-8(SP)
	JNZ step
	STORE
	ADDQ stride+32(FP), DI
	DECQ groups+24(FP)
	JNZ group
	RET

// func wideGroups(leaves *uint32, block, nodes *uint64, groups, stride, depth int)
TEXT ·wideGroups(SB), NOSPLIT, $8-48
	MOVQ block+8(FP), DI
	MOVQ nodes+16(FP), SI

group:
	MOVQ (SI), AX
	MOVL 16(SI), BX
	ROOT_CHILD(R8, 0, 4)
	ROOT_CHILD(R9, 1, 4)
	ROOT_CHILD(R10, 2, 4)
	ROOT_CHILD(R11, 3, 4)
	ROOT_CHILD(R12, 4, 4)
	ROOT_CHILD(R13, 5, 4)
	ROOT_CHILD(R14, 6, 4)
	ROOT_CHILD(R15, 7, 4)
	ROOT_CHILD(CX, 8, 4)
	ROOT_CHILD(DX, 9, 4)
	ROOT_CHILD(BP, 10, 4)
	MOVQ depth+40(FP), AX
	DECQ AX
	JZ done
	MOVQ AX, steps-8(SP)

step:
	WIDE_CHILD(R8, 0)
	WIDE_CHILD(R9, 1)
	WIDE_CHILD(R10, 2)
	WIDE_CHILD(R11, 3)
	WIDE_CHILD(R12, 4)
	WIDE_CHILD(R13, 5)
	WIDE_CHILD(R14, 6)
	WIDE_CHILD(R15, 7)
	WIDE_CHILD(CX, 8)
	WIDE_CHILD(DX, 9)
	WIDE_CHILD(BP, 10)
	DECQ steps-8(SP)
	JNZ step

done:
	STORE
	ADDQ stride+32(FP), DI
	DECQ groups+24(FP)
	JNZ group
	RET

// func addDoubles(dst, values *float64, leaves *uint32, n int)
TEXT ·addDoubles(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ values+8(FP), SI
	MOVQ leaves+16(FP), BX
	MOVQ n+24(FP), CX

	SUBQ $4, CX
	JL rest

rows:
	MOVL (BX), AX
	MOVL 4(BX), R8
	MOVL 8(BX), R9
	MOVL 12(BX), R10
	ADDL AX, AX
	ADDL R8, R8
	ADDL R9, R9
	ADDL R10, R10
	MOVUPD (DI), X0
	MOVUPD 16(DI), X2
	MOVUPD 32(DI), X4
	MOVUPD 48(DI), X6
	MOVUPD (SI)(AX*8), X1
	MOVUPD (SI)(R8*8), X3
	MOVUPD (SI)(R9*8), X5
	MOVUPD (SI)(R10*8), X7
	ADDPD X1, X0
	ADDPD X3, X2
	ADDPD X5, X4
	ADDPD X7, X6
	MOVUPD X0, (DI)
	MOVUPD X2, 16(DI)
	MOVUPD X4, 32(DI)
	MOVUPD X6, 48(DI)
	ADDQ $16, BX
	ADDQ $64, DI
	SUBQ $4, CX
	JGE rows

rest:
	ADDQ $4, CX
	JZ done

row:
	MOVL (BX), AX
	ADDL AX, AX
	MOVUPD (DI), X0
	MOVUPD (SI)(AX*8), X1
	ADDPD X1, X0
	MOVUPD X0, (DI)
	ADDQ $4, BX
	ADDQ $16, DI
	DECQ CX
	JNZ row

done:
	RET
