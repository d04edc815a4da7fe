#include "textflag.h"

// func get(pcs []uintptr)
//
// BP points to where the caller's caller's BP is saved, and the return address stands above that.
TEXT ·get(SB), NOSPLIT|NOFRAME, $0-24
	MOVQ pcs_base+0(FP), DI
	MOVQ pcs_len+8(FP), CX
	MOVQ BP, AX

next:
	TESTQ CX, CX
	JEQ   done
	TESTQ AX, AX
	JEQ   done
	MOVQ  8(AX), DX
	MOVQ  DX, (DI)
	MOVQ  (AX), AX
	ADDQ  $8, DI
	DECQ  CX
	JMP   next

done:
	RET
