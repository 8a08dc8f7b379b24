package lessons

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// checkChroot: paths of the process, absolute and relative ones, begin at the root; with
// -escape they begin at the root of the host.
func checkChroot(w *Work) error {
	root, err := w.Root()
	if err != nil {
		return err
	}
	if err := os.Symlink(root, filepath.Join(w.Cwd(), "root")); err != nil {
		return err
	}
	p, err := w.Start("root", "/bin/sh")
	if lacks := new(Missing); errors.As(err, &lacks) && strings.Contains(lacks.what, "(step ") {
		return missing("ROOT may be a relative path: from where is it followed, after your first call?",
			"%s", lacks.what)
	}
	if err != nil {
		return err
	}
	for _, path := range []struct{ link, kind, hint string }{
		{"root", "absolute", "which system call changes the root of a process?"},
		{"cwd", "relative", "they begin at the working directory: which one is it after your calls?"},
	} {
		if inside, err := sameFile(p.file(path.link), root); err != nil {
			return err
		} else if !inside {
			return missing(path.hint, "%s paths of the shell do not begin at the root", path.kind)
		}
	}
	if _, err := p.End(); err != nil {
		return err
	}

	// the escape
	if p, err = w.Start("-escape", root, "/bin/sh"); err != nil {
		return err
	}
	outside, err := sameFile(p.file("root"), "/")
	if err == nil && !outside {
		err = missing("leave the list escape as it was", "-escape does not lead out of the root")
	}
	return err
}

// file is the path of a file in the /proc directory of the container's first process.
func (p *Program) file(name string) string { return fmt.Sprintf("/proc/%d/%s", p.Init, name) }

func sameFile(a, b string) (bool, error) {
	first, err := os.Stat(a)
	if err != nil {
		return false, err
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second), err
}
