//go:build gomonkey

package monkey

import (
	"sync/atomic"
	"unsafe"
)

// hookPointer is what the wrappers of the overlay ask.
//
//go:linkname hookPointer runtime.gomonkeyHook
var hookPointer unsafe.Pointer

// registered are the sites of the program.
//
//go:linkname registered runtime.gomonkeySites
var registered []overlaid

// built reports whether the program was built by gomonkey.
const built = true

func sites() []overlaid { return registered }

func setHooks(h *hooks) { atomic.StorePointer(&hookPointer, unsafe.Pointer(h)) }
