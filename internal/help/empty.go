package help

// An empty word is most often a variable of a shell that is not set, as in --root "$DIR".
// As a path it would be the working directory, as a name it might be all names. So an
// empty path is refused, and an empty argument unless it is for another program. Other
// flags take an empty value as docker and runc do: mostly as not given.

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/urfave/cli/v2"
)

// pathsInside are flags for a path in the container: an empty one is not given.
var pathsInside = []string{"workdir", "cwd"}

// unsetEmpty unsets the variables of flags that are empty: in a shell, VARIABLE= is the
// usual way to do without one.
func unsetEmpty(flags []cli.Flag) {
	for _, f := range flags {
		d, ok := f.(cli.DocGenerationFlag)
		if !ok {
			continue
		}
		for _, variable := range d.GetEnvVars() {
			if os.Getenv(variable) == "" {
				os.Unsetenv(variable)
			}
		}
	}
}

// checkAppFlags refuses empty flags of the app, before the app's own Before sees them.
func checkAppFlags(app *cli.App) {
	before := app.Before
	app.Before = func(c *cli.Context) error {
		if name := emptyFlag(c, app.Flags); name != "" {
			return hint.New(fmt.Errorf("%s is empty", name), app.Name+" --help")
		}
		if before == nil {
			return nil
		}
		return before(c)
	}
}

// emptyFlag returns the name of a flag that must not be empty and is, or "".
func emptyFlag(c *cli.Context, flags []cli.Flag) string {
	for _, f := range flags {
		if name := f.Names(); isPath(f) && isEmpty(c, name[0]) {
			return "--" + name[0]
		}
	}
	return ""
}

// emptyWord returns the name of a flag or an argument that must not be empty and is, or "".
func emptyWord(c *cli.Context) string {
	if name := emptyFlag(c, c.Command.Flags); name != "" {
		return name
	}
	words := strings.Fields(usage(c))
	words = slices.DeleteFunc(words, func(word string) bool { return strings.HasPrefix(word, "--") })
	for i, arg := range c.Args().Slice() {
		word := words[min(i, len(words)-1)]
		if arg == "" && !strings.Contains(word, "COMMAND") && !strings.Contains(word, "ARGUMENT") {
			if optional, ok := strings.CutPrefix(word, "["); ok {
				word = strings.TrimSuffix(optional, "]")
			}
			return strings.TrimSuffix(word, "…")
		}
	}
	return ""
}

// isPath reports whether a flag takes a path of the host: its value is called so.
func isPath(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok || slices.Contains(pathsInside, f.Names()[0]) {
		return false
	}
	value, _, _ := strings.Cut(strings.TrimPrefix(d.GetUsage(), "`"), "`")
	return value == "DIR" || value == "FILE" || value == "PATH"
}

// isEmpty reports whether a flag is given with an empty value.
func isEmpty(c *cli.Context, flag string) bool {
	switch value := c.Value(flag).(type) {
	case string:
		return value == "" && c.IsSet(flag)
	case cli.StringSlice:
		return slices.Contains(value.Value(), "")
	}
	return false
}
