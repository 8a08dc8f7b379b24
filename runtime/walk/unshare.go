package walk

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// unshare takes the slots out of the memory that is shared, if a process of the plan keeps it when
// the program runs: a helper of an intermediate process. The program could write there, and the
// host would kill the processes and close the descriptors whose numbers it finds.
func (w *Walk) unshare() {
	if !slices.ContainsFunc(w.plan.Steps, func(s plan.Step) bool {
		return s.Side == plan.Intermediate && s.Child == plan.Helper
	}) {
		return
	}
	slots := slices.Clone(w.program.slots)
	size := uintptr(len(slots)) * unsafe.Sizeof(slot{})
	_, err := unix.MmapPtr(-1, 0, unsafe.Pointer(unsafe.SliceData(w.program.slots)), size,
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_FIXED)
	if err != nil && w.stopped == nil {
		w.stopped = fmt.Errorf("mmap %d bytes in the place of those that were shared: %w", size, err)
		w.kill()
	}
	copy(w.program.slots, slots)
}
