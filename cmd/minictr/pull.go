package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/images/registry"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/urfave/cli/v2"
)

var tlsFlag = &cli.BoolFlag{Name: "tls-verify", Value: true, Usage: "require https and a trusted certificate"}

var allTagsFlag = &cli.BoolFlag{
	Name: "all-tags", Aliases: []string{"a"},
	Usage: "all tags of the repository, which is named without one",
}

var allPlatformsFlag = &cli.BoolFlag{
	Name:  "all-platforms",
	Usage: "all platforms of the image, to save or push it whole",
}

// platformsFlag is a flag of commands that take several platforms.
func platformsFlag(without string) cli.Flag {
	f := listFlag("platform", "`OS/ARCH[/VARIANT][,…]` platforms of the image")
	f.DefaultText = without
	return f
}

// platforms returns the values of platformsFlag.
func platforms(c *cli.Context) (all []string) {
	for _, list := range c.StringSlice("platform") {
		all = append(all, strings.Split(list, ",")...)
	}
	return all
}

var platformFlag = &cli.StringFlag{Name: "platform", Usage: "`OS/ARCH[/VARIANT]` platform of the image"}

// registryFiles describes the files that say how to reach a registry.
const registryFiles = "Certificates of a registry are in /etc/docker/certs.d/HOST[:PORT]: *.crt of its\n" +
	"authority, *.cert and *.key of the client. Docker's keys registry-mirrors and\n" +
	"insecure-registries are read from " + registry.DefaultSettings + "."

var pullCommand = &cli.Command{
	Name:        "pull",
	Usage:       "pull an image from a registry",
	ArgsUsage:   "NAME[:TAG|@DIGEST]",
	Description: registryFiles,
	Flags: []cli.Flag{
		allPlatformsFlag,
		allTagsFlag,
		platformsFlag("this machine"),
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print the full name only"},
		tlsFlag,
	},
	Action: pull,
}

func pull(c *cli.Context) (err error) {
	short := c.Args().First()
	ctx, stop := interruptible(c)
	defer stop(&err)
	if c.Bool("all-tags") {
		return pullAllTags(ctx, c, short)
	}
	full, err := images.Normalize(short)
	if err != nil {
		return err
	}
	if strings.HasSuffix(full, ":latest") && !strings.HasSuffix(short, ":latest") && !c.Bool("quiet") {
		fmt.Println("Using default tag: latest")
	}
	if err := pullImage(ctx, c, full, platforms(c), os.Stdout); err != nil {
		return err
	}
	fmt.Println(full)
	return nil
}

// pullAllTags pulls the images of all tags. One that cannot be pulled hinders no other.
func pullAllTags(ctx context.Context, c *cli.Context, short string) error {
	repository, err := withoutTag(short)
	if err != nil {
		return err
	}
	settings, err := registrySettings(c)
	if err != nil {
		return err
	}
	var tags []string
	err = settings.From(ctx, repository+":latest", func(r *registry.Repository) (err error) {
		tags, err = r.Tags(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("pull %s: %w", short, err)
	}
	var failed []error
	for _, tag := range tags {
		full, err := images.Normalize(repository + ":" + tag)
		if err == nil {
			err = pullImage(ctx, c, full, platforms(c), os.Stdout)
		}
		failed = append(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	fmt.Println(repository)
	return errors.Join(failed...)
}

// pullImage pulls the image of a complete name, and writes what docker prints to out.
func pullImage(ctx context.Context, c *cli.Context, full string, platforms []string, out *os.File) error {
	settings, err := registrySettings(c)
	if err != nil {
		return err
	}
	store, err := images.Open(c.String("root"))
	if err != nil {
		return err
	}
	report := io.Writer(out)
	if c.Bool("quiet") {
		report = io.Discard
	}
	opts := images.PullOptions{
		Settings: settings, Platforms: platforms, AllPlatforms: c.Bool("all-platforms"),
		Found: func() { announce(report, full) },
	}
	// Pull it, with a progress bar for each layer on a terminal.
	var bars *bars
	if stdio.IsTerminal(out) && !c.Bool("quiet") {
		bars = newBars(out)
		opts.Progress = bars.layer
	}
	pulled, err := store.Pull(ctx, full, opts)
	bars.finish()
	if err != nil {
		return err
	}
	// Report the result.
	familiar := images.Familiar(pulled.Name)
	fmt.Fprintln(report, "Digest:", pulled.Digest)
	if pulled.New {
		fmt.Fprintln(report, "Status: Downloaded newer image for", familiar)
	} else {
		fmt.Fprintln(report, "Status: Image is up to date for", familiar)
	}
	return nil
}

// announce prints, as docker does, where the image is pulled from.
func announce(out io.Writer, full string) {
	_, path, _ := strings.Cut(full, "/")
	repository, tag := images.Split(path)
	if at := strings.IndexByte(path, '@'); at >= 0 {
		tag = path[at+1:]
	}
	fmt.Fprintf(out, "%s: Pulling from %s\n", tag, repository)
}

// registrySettings returns the settings of the file and of --tls-verify.
func registrySettings(c *cli.Context) (*registry.Settings, error) {
	settings, err := registry.Load()
	if err == nil {
		settings.NoVerify = !c.Bool("tls-verify")
	}
	return settings, err
}
