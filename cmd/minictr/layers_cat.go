package main

import (
	"fmt"
	"io"
	"os"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/layers/index"
	"github.com/minictr/minictr/layers/stack"
	"github.com/urfave/cli/v2"
)

var layersCatCommand = &cli.Command{
	Name:         "cat",
	Usage:        "print a file as it was in a layer",
	UsageText:    "minictr layers cat IMAGE[@N]:/path",
	Action:       layersCat,
	OnUsageError: usage,
}

func layersCat(c *cli.Context) error {
	words, err := words(c, 1, "one IMAGE[@N]:/path")
	if err != nil {
		return err
	}
	word := words[0]
	s, n, err := findFile(c, word, true)
	if err != nil {
		return err
	}
	defer s.Close()
	if n.Kind != index.File {
		return fmt.Errorf("layers cat %q: not a regular file", word)
	}
	in, err := s.open(n.Layer)
	if err != nil {
		return err
	}
	defer in.Close()
	return stack.ReadFiles(c.Context, in, []*stack.Inode{n.Inode}, func(_ *stack.Inode, body io.Reader) error {
		_, err := io.Copy(os.Stdout, body)
		return err
	})
}

// findFile finds IMAGE[@N]:/path. Where it is not, the hint says where it was.
func findFile(c *cli.Context, word string, follow bool) (*subject, *stack.Node, error) {
	image, path, err := splitPath(word)
	if err != nil {
		return nil, nil, err
	}
	s, err := lookInto(c, image)
	if err != nil {
		return nil, nil, err
	}
	t, err := s.stack(1, s.n)
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	if n := t.Find(path, follow); n != nil {
		return s, n, nil
	}
	defer s.Close()
	err = fmt.Errorf("open %q: no such file in layers 1 to %d", word, s.n)
	if path, err := cleanPath(path); err == nil {
		for _, change := range t.Why(path) {
			if change.Mark == stack.Deleted && change.Before != nil {
				err = hint.New(fmt.Errorf("open %q: layer %d has removed it", word, change.Layer),
					fmt.Sprintf("it is in %s@%d:%s", s.word, change.Layer-1, path))
				return nil, nil, err
			}
		}
	}
	return nil, nil, err
}
