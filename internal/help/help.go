package help

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

const (
	width         = 80 // columns
	commandColumn = 14 // where the texts of commands begin, counted from 0
	flagColumn    = 26 // and those of flags
)

// Commands puts commands under a heading of the help that lists them.
func Commands(heading string, commands ...*cli.Command) []*cli.Command {
	for _, c := range commands {
		c.Category = heading
	}
	return commands
}

// Heading stands in a list of flags, and is the heading of those behind it. The
// heading of flags with none before them is "Flags". Unlike Category of a flag, it
// lets commands share flags under different headings.
type Heading string

func (Heading) Apply(*flag.FlagSet) error { return nil }
func (Heading) IsSet() bool               { return false }
func (Heading) Names() []string           { return nil }
func (h Heading) String() string          { return string(h) }

// printHelp is a cli.HelpPrinter. It prints an app or a command, and ignores the
// template.
func printHelp(w io.Writer, _ string, of any) {
	p := &printer{}
	switch of := of.(type) {
	case *cli.App:
		p.top(of.Name, of.Usage, of.Description, "COMMAND", of.Flags)
		p.commands(of.Commands)
		p.flags(of.Flags)
		fmt.Fprintf(p, "\n%s COMMAND --help describes a command.\n", of.Name)
	case *cli.Command:
		args := of.ArgsUsage
		if of.Subcommands != nil && args == "" {
			args = "COMMAND"
		}
		p.top(of.HelpName, of.Usage, of.Description, args, of.Flags)
		p.commands(of.Subcommands)
		p.flags(of.Flags)
	}
	w.Write(p.Bytes())
}

type printer struct{ bytes.Buffer }

// top prints the usages, one for each line of args, and what the command does.
func (p *printer) top(name, does, description, args string, flags []cli.Flag) {
	if slices.ContainsFunc(flags, isShown) {
		name += " [FLAGS]"
	}
	label := "Usage:"
	for _, usage := range strings.Split(args, "\n") {
		fmt.Fprintf(p, "%6s %s\n", label, strings.TrimSpace(name+" "+usage))
		label = ""
	}
	fmt.Fprintf(p, "\n%s%s\n", strings.ToUpper(does[:1]), does[1:])
	if description != "" {
		fmt.Fprintf(p, "\n%s\n", description)
	}
}

func (p *printer) commands(list []*cli.Command) {
	groups := &groups{}
	for _, c := range list {
		if !c.Hidden && c.Name != "help" {
			groups.add(c.Category, "Commands", item{"  " + c.Name, strings.Fields(c.Usage)})
		}
	}
	p.groups(groups, commandColumn)
}

func (p *printer) flags(list []cli.Flag) {
	groups, heading := &groups{}, ""
	for _, f := range list {
		if h, ok := f.(Heading); ok {
			heading = string(h)
		} else if isShown(f) {
			groups.add(heading, "Flags", flagItem(f.(cli.DocGenerationFlag)))
		}
	}
	p.groups(groups, flagColumn)
}

// isShown reports whether a flag is listed: --help, which every command has, is not.
func isShown(f cli.Flag) bool {
	v, ok := f.(cli.VisibleFlag)
	return ok && v.IsVisible() && f != cli.HelpFlag
}

// item is an entry of a list: a name, and the words that describe it. A line is not
// broken within a word.
type item struct {
	name  string
	words []string
}

// flagItem describes a flag. Its value is called what stands in backquotes at the
// beginning of its usage.
func flagItem(f cli.DocGenerationFlag) item {
	// The names, a short one in front.
	var short, long []string
	for _, name := range f.Names() {
		if len(name) == 1 {
			short = append(short, "-"+name)
		} else {
			long = append(long, "--"+name)
		}
	}
	name := "      "
	if short != nil {
		name = "  " + short[0] + ", "
	}
	name += strings.Join(long, ", ")
	// The value, and what the flag does.
	text := f.GetUsage()
	if rest, ok := strings.CutPrefix(text, "`"); ok {
		value, does, _ := strings.Cut(rest, "`")
		name, text = name+" "+value, strings.TrimSpace(does)
	}
	// The default, and the variable that sets it.
	words := strings.Fields(text)
	switch value := strings.Trim(f.GetDefaultText(), `"`); value {
	case "", "0", "false":
	default:
		words = append(words, "(default "+value+")")
	}
	for _, variable := range f.GetEnvVars() {
		words = append(words, "[$"+variable+"]")
	}
	return item{name, words}
}

// groups are items under headings, in the order in which headings first appear.
type groups struct {
	headings []string
	items    map[string][]item
}

func (g *groups) add(heading, without string, i item) {
	if heading == "" {
		heading = without
	}
	if g.items == nil {
		g.items = map[string][]item{}
	}
	if g.items[heading] == nil {
		g.headings = append(g.headings, heading)
	}
	g.items[heading] = append(g.items[heading], i)
}

// groups prints items with their texts at a column.
func (p *printer) groups(g *groups, column int) {
	for _, heading := range g.headings {
		fmt.Fprintf(p, "\n%s:\n", heading)
		for _, i := range g.items[heading] {
			if utf8.RuneCountInString(i.name) > column-2 {
				fmt.Fprintln(p, i.name)
				i.name = ""
			}
			for _, line := range wrap(i.words, width-column) {
				fmt.Fprintf(p, "%-*s%s\n", column, i.name, line)
				i.name = ""
			}
		}
	}
}

// wrap joins words to lines of at most most characters.
func wrap(words []string, most int) (lines []string) {
	for _, word := range words {
		last := len(lines) - 1
		if last >= 0 && utf8.RuneCountInString(lines[last]+" "+word) <= most {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}
