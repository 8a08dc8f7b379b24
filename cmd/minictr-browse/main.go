// Command minictr-browse is what minictr layers browse executes: a program of its own, for
// what a browser needs would be initialised at each start of minictr. It has no flags and
// no help, which are those of minictr.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/minictr/minictr/browse"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images/subject"
	"github.com/minictr/minictr/internal/printable"
)

// exitFailure is the exit code of minictr itself, as in cmd/minictr.
const exitFailure = 125

func main() {
	err := run(context.Background(), os.Args[1:])
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "minictr: "+printable.Message(err.Error()))
	h := hint.Of(err)
	if h == "" && errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0 {
		h = "sudo minictr …"
	}
	if h != "" {
		fmt.Fprintln(os.Stderr, "hint: "+printable.Message(h))
	}
	os.Exit(exitFailure)
}

// run browses an image. The arguments are the directory of the store and IMAGE[@N].
func run(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return hint.New(errors.New("minictr-browse: not ROOT IMAGE"), "minictr layers browse --help")
	}
	if err := browse.CheckTerminal(args[1]); err != nil {
		return err
	}
	s, err := subject.Read(ctx, args[0], args[1])
	if err != nil {
		return err
	}
	defer s.Close()
	image := &browse.Image{Name: args[1], Open: s.Blob}
	for i, x := range s.Indexes[:s.N] {
		image.Layers = append(image.Layers, browse.Layer{Index: x, Instruction: s.Step(i + 1)})
	}
	return browse.Run(ctx, image)
}
