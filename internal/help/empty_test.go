package help

import (
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/urfave/cli/v2"
)

// TestEmptyWords: an empty path of the host or argument of a command is refused, one of
// another program and other flags are not. An empty variable is none.
func TestEmptyWords(t *testing.T) {
	t.Setenv("TEST_ROOT", "")
	for _, test := range []struct {
		err   string
		words []string
	}{
		{"", []string{"run", "--workdir", "", "--name=", "IMAGE", "", ""}},
		{"--root is empty", []string{"--root", "", "run", "IMAGE"}},
		{"run: --cidfile is empty", []string{"run", "--cidfile=", "IMAGE"}},
		{"run: --env-file is empty", []string{"run", "--env-file", "x", "--env-file", "", "IMAGE"}},
		{"run: IMAGE is empty", []string{"run", ""}},
		{"images: NAME[:TAG] is empty", []string{"images", ""}},
		{"rm: CONTAINER is empty", []string{"rm", "a", "b", ""}},
	} {
		root := ""
		err := Run(emptyApp(&root), append([]string{"test"}, test.words...))
		if test.err == "" {
			testkit.Check(t, err)
			testkit.Equal(t, "root", root, "/default")
		} else {
			testkit.WantError(t, test.err, err, test.err)
		}
	}
}

// emptyApp is an app whose commands set root.
func emptyApp(root *string) *cli.App {
	action := func(c *cli.Context) error { *root = c.String("root"); return nil }
	file := func(name string) cli.Flag { return &cli.StringFlag{Name: name, Usage: "`FILE` file"} }
	return &cli.App{
		Name: "test",
		Flags: []cli.Flag{&cli.StringFlag{
			Name: "root", Value: "/default", EnvVars: []string{"TEST_ROOT"}, Usage: "`DIR` directory",
		}},
		Commands: []*cli.Command{
			{Name: "run", ArgsUsage: "IMAGE [COMMAND [ARGUMENT…]]", Action: action, Flags: []cli.Flag{
				file("cidfile"), &cli.StringSliceFlag{Name: "env-file", Usage: "`FILE` file"},
				&cli.StringFlag{Name: "workdir", Usage: "`DIR` directory"},
				&cli.StringFlag{Name: "name", Usage: "`NAME` name"},
			}},
			{Name: "images", ArgsUsage: "[NAME[:TAG]]", Action: action},
			{Name: "rm", ArgsUsage: "CONTAINER…", Action: action},
		},
		ExitErrHandler: func(*cli.Context, error) {},
	}
}
