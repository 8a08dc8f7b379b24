package lessons

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// checkPrivileges: root in the container has four capabilities, another user has none, nothing
// can be gained, and all of it ends with the program.
func checkPrivileges(w *Work) error {
	root, err := w.Root()
	if err != nil {
		return err
	}

	// root
	p, err := w.Start("0", root, "/bin/sh")
	if err != nil {
		return err
	}
	v, err := p.View()
	if err != nil {
		return err
	}
	keep := []string{"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL"}
	for _, set := range [][]string{v.Caps.Bounding, v.Caps.Effective} {
		if !slices.Equal(set, keep) {
			return missing("capabilities(7), \"Transformation of capabilities during execve()\"",
				"root has %d capabilities, and the bounding set holds %d; want %s",
				len(v.Caps.Effective), len(v.Caps.Bounding), strings.Join(keep, ", "))
		}
	}
	if _, err := p.End(); err != nil {
		return err
	}

	// another user
	p, err = w.Start("1000", root, "/bin/sh")
	if lacks := new(Missing); errors.As(err, &lacks) && strings.Contains(lacks.what, unix.EPERM.Error()) {
		return missing("which capability does it need, and is it still there?", "%s", lacks.what)
	}
	if err != nil {
		return err
	}
	if v, err = p.View(); err != nil {
		return err
	}
	ids := [4]uint32{1000, 1000, 1000, 1000}
	switch {
	case v.UIDs != ids || v.GIDs != ids || len(v.Groups) > 0:
		return missing("setgroups(2), setresgid(2), setresuid(2)",
			"with UID 1000 the shell has the user %v, the group %v and the groups %v", v.UIDs, v.GIDs, v.Groups)
	case len(v.Caps.Effective) > 0:
		return missing("capabilities(7)", "user 1000 has capabilities: %v", v.Caps.Effective)
	case !v.NoNewPrivs:
		return missing("prctl(2), PR_SET_NO_NEW_PRIVS", "the shell can gain privileges by execve(2)")
	}

	// the program is killed
	if err := p.becomes("sleep 1000"); err != nil {
		return err
	}
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	<-p.exited
	if ok, err := soon(func() (bool, error) {
		list, err := w.Processes()
		return !slices.Contains(list, p.Init), err
	}); err != nil {
		return err
	} else if !ok {
		return missing("prctl(2), PR_SET_PDEATHSIG: what clears it?",
			"the container's process was not killed with the program: it outlives the program")
	}
	return nil
}

// becomes lets the shell execute another command, which does not end with its standard input.
func (p *Program) becomes(command string) error {
	fmt.Fprintf(p.in, "printf '\n--%%s--\n' becomes; exec %s\n", command)
	return p.wait(func() bool { return p.eof || strings.Contains(p.Output(), "--becomes--") })
}
