#include "textflag.h"
#include "exp_avx2_amd64.h"

// func expAVX2(v *float64, n int, gamma float64, c *constantTable, table *libm.Table)
TEXT ·expAVX2(SB), NOSPLIT, $96-40
	MOVQ v+0(FP), DI
	MOVQ n+8(FP), SI
	VBROADCASTSD gamma+16(FP), Y15
	MOVQ c+24(FP), R9
	MOVQ table+32(FP), R11
	CONSTANTS256

loop:
	VMOVUPD (DI), Y0
	REDUCE256
	LOOKUP256
	POLYNOMIAL256
	TESTL R15, R15
	JNZ special
	SCALE256

store:
	VMOVUPD Y5, (DI)
	ADDQ $32, DI
	SUBQ $4, SI
	JNZ loop
	VZEROUPPER
	RET

special:
	SPECIAL256
	JMP store
