package help

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/urfave/cli/v2"
)

// An ArgsUsage is a list of words:
//
//	NAME        an argument
//	[NAME]      an argument that may be missing
//	NAME…       one argument or more; [NAME…] any number
//	ARGUMENT…   the arguments of another program: flags among them are its own
//	--NAME=X    a flag; a usage that begins with one holds where it is set
//
// Each line is a usage of its own. The first holds where no other does.

// Run runs app with the arguments of the process. It prints help with this package,
// and refuses arguments that the ArgsUsage of the command does not have.
func Run(app *cli.App, args []string) error {
	cli.HelpPrinter, app.OnUsageError = printHelp, usageError
	unsetEmpty(app.Flags)
	checkAppFlags(app)
	at := firstWord(app, args)
	if c := named(app.Commands, args, at); c != nil {
		app.Commands = []*cli.Command{c} // app.Run sets up all: that takes time
	}
	setUp(app.Commands)
	return app.Run(reorder(app.Commands, args, at))
}

func setUp(commands []*cli.Command) {
	for _, c := range commands {
		c.OnUsageError, c.HideHelpCommand = usageError, true
		if c.Subcommands == nil {
			c.Before = before
			continue
		}
		if c.Action == nil {
			c.Action = missingCommand
		}
		setUp(c.Subcommands)
	}
}

// missingCommand is the action of a command that is only a group of others.
func missingCommand(c *cli.Context) error {
	if !c.Args().Present() {
		return cli.ShowSubcommandHelp(c)
	}
	return withHelp(c, fmt.Errorf("%s %q: no such command", c.Command.Name, c.Args().First()))
}

// Lister is a flag that lists its values where it is given without one.
type Lister interface {
	cli.Flag
	List() error
}

func usageError(c *cli.Context, err error, _ bool) error {
	if name, missing := strings.CutPrefix(err.Error(), "flag needs an argument: -"); missing {
		for _, f := range c.Command.Flags {
			if l, ok := f.(Lister); ok && slices.Contains(f.Names(), name) {
				return l.List()
			}
		}
	}
	return withHelp(c, err)
}

func withHelp(c *cli.Context, err error) error { return hint.New(err, c.Command.HelpName+" --help") }

// Checked is a flag whose value is checked before the command runs.
type Checked interface {
	cli.Flag
	Check(*cli.Context) error
}

// before checks the flags and arguments of a command. Then it removes its list of flags:
// cli would look up each by the names of all others, which takes longer than all else, to
// run an Action that none of ours has.
func before(c *cli.Context) error {
	for _, f := range c.Command.Flags {
		if checked, ok := f.(Checked); ok && c.IsSet(f.Names()[0]) {
			if err := checked.Check(c); err != nil {
				return err
			}
		}
	}
	err := checkArguments(c)
	c.Command.Flags = nil
	return err
}

// checkArguments returns an error unless a command has as many arguments as its usage.
func checkArguments(c *cli.Context) error {
	name := strings.TrimPrefix(c.Command.HelpName, c.App.Name+" ")
	required, most := count(usage(c))
	switch n := c.NArg(); {
	case n < len(required):
		return withHelp(c, fmt.Errorf("%s: %s is missing", name, strings.TrimSuffix(required[n], "…")))
	case n > most:
		return withHelp(c, fmt.Errorf("%s: unexpected argument %q", name, c.Args().Get(most)))
	}
	if empty := emptyWord(c); empty != "" {
		return withHelp(c, fmt.Errorf("%s: %s is empty", name, empty))
	}
	return nil
}

// usage returns the usage that begins with a flag that is set, or else the first.
func usage(c *cli.Context) string {
	usages := strings.Split(c.Command.ArgsUsage, "\n")
	for _, u := range usages[1:] {
		if flag, _, _ := strings.Cut(strings.TrimPrefix(u, "--"), "="); c.IsSet(flag) {
			return u
		}
	}
	return usages[0]
}

// count returns the arguments that a usage requires, and how many it permits.
func count(usage string) (required []string, most int) {
	for word := range strings.FieldsSeq(usage) {
		switch {
		case strings.HasPrefix(word, "--"):
			continue
		case strings.HasSuffix(strings.TrimRight(word, "]"), "…"):
			most = math.MaxInt
		case most < math.MaxInt:
			most++
		}
		if !strings.HasPrefix(word, "[") {
			required = append(required, word)
		}
	}
	return required, most
}

// firstWord returns the index of the first argument that is not a flag of app, nor the
// value of one.
func firstWord(app *cli.App, args []string) int {
	at := 1
	for at < len(args) && isFlag(args[at]) {
		at += 1 + values(app.Flags, args[at])
	}
	return at
}

// named returns the command whose name args[at] is, or nil.
func named(commands []*cli.Command, args []string, at int) *cli.Command {
	for _, c := range commands {
		if at < len(args) && c.HasName(args[at]) {
			return c
		}
	}
	return nil
}

// reorder returns args with the flags of the command that args[at] names before the
// other words, which is where package flag looks for them, and each flag in a word of its
// own.
func reorder(commands []*cli.Command, args []string, at int) []string {
	for c := named(commands, args, at); c != nil; c = named(c.Subcommands, args, at) {
		at++
		switch {
		case c.Subcommands != nil:
		case strings.Contains(c.ArgsUsage, "ARGUMENT…"):
			return append(args[:at:at], splitFlags(c.Flags, args[at:])...)
		default:
			return append(args[:at:at], flagsFirst(c.Flags, args[at:])...)
		}
	}
	return args
}

// splitFlags splits the short flags before the first other word.
func splitFlags(known []cli.Flag, args []string) (flags []string) {
	forms := map[string]string{}
	for len(args) > 0 && isFlag(args[0]) && args[0] != "--" {
		args = slices.Concat(split(known, args[0]), args[1:])
		args[0] = sameForm(known, forms, args[0])
		n := min(1+values(known, args[0]), len(args))
		flags, args = append(flags, args[:n]...), args[n:]
	}
	return append(flags, args...)
}

// split splits short flags that are written as one, the last perhaps with its value: -it
// is -i -t, and -tn5 is -t -n=5. Other words stay as they are.
func split(known []cli.Flag, word string) (flags []string) {
	name, _, _ := strings.Cut(word, "=")
	if word[1] == '-' || len(word) == 2 || isKnown(known, name[1:]) {
		return []string{word}
	}
	for i, letter := range word[1:] {
		rest := word[1+i+len(string(letter)):]
		switch {
		case !isKnown(known, string(letter)):
			return []string{word}
		case rest != "" && takesValue(known, string(letter)):
			return append(flags, "-"+string(letter)+"="+strings.TrimPrefix(rest, "="))
		}
		flags = append(flags, "-"+string(letter))
	}
	return flags
}

// sameForm returns a flag by the name that it was first given by: cli refuses -e and --env in
// one line. forms holds that name by the flag's own.
func sameForm(known []cli.Flag, forms map[string]string, word string) string {
	form, value, set := strings.Cut(word, "=")
	name := strings.TrimPrefix(form[1:], "-")
	i := slices.IndexFunc(known, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
	if i < 0 {
		return word
	}
	own := known[i].Names()[0]
	if forms[own] == "" {
		forms[own] = form
	}
	if set {
		return forms[own] + "=" + value
	}
	return forms[own]
}

func isKnown(known []cli.Flag, name string) bool {
	return slices.ContainsFunc(known, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
}

func flagsFirst(known []cli.Flag, args []string) []string {
	var flags, words []string
	forms := map[string]string{}
	for len(args) > 0 && args[0] != "--" {
		if !isFlag(args[0]) {
			words, args = append(words, args[0]), args[1:]
			continue
		}
		args = slices.Concat(split(known, args[0]), args[1:])
		args[0] = sameForm(known, forms, args[0])
		n := 1 + values(known, args[0])
		if n > len(args) {
			return append(flags, args...) // its value is missing: nothing may follow that could be taken for it
		}
		flags, args = append(flags, args[:n]...), args[n:]
	}
	if len(args) > 0 {
		args = args[1:] // of two --, the second is a word
	}
	return slices.Concat(flags, []string{"--"}, words, args)
}

// isFlag reports whether a word is a flag. A single - is standard input.
func isFlag(word string) bool { return len(word) > 1 && word[0] == '-' }

// values returns how many words after a flag belong to it: 1 or 0. The last of
// short flags that are written as one, as in -ft, is the one that may take a value.
func values(known []cli.Flag, word string) int {
	name := strings.TrimPrefix(word[1:], "-")
	if takesValue(known, name) || word[1] != '-' && takesValue(known, name[len(name)-1:]) {
		return 1
	}
	return 0
}

func takesValue(known []cli.Flag, name string) bool {
	return slices.ContainsFunc(known, func(f cli.Flag) bool {
		d, ok := f.(cli.DocGenerationFlag)
		return ok && d.TakesValue() && slices.Contains(f.Names(), name)
	})
}
