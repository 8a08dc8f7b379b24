package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/minictr/minictr/internal/printable"
	"github.com/minictr/minictr/layers/index"
	"github.com/opencontainers/go-digest"
	"github.com/urfave/cli/v2"
)

var layersLsCommand = &cli.Command{
	Name:      "ls",
	Usage:     "list the layers of images, and those that they share",
	ArgsUsage: "IMAGE[@N]…",
	Flags:     []cli.Flag{wholeFlag, jsonFlag},
	Action:    layersLs,
}

// layerRow is a layer of an image.
type layerRow struct {
	Layer      int           `json:"layer"`
	DiffID     digest.Digest `json:"diffID"`
	Digest     digest.Digest `json:"digest"`
	Compressed int64         `json:"compressed"`
	Size       int64         `json:"size"`
	Entries    int           `json:"entries"`
	SharedWith []string      `json:"sharedWith"`
	CreatedBy  string        `json:"createdBy"`
}

type layersOfImage struct {
	Image  string        `json:"image"`
	ID     digest.Digest `json:"id"`
	Layers []layerRow    `json:"layers"`
}

// sharing compares the sum of the layers of images with the layers to be stored.
type sharing struct {
	Images   []*layersOfImage `json:"images"`
	Layers   int              `json:"layers"`
	Distinct int              `json:"distinct"`
	Sum      bytesOf          `json:"sum"`
	Stored   bytesOf          `json:"stored"`
}

// bytesOf are the bytes of blobs, and those of the files in them.
type bytesOf struct {
	Compressed int64 `json:"compressed"`
	Size       int64 `json:"size"`
}

func (b *bytesOf) add(x *index.Index) {
	b.Compressed += x.BlobSize
	b.Size += x.Size
}

func layersLs(c *cli.Context) error {
	all := &sharing{}
	users := make(map[digest.Digest][]string)
	for _, word := range c.Args().Slice() {
		if err := all.add(c, word, users); err != nil {
			return err
		}
	}
	all.Distinct = len(users)
	for _, image := range all.Images {
		for i := range image.Layers {
			l := &image.Layers[i]
			isOurs := func(other string) bool { return other == image.Image }
			l.SharedWith = slices.DeleteFunc(slices.Clone(users[l.DiffID]), isOurs)
		}
	}
	if c.Bool("json") {
		return printJSON(all)
	}
	return all.print(c.Bool("no-trunc"))
}

func (all *sharing) add(c *cli.Context, word string, users map[digest.Digest][]string) error {
	s, err := lookInto(c, word)
	if err != nil {
		return err
	}
	defer s.Close()
	image := &layersOfImage{Image: word, ID: s.ID, Layers: []layerRow{}}
	for i, x := range s.Indexes[:s.N] {
		image.Layers = append(image.Layers, layerRow{
			Layer: i + 1, DiffID: x.DiffID, Digest: x.Blob, Compressed: x.BlobSize, Size: x.Size,
			Entries: len(x.Entries), CreatedBy: s.Step(i + 1),
		})
		all.Sum.add(x)
		if users[x.DiffID] == nil {
			all.Stored.add(x)
		}
		if !slices.Contains(users[x.DiffID], word) {
			users[x.DiffID] = append(users[x.DiffID], word)
		}
	}
	all.Layers += s.N
	all.Images = append(all.Images, image)
	return nil
}

func (all *sharing) print(whole bool) error {
	// The layers of each image.
	for _, image := range all.Images {
		fmt.Printf("%s  %s\n", name(image.Image), short(image.ID.String(), whole))
		rows := [][]string{{"LAYER", "DIFF ID", "DIGEST", "COMPRESSED", "SIZE", "ENTRIES", "SHARED WITH", "CREATED BY"}}
		for _, l := range image.Layers {
			with := "-"
			if len(l.SharedWith) > 0 {
				with = printable.Line(strings.Join(l.SharedWith, " "))
			}
			rows = append(rows, []string{
				strconv.Itoa(l.Layer), short(l.DiffID.String(), whole), short(l.Digest.String(), whole),
				humanSize(l.Compressed), humanSize(l.Size), strconv.Itoa(l.Entries), with, oneLine(l.CreatedBy, whole),
			})
		}
		if err := table(rows); err != nil {
			return err
		}
	}
	// What sharing saves.
	if len(all.Images) > 1 {
		saved := 0.0
		if all.Sum.Size > 0 {
			saved = 100 * float64(all.Sum.Size-all.Stored.Size) / float64(all.Sum.Size)
		}
		fmt.Printf("%d images have %d layers, %d of them distinct: %s stored instead of %s, sharing saves %.1f%%\n",
			len(all.Images), all.Layers, all.Distinct, humanSize(all.Stored.Size), humanSize(all.Sum.Size), saved)
	}
	return nil
}
