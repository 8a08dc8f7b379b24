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
	Usage:     "copy files between a container, running or not, and this machine",
	UsageText: "minictr cp [FLAGS] CONTAINER:SOURCE TARGET|-   or   minictr cp [FLAGS] SOURCE|- CONTAINER:TARGET",
	Description: "A folder goes into TARGET if that is a folder, or else becomes it; SOURCE/. is what\n" +
		"is in the folder. The folder of TARGET must be there. - is a tar on standard input or\n" +
		"output. A path of this machine with a colon in it begins with / or with a dot.\n" +
		"Copies belong to the root of the container, or here to you. Sockets are left out, and\n" +
		"without -a devices; /proc, /sys and /dev are when the whole root is copied.",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "archive", Aliases: []string{"a"}, Usage: "keep owners, setuid bits and devices"},
		&cli.BoolFlag{Name: "follow-link", Aliases: []string{"L"}, Usage: "copy what SOURCE leads to, if it is a symbolic link"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "no progress"},
	},
	Action: copyFiles,
}

func copyFiles(c *cli.Context) error {
	words, err := words(c, 2, "a SOURCE and a TARGET, one of them CONTAINER:PATH")
	if err != nil {
		return err
	}
	copy, err := readCopy(words[0], words[1])
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
	err = copy.run(root.Tree, &cp.Options{Archive: c.Bool("archive"), Follow: c.Bool("follow-link"), Left: leftOut, Progress: p.add})
	p.finish()
	return errors.Join(err, root.Close())
}

// fileCopy is what is copied where: into a container, or out of it.
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
		return f, hint.New(errors.New("cp: neither path is in a container"), "write CONTAINER:PATH for one of them")
	case out != "" && in != "":
		return f, hint.New(errors.New("cp: copying between containers is not supported"), "minictr cp FROM:PATH - | minictr cp - TO:FOLDER")
	case source == "" || target == "":
		return f, hint.New(errors.New("cp: a path is empty"), "write CONTAINER:PATH; all of a container is CONTAINER:/")
	case !f.in && target == "-" && stdio.IsTerminal(os.Stdout):
		return f, hint.New(errors.New("cp: standard output is a terminal"), "name a file or a folder, or pipe it to tar")
	case f.in && source == "-" && stdio.IsTerminal(os.Stdin):
		return f, hint.New(errors.New("cp: standard input is a terminal"), "tar -c FILES | minictr cp - CONTAINER:FOLDER")
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

// splitContainer parts CONTAINER:PATH. A path of this machine is told by its
// beginning, or by having no colon.
func splitContainer(word string) (container, path string) {
	before, after, found := strings.Cut(word, ":")
	if !found || before == "" || strings.HasPrefix(word, "/") || strings.HasPrefix(word, ".") {
		return "", word
	}
	return before, after
}

func leftOut(path string, why error) {
	fmt.Fprintf(os.Stderr, "minictr: left out %s: %v\n", name(path), why)
}

// copyProgress is a line on a terminal, for what takes longer than a moment.
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
