package lessons

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// checkSeccomp: two calls fail with EPERM, and do not kill; other calls are made.
func checkSeccomp(w *Work) error {
	p, err := w.StartInRoot()
	if lacks := new(Missing); errors.As(err, &lacks) && strings.Contains(lacks.what, unix.EACCES.Error()) {
		return missing("seccomp(2), EACCES: who may load a filter? compare with no_new_privs", "%s", lacks.what)
	}
	if err != nil {
		return err
	}
	v, err := p.View()
	if err != nil {
		return err
	}
	if v.Seccomp.Mode != "filter" {
		return missing("seccomp(2)", "no filter is loaded")
	}
	for _, test := range [][2]string{{"unshare", "unshare -U true"}, {"personality", "linux64 true"}} {
		call, command := test[0], test[1]
		said, err := p.Shell(command + "; echo $?")
		if err != nil {
			return err
		}
		switch {
		case strings.HasSuffix(said, "not found\n127"):
			w.Note("this busybox has no command for %s(2): that was not checked", call)
		case strings.HasSuffix(said, "\n159") || said == "159": // 128 + SIGSYS
			return missing("seccomp(2), \"Return value\"", "the process that called %s was killed", call)
		case !strings.Contains(said, "Operation not permitted"):
			return missing("what has been loaded, and which instruction does the jump reach? count those that it skips",
				"%s: the call does not fail with EPERM", call)
		}
	}
	return nil
}
