package call

import (
	"fmt"

	"github.com/minictr/minictr/runtime/plan"
)

const (
	word     = 8    // bytes in a field of most structs
	cwd      = -100 // AT_FDCWD: relative to the working directory
	truncate = 96   // bytes of a file's new content that are printed
)

// AllBits is a mask of a whole field.
const AllBits = ^uint64(0)

// at is a directory descriptor: "" is the working directory.
func at(dir plan.Ref) plan.Arg {
	if dir == "" {
		n := int64(cwd)
		return plan.Named(n, "AT_FDCWD")
	}
	return dir
}

func octal(mode uint32) plan.Num { return plan.Named(mode, fmt.Sprintf("%#o", mode)) }
