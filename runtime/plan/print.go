// Core 5 of 28: a plan as text
//
// One line a step: its number, its side, the call as strace(1) would print it, and the
// reason. A call that is long has its reason on the next line.
//
//	 12  host          clone3({flags=CLONE_NEWPID|…}, 88) = @pid   # make the container's process…
//	 30  container     if @dir: fsopen("tmpfs", FSOPEN_CLOEXEC) = @fs
//
// "if @dir:" means that the call is made only if an earlier step has that result.

package plan

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Style is how a plan is printed.
type Style struct {
	Color bool
}

const (
	callWidth = 58 // runes; a longer call has its reason on the next line
	listWidth = 72 // bytes of a list of strings before it is cut

	bold, dim, cyan, yellow, plain = "\x1b[1m", "\x1b[2m", "\x1b[36m", "\x1b[33m", "\x1b[0m"
)

// Print writes the plan as text, with a headline above each part.
func (p *Plan) Print(w io.Writer, style Style) error {
	var b strings.Builder
	part := ""
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Part != part {
			part = s.Part
			b.WriteString(style.Headline(part))
		}
		b.WriteString(p.Line(i, style))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Headline returns the line above a part.
func (s Style) Headline(part string) string {
	return fmt.Sprintf("\n%s\n", s.paint(bold, part+": "+About(part)))
}

// About returns what a part of the plan is for, in a few words.
func About(part string) string {
	for _, p := range parts {
		if p.name == part {
			return p.about
		}
	}
	return ""
}

var parts = [...]struct{ name, about string }{
	{"streams", "pipes, as the process gets no file or terminal of the host"},
	{"cgroup", "limits of the container's processes"},
	{"root", "overlay of the layers, as a detached mount"},
	{"sources", "files and directories of the host, for a user namespace"},
	{"terminal", "a pseudo-terminal of its own"},
	{"trampoline", "a small program that makes the last calls"},
	{"join", "enter namespaces that exist"},
	{"hooks", "programs of the host run now"},
	{"outer", "a host to experiment on: what a missing part leaves open leads there, not to this computer"},
	{"clone", "two processes from here on"},
	{"session", "signals, streams and session of the child"},
	{"namespaces", "names and links of the new namespaces"},
	{"filesystems", "new filesystems, and clones of what is bound, as detached mounts"},
	{"settings", "kernel parameters of its namespaces"},
	{"pivot", "change the root"},
	{"attach", "mount points, and mounts on them"},
	{"dev", "devices that every program expects"},
	{"mask", "paths to mask or to make read-only"},
	{"confine", "limits, user and capabilities of the program"},
	{"exec", "execute the program"},
}

// Line returns the text of step i, with a newline.
func (p *Plan) Line(i int, style Style) string {
	s := &p.Steps[i]
	color := yellow
	if s.Side == Container {
		color = cyan
	}
	side := style.paint(color, fmt.Sprintf("%-12s", s.Side))
	call := s.condition() + s.Call()
	why := style.paint(dim, "# "+s.Why)
	gap := callWidth - utf8.RuneCountInString(call)
	if gap < 0 {
		return fmt.Sprintf("%4d  %s  %s\n%26s%s\n", i+1, side, call, "", why)
	}
	return fmt.Sprintf("%4d  %s  %s%s  %s\n", i+1, side, call, strings.Repeat(" ", gap), why)
}

func (s *Step) condition() string {
	switch {
	case s.If != "":
		return "if " + s.If.String() + ": "
	case s.Unless != "":
		return "unless " + s.Unless.String() + ": "
	}
	return ""
}

func (s Style) paint(color, text string) string {
	if !s.Color {
		return text
	}
	return color + text + plain
}
