// Beyond a plain container: resource limits of the process

package compile

import (
	"fmt"
	"slices"

	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// limitProcess sets resource limits (getrlimit(2)). They come when no step needs another
// descriptor: one of them, RLIMIT_NOFILE, is how many there may be. openFiles is the
// caller's own, zero for none.
func limitProcess(l *list, limits []specs.POSIXRlimit, openFiles unix.Rlimit) error {
	var seen []string
	for i, limit := range limits {
		l.begin("confine", fmt.Sprintf("process.rlimits[%d]", i))
		resource, ok := call.Rlimit(limit.Type)
		if !ok || slices.Contains(seen, limit.Type) {
			return fmt.Errorf("process.rlimits[%d]: %q: unknown or duplicate", i, limit.Type)
		}
		seen = append(seen, limit.Type)
		l.container("set a resource limit of the process",
			call.Prlimit64(resource, limit.Type, limit.Soft, limit.Hard))
	}
	if openFiles != (unix.Rlimit{}) && !slices.Contains(seen, "RLIMIT_NOFILE") {
		l.begin("confine", "minictr")
		l.container("restore the caller's limit: the Go runtime has raised it",
			call.Prlimit64(unix.RLIMIT_NOFILE, "RLIMIT_NOFILE", openFiles.Cur, openFiles.Max))
	}
	return nil
}
