package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/cp"
	"github.com/minictr/minictr/container/rootfs"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/urfave/cli/v2"
)

var cpCommand = &cli.Command{
	Name:      "cp",
	Usage:     "copy files between a container and the host",
	ArgsUsage: "CONTAINER:SOURCE TARGET|-\nSOURCE|- CONTAINER:TARGET",
	Description: `The container may be running or not. - is a tar archive on standard input or
output. A path of the host that contains a colon must begin with / or a dot.

A directory is copied into TARGET if that is a directory, or else to that name;
SOURCE/. stands for the content of a directory. The parent directory of TARGET
must exist.

Copied files belong to root of the container, or to the caller on the host.
Sockets are not copied, nor are devices without --archive, nor /proc, /sys and
/dev with the whole root.`,
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "archive", Aliases: []string{"a"}, Usage: "preserve owners, setuid bits and devices"},
		&cli.BoolFlag{Name: "follow-link", Aliases: []string{"L"}, Usage: "follow a symbolic link in SOURCE"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print no progress"},
	},
	Action: copyFiles,
}

func copyFiles(c *cli.Context) error {
	copy, err := readCopy(c.Args().Get(0), c.Args().Get(1))
	if err != nil {
		return err
	}
	found, err := container.Find(c.String("root"), copy.container)
	if err != nil {
		return err
	}
	root, err := rootfs.Open(found, copy.in)
	if err != nil {
		return fmt.Errorf("open the root of container %q: %w", copy.container, err)
	}
	p := &copyProgress{quiet: c.Bool("quiet") || !stdio.IsTerminal(os.Stderr), began: time.Now()}
	err = copy.run(root.Tree, &cp.Options{
		Archive: c.Bool("archive"), Follow: c.Bool("follow-link"), Skipped: leftOut, Progress: p.add,
	})
	p.finish()
	return errors.Join(err, root.Close())
}

// fileCopy is a copy into a container, or out of it.
type fileCopy struct {
	container, source, target string
	in                        bool
}

func readCopy(from, to string) (f fileCopy, err error) {
	out, source := splitContainer(from)
	in, target := splitContainer(to)
	f = fileCopy{out + in, source, target, in != ""}
	switch {
	case out == "" && in == "":
		return f, hint.New(errors.New("cp: neither path is in a container"), "minictr cp CONTAINER:SOURCE TARGET")
	case out != "" && in != "":
		return f, hint.New(errors.New("cp: copying between containers is not supported"),
			"minictr cp FROM:PATH - | minictr cp - TO:DIR")
	case source == "" || target == "":
		return f, hint.New(errors.New("cp: path must not be empty"), "minictr cp CONTAINER:/ TARGET")
	case !f.in && target == "-" && stdio.IsTerminal(os.Stdout):
		return f, hint.New(errors.New("cp: standard output is a terminal"), "minictr cp CONTAINER:SOURCE - | tar -t")
	case f.in && source == "-" && stdio.IsTerminal(os.Stdin):
		return f, hint.New(errors.New("cp: standard input is a terminal"), "tar -c FILES | minictr cp - CONTAINER:DIR")
	}
	return f, nil
}

func (f fileCopy) run(root *cp.Tree, o *cp.Options) error {
	switch {
	case f.in && f.source == "-":
		return cp.Unpack(os.Stdin, root, f.target, o)
	case f.in:
		return cp.Copy(cp.Host(), f.source, root, f.target, o)
	case f.target == "-":
		return cp.Pack(os.Stdout, root, f.source, o)
	}
	return cp.Copy(root, f.source, cp.Host(), f.target, o)
}

// splitContainer splits CONTAINER:PATH. For a path of the host, which has no colon or
// begins with / or a dot, container is "".
func splitContainer(word string) (container, path string) {
	before, after, found := strings.Cut(word, ":")
	if !found || before == "" || strings.HasPrefix(word, "/") || strings.HasPrefix(word, ".") {
		return "", word
	}
	return before, after
}

// leftOut prints that a file was not copied, and the reason.
func leftOut(path string, reason error) {
	fmt.Fprintf(os.Stderr, "minictr: not copied: %s: %v\n", name(path), reason)
}

// copyProgress is a line on a terminal, from the second second on, ten times a second
// at most.
type copyProgress struct {
	quiet       bool
	bytes       int64
	began, last time.Time
}

func (p *copyProgress) add(n int) {
	p.bytes += int64(n)
	now := time.Now()
	if p.quiet || now.Sub(p.began) < time.Second || now.Sub(p.last) < 100*time.Millisecond {
		return
	}
	p.last = now
	fmt.Fprintf(os.Stderr, "\r\x1b[Kcopied %s", units.HumanSize(float64(p.bytes)))
}

func (p *copyProgress) finish() {
	if !p.last.IsZero() {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
	}
}
