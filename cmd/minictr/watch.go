package main

import (
	"errors"
	"os"
	"runtime"

	"github.com/minictr/minictr/container/monitor"
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

// The watcher executes itself again and again, and its container dies with the
// thread that made it: so all that it does is done on its first thread, the one
// that execve(2) leaves.
func init() {
	if len(os.Args) > 1 && os.Args[1] == watchCommand.Name {
		runtime.LockOSThread()
	}
}

// starterFd is the pipe to who started the watcher.
const starterFd = 3

var watchCommand = &cli.Command{
	Name:      "watch",
	Usage:     "watch over a container in the background; what `minictr start` starts",
	UsageText: "minictr watch ID",
	Hidden:    true,
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "explain", Usage: "print each system call"},
		&cli.BoolFlag{Name: "stdin", Usage: "the container reads our standard input"},
		&cli.BoolFlag{Name: "ended", Usage: "it has ended"},
		&cli.BoolFlag{Name: "again", Usage: "it is to begin again"},
	},
	Action: func(c *cli.Context) error {
		root, id := c.String("root"), c.Args().First()
		switch {
		case c.Bool("ended"):
			return monitor.Ended(root, id)
		case c.Bool("again"):
			return monitor.RestartAfterPause(root, id)
		}
		unix.CloseOnExec(starterFd)
		if _, err := unix.FcntlInt(starterFd, unix.F_GETFD, 0); err != nil {
			return errors.New("watch: nobody listens; minictr start starts a container")
		}
		var stdin *os.File
		if c.Bool("stdin") {
			stdin = os.Stdin
		}
		var e explainer
		calls := e.watch
		if !c.Bool("explain") {
			calls = nil
		}
		return monitor.Run(root, id, os.NewFile(starterFd, "starter"), stdin, calls)
	},
}
