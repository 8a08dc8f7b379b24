package lessons

import (
	"time"

	"golang.org/x/sys/unix"
)

// checkWait: signals reach the command, its exit status is returned, and no zombie is left.
func checkWait(w *Work) error {
	root, err := w.Root()
	if err != nil {
		return err
	}
	if err := unix.Mknod(root+"/dev/null", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
		return err // the shell opens it for background commands
	}
	_, status, err := w.Run(root, "/bin/sh", "-c", "exit 5")
	if err != nil {
		return err
	}
	if status != 5 {
		return missing("wait4(2)", "/bin/sh -c 'exit 5': exit status %d", status)
	}

	// orphans
	p, err := w.Start(root, "/bin/sh")
	if err != nil {
		return err
	}
	const whichChild = "wait4(2) returns the number of a child: which one is the command?"
	ended := func(err error) error {
		if err != nil && p.eof {
			return missing(whichChild, "the program ends when an orphan of the container exits")
		}
		return err
	}
	orphan, err := p.Shell("echo $( (sh -c 'echo $$' &) )")
	if err != nil {
		return ended(err)
	}
	if ok, err := soon(func() (bool, error) {
		answer, err := p.Shell("[ -e /proc/" + orphan + " ] || echo gone")
		return answer == "gone", err
	}); err != nil {
		return ended(err)
	} else if !ok {
		return missing("wait4(2): which children does its first argument name?",
			"an orphan of the container has exited, and stays as a zombie")
	}

	// signals
	if err := unix.Kill(p.Pid, unix.SIGTERM); err != nil {
		return err
	}
	if ok, err := soon(func() (bool, error) { p.read(20); return p.hasExited(), nil }); err != nil {
		return err
	} else if !ok {
		return missing("signal.Notify has put it into the channel", "SIGTERM to the program does not reach the shell")
	}
	switch status, err := p.End(); {
	case err != nil:
		return err
	case status == 0:
		return missing(whichChild, "the shell was killed by SIGTERM: the exit status is 0, that of another child")
	case status != 128+int(unix.SIGTERM):
		return missing("shells return 128 and the number of the signal",
			"the shell was killed by SIGTERM: the exit status is %d, not 128+15", status)
	}
	return nil
}

// soon waits until something is so, and returns false if it is not for a while.
func soon(ask func() (bool, error)) (bool, error) {
	for begin := time.Now(); time.Since(begin) < timeLimit/3; time.Sleep(20 * time.Millisecond) {
		if ok, err := ask(); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}
