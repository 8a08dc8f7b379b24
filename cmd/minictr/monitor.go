package main

import (
	"errors"
	"os"
	"runtime"

	"github.com/minictr/minictr/container/monitor"
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

// The monitor executes itself at each restart, and the parent death signal kills its
// container with the thread that created it (prctl(2)). So all is done on the main
// thread, which execve(2) preserves.
func init() {
	if len(os.Args) > 1 && os.Args[1] == monitorCommand.Name {
		runtime.LockOSThread()
	}
}

// starterFd is the pipe to the command that started the monitor.
const starterFd = 3

var monitorCommand = &cli.Command{
	Name:      "monitor",
	Usage:     "monitor a detached container; started by minictr start",
	ArgsUsage: "ID",
	Hidden:    true,
	Flags: []cli.Flag{
		explainFlag,
		&cli.BoolFlag{Name: "stdin", Usage: "the container inherits standard input"},
		&cli.BoolFlag{Name: "ended", Usage: "the container has exited"},
		&cli.BoolFlag{Name: "restart", Usage: "restart the container"},
	},
	Action: func(c *cli.Context) error {
		root, id := c.String("root"), c.Args().First()
		switch {
		case c.Bool("ended"):
			return monitor.Ended(root, id)
		case c.Bool("restart"):
			return monitor.Restart(root, id)
		}
		unix.CloseOnExec(starterFd)
		if _, err := unix.FcntlInt(starterFd, unix.F_GETFD, 0); err != nil {
			return errors.New("monitor: descriptor 3 is not open: use minictr start")
		}
		var stdin *os.File
		if c.Bool("stdin") {
			stdin = os.Stdin
		}
		return monitor.Run(root, id, os.NewFile(starterFd, "starter"), stdin, explain(c))
	},
}
