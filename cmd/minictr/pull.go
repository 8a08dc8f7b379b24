package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/images/registry"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

var tlsFlag = &cli.BoolFlag{Name: "tls-verify", Value: true, Usage: "insist on https and on a certificate that can be trusted"}

var platformFlag = &cli.StringFlag{Name: "platform", Usage: "take the image for `OS/ARCH[/VARIANT]`"}

var pullCommand = &cli.Command{
	Name:      "pull",
	Usage:     "fetch an image from a registry",
	UsageText: "minictr pull [FLAGS] NAME[:TAG|@DIGEST]",
	Flags: []cli.Flag{
		platformFlag,
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print nothing but the whole name"},
		tlsFlag,
	},
	Action: pull,
}

func pull(c *cli.Context) error {
	short, err := oneImage(c)
	if err != nil {
		return err
	}
	ctx, stop := interruptible(c)
	defer stop()
	pulled, err := pullImage(ctx, c, short, os.Stdout)
	if err == nil {
		fmt.Println(pulled.Name)
	}
	return err
}

// pullImage pulls, and says what docker says on out.
func pullImage(ctx context.Context, c *cli.Context, short string, out *os.File) (*images.Pulled, error) {
	settings, err := registrySettings(c)
	if err != nil {
		return nil, err
	}
	store, err := images.Open(c.String("root"))
	if err != nil {
		return nil, err
	}
	opts := images.PullOptions{Settings: settings, Platform: c.String("platform")}
	words := io.Writer(out)
	if c.Bool("quiet") {
		words = io.Discard
	}
	full, err := images.Normalize(short)
	if err != nil {
		return nil, err
	}
	announce(words, short, full)
	var bars *bars
	if stdio.IsTerminal(out) && !c.Bool("quiet") {
		bars = newBars(out)
		opts.Progress = bars.layer
	}
	pulled, err := store.Pull(ctx, short, opts)
	bars.finish()
	if err != nil {
		return nil, err
	}
	familiar := images.Familiar(pulled.Name)
	fmt.Fprintln(words, "Digest:", pulled.Digest)
	if pulled.New {
		fmt.Fprintln(words, "Status: Downloaded newer image for", familiar)
	} else {
		fmt.Fprintln(words, "Status: Image is up to date for", familiar)
	}
	return pulled, nil
}

// announce says where the image comes from, without the registry, as docker
// does.
func announce(out io.Writer, short, full string) {
	_, path, _ := strings.Cut(full, "/")
	repository, tag := images.Split(path)
	if at := strings.IndexByte(path, '@'); at >= 0 {
		tag = path[at+1:]
	} else if tag == "latest" && !strings.HasSuffix(short, ":latest") {
		fmt.Fprintln(out, "Using default tag: latest")
	}
	fmt.Fprintf(out, "%s: Pulling from %s\n", tag, repository)
}

// registrySettings are those of the file, and of --tls-verify.
func registrySettings(c *cli.Context) (*registry.Settings, error) {
	settings, err := registry.Load()
	if err == nil {
		settings.NoVerify = !c.Bool("tls-verify")
	}
	return settings, err
}

// oneImage is the only argument.
func oneImage(c *cli.Context) (string, error) {
	if c.NArg() != 1 {
		return "", fmt.Errorf("%s: one image is to be named, not %d", c.Command.Name, c.NArg())
	}
	return c.Args().First(), nil
}

// interruptible ends its context with SIGINT and the like.
func interruptible(c *cli.Context) (ctx context.Context, stop context.CancelFunc) {
	return signal.NotifyContext(c.Context, unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
}
