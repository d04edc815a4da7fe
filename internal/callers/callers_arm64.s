#include "textflag.h"

// func get(pcs []uintptr)
//
// R29 points to where the caller's caller's R29 is saved, and the return address stands above that.
TEXT ·get(SB), NOSPLIT|NOFRAME, $0-24
	MOVD pcs_base+0(FP), R0
	MOVD pcs_len+8(FP), R1
	MOVD R29, R2

next:
	CBZ  R1, done
	CBZ  R2, done
	MOVD 8(R2), R3
	MOVD R3, (R0)
	MOVD (R2), R2
	ADD  $8, R0
	SUB  $1, R1
	JMP  next

done:
	RET
