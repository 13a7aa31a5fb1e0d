#include "textflag.h"
#include "exp_avx512_amd64.h"

// func expAVX512(v *float64, n int, gamma float64, c *constantTable, table *libm.Table)
TEXT ·expAVX512(SB), NOSPLIT, $192-40
	MOVQ v+0(FP), DI
	MOVQ n+8(FP), SI
	VBROADCASTSD gamma+16(FP), Z31
	MOVQ c+24(FP), R9
	MOVQ table+32(FP), R11
	CONSTANTS512

loop:
	VMOVUPD (DI), Z0
	REDUCE512
	LOOKUP512
	POLYNOMIAL512
	KORTESTB K1, K1
	JNZ special
	SCALE512

store:
	VMOVUPD Z7, (DI)
	ADDQ $64, DI
	SUBQ $8, SI
	JNZ loop
	VZEROUPPER
	RET

special:
	SPECIAL512
	JMP store
