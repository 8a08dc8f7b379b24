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
	Usage:     "copy a file or a folder out of an image, as it was in a layer",
	UsageText: "minictr layers extract IMAGE[@N]:/path DEST",
	Description: "DEST is the new file or folder, or a folder to put it in. Nothing that is there\n" +
		"is overwritten. The files are yours; setuid bits, xattrs, devices and FIFOs stay\n" +
		"behind. Deleted files are there in the layers below: see minictr layers deleted.",
	Action:       layersExtract,
	OnUsageError: usage,
}

func layersExtract(c *cli.Context) error {
	words, err := words(c, 2, "IMAGE[@N]:/path and DEST")
	if err != nil {
		return err
	}
	s, n, err := findFile(c, words[0], false)
	if err != nil {
		return err
	}
	defer s.Close()
	dest := filepath.Clean(words[1])
	if st, err := os.Stat(dest); err == nil && st.IsDir() && n.Name != "" {
		dest = filepath.Join(dest, n.Name)
	}
	root, err := os.OpenRoot(filepath.Dir(dest))
	if err != nil {
		return err
	}
	defer root.Close()
	left, err := stack.Extract(c.Context, n, root, filepath.Base(dest), s.open)
	if err != nil {
		return fmt.Errorf("extract %q: %w", words[0], err)
	}
	for _, path := range left {
		fmt.Fprintf(os.Stderr, "minictr: left out, neither file, folder nor link: %s\n", name(path))
	}
	return nil
}
