package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/urfave/cli/v2"
)

var pushCommand = &cli.Command{
	Name:        "push",
	Usage:       "push an image to the registry of its name",
	ArgsUsage:   "NAME[:TAG]",
	Description: registryFiles,
	Flags: []cli.Flag{
		allTagsFlag,
		platformsFlag("all that the store has"),
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print the full name only"},
		tlsFlag,
	},
	Action: push,
}

func push(c *cli.Context) (err error) {
	store, err := images.Open(c.String("root"))
	if err != nil {
		return err
	}
	names := []string{c.Args().First()}
	if c.Bool("all-tags") {
		if names, err = storedTags(store, names[0]); err != nil {
			return err
		}
	}
	ctx, stop := interruptible(c)
	defer stop(&err)
	for _, name := range names {
		if err := pushImage(ctx, c, store, name); err != nil {
			return err
		}
	}
	return nil
}

// storedTags returns the names of a repository that the store has.
func storedTags(store *images.Store, short string) (names []string, err error) {
	repository, err := withoutTag(short)
	if err != nil {
		return nil, err
	}
	list, err := store.List()
	for _, image := range list {
		if name, tag := images.Split(image.Name); name == repository && tag != "<none>" {
			names = append(names, image.Name)
		}
	}
	if len(names) == 0 && err == nil {
		err = hint.New(fmt.Errorf("push %s: %w", short, images.ErrNotFound), "minictr images "+short)
	}
	return names, err
}

// withoutTag returns the complete name of a repository, which must be given without a
// tag.
func withoutTag(short string) (string, error) {
	full, err := images.Normalize(short + ":latest")
	if err != nil {
		if _, other := images.Normalize(short); other == nil {
			err = errors.New("--all-tags: the name must have no tag and no digest")
		}
		return "", err
	}
	repository, _ := images.Split(full)
	return repository, nil
}

func pushImage(ctx context.Context, c *cli.Context, store *images.Store, short string) error {
	full, err := images.Normalize(short)
	if err != nil {
		return err
	}
	// Settings of registries, and progress on a terminal.
	opts := images.PushOptions{Platforms: platforms(c)}
	if opts.Settings, err = registrySettings(c); err != nil {
		return err
	}
	quiet := c.Bool("quiet")
	if stdio.IsTerminal(os.Stderr) && !quiet {
		var last time.Time
		opts.Progress = func(done, total int64) {
			if time.Since(last) > 100*time.Millisecond {
				last = time.Now()
				fmt.Fprintf(os.Stderr, "\r\x1b[Kpushing: %s of %s",
					units.HumanSize(float64(done)), units.HumanSize(float64(total)))
			}
		}
	}
	// Push it.
	digest, size, err := store.Push(ctx, short, opts)
	if opts.Progress != nil {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
	}
	// Report the result.
	switch {
	case err != nil:
		return err
	case quiet:
		fmt.Println(full)
	default:
		_, tag := images.Split(images.Familiar(full))
		fmt.Printf("%s: digest: %s size: %d\n", tag, digest, size)
	}
	return nil
}
