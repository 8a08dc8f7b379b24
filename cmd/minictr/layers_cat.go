package main

import (
	"fmt"
	"io"
	"os"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images/subject"
	"github.com/minictr/minictr/layers/index"
	"github.com/minictr/minictr/layers/stack"
	"github.com/urfave/cli/v2"
)

var layersCatCommand = &cli.Command{
	Name:      "cat",
	Usage:     "print a file as a layer has it",
	ArgsUsage: "IMAGE[@N]:/path",
	Action:    layersCat,
}

func layersCat(c *cli.Context) error {
	word := c.Args().First()
	s, n, err := findFile(c, word, true)
	if err != nil {
		return err
	}
	defer s.Close()
	if n.Kind != index.File {
		return fmt.Errorf("layers cat %q: not a regular file", word)
	}
	in, err := s.Blob(n.Layer)
	if err != nil {
		return err
	}
	defer in.Close()
	return stack.ReadFiles(c.Context, in, []*stack.Inode{n.Inode}, func(_ *stack.Inode, body io.Reader) error {
		_, err := io.Copy(os.Stdout, body)
		return err
	})
}

// findFile finds IMAGE[@N]:/path. If a layer removed the file, the hint names the layer
// below.
func findFile(c *cli.Context, word string, follow bool) (*subject.Image, *stack.Node, error) {
	image, path, err := splitPath(word)
	if err != nil {
		return nil, nil, err
	}
	s, err := lookInto(c, image)
	if err != nil {
		return nil, nil, err
	}
	t, err := s.Stack(1, s.N)
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	// The file is there.
	if n := t.Find(path, follow); n != nil {
		return s, n, nil
	}
	defer s.Close()
	// It is not: look for the layer that removed it.
	err = fmt.Errorf("open %q: no such file in layers 1 to %d", word, s.N)
	if path, err := cleanPath(path); err == nil {
		for _, change := range t.Why(path) {
			if change.Mark == stack.Deleted && change.Before != nil {
				err = hint.New(fmt.Errorf("open %q: removed by layer %d", word, change.Layer),
					fmt.Sprintf("minictr layers cat %s@%d:%s", s.Word, change.Layer-1, path))
				return nil, nil, err
			}
		}
	}
	return nil, nil, err
}
