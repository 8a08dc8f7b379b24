package lessons

import (
	"slices"

	"github.com/minictr/minictr/runtime/proc"
)

// checkPidNamespace: the process is the first of a pid namespace, and /proc shows that one.
func checkPidNamespace(w *Work) error {
	p, err := w.StartInRoot()
	if err != nil {
		return err
	}
	if err := wantOwn(p, "pid", "CLONE_NEWPID"); err != nil {
		return err
	}
	v, err := p.View()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(v.Mounts, func(m proc.Mount) bool { return m.Mountpoint == "/proc" && m.Type == "proc" }) {
		return missing("fsopen(2), fsconfig(2), fsmount(2), move_mount(2), in this order",
			"no filesystem of type proc is mounted on /proc")
	}
	shown, err := p.Shell("cd /proc && echo [0-9]*")
	if err == nil && shown != "1" {
		err = missing("a procfs shows the pid namespace of its maker: which process makes the filesystem?",
			"/proc shows other processes than 1, the shell: %.60s", shown)
	}
	return err
}
