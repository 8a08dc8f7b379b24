package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/layers/stack"
	"github.com/urfave/cli/v2"
)

var layersExtractCommand = &cli.Command{
	Name:      "extract",
	Usage:     "copy a file or a directory out of an image, as a layer has it",
	ArgsUsage: "IMAGE[@N]:/path DEST",
	Description: `DEST is the new file or directory, or an existing directory to put it in. No
file is overwritten. Owner, setuid bits, extended attributes, devices and FIFOs
are not copied. minictr layers deleted lists deleted files with their layers.`,
	Action: layersExtract,
}

func layersExtract(c *cli.Context) error {
	source := c.Args().First()
	s, n, err := findFile(c, source, false)
	if err != nil {
		return err
	}
	defer s.Close()
	// The new name: DEST, or in DEST if that is a directory.
	dest := filepath.Clean(c.Args().Get(1))
	if st, err := os.Stat(dest); err == nil && st.IsDir() && n.Name != "" {
		dest = filepath.Join(dest, n.Name)
	}
	root, err := os.OpenRoot(filepath.Dir(dest))
	if err != nil {
		return err
	}
	defer root.Close()
	// Copy it, and report what was not copied.
	left, err := stack.Extract(c.Context, n, root, filepath.Base(dest), s.Blob)
	if err != nil {
		return fmt.Errorf("extract %q: %w", source, err)
	}
	for _, path := range left {
		fmt.Fprintf(os.Stderr, "minictr: not copied: %s: neither a file, a directory nor a link\n", name(path))
	}
	return nil
}
