package walk

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// TestHost: the steps are made, what they opened is open until Close, or until one fails.
func TestHost(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	dir := t.TempDir()
	open := made(plan.Host, "dir", "openat", unix.SYS_OPENAT, num(unix.AT_FDCWD), plan.Str(dir), num(unix.O_CLOEXEC))
	mkdir := func(name string) plan.Step {
		return made(plan.Host, "made", "mkdirat", unix.SYS_MKDIRAT, plan.Ref("dir"), plan.Str(name), num(0o700))
	}
	before := descriptors(t)
	traced := 0
	w, err := Host(&plan.Plan{Steps: []plan.Step{open, mkdir("one")}}, Caller{Trace: func(int, Result) { traced++ }})
	testkit.Check(t, err)
	if _, ok := w.Result("dir"); !ok || traced != 2 {
		t.Errorf("result %v, %d steps traced", ok, traced)
	}
	w.Close()
	_, err = Host(&plan.Plan{Steps: []plan.Step{open, mkdir("two"), mkdir("one"), mkdir("three")}}, Caller{})
	var failed *Error
	if !errors.As(err, &failed) || failed.Index != 2 || failed.Errno != unix.EEXIST {
		t.Errorf("the third step: error %v", err)
	}
	for name, want := range map[string]bool{"one": true, "two": true, "three": false} {
		if _, err := os.Stat(dir + "/" + name); (err == nil) != want {
			t.Errorf("%s exists: %v", name, !want)
		}
	}
	if now := descriptors(t); now != before {
		t.Errorf("%d descriptors were open, and now %d", before, now)
	}
	if _, err := unix.FcntlInt(0, unix.F_GETFD, 0); err != nil {
		t.Errorf("descriptor 0: %v", err)
	}
}
