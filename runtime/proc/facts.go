package proc

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/minictr/minictr/internal/printable"
	"github.com/minictr/minictr/runtime/plan/call"
)

// Fact is one line of a view.
type Fact struct{ Section, Name, Value string }

// sections are the names of the sections, in the order of reading.
var sections = []string{
	"process", "namespaces", "mounts", "cgroup", "ids", "capabilities", "confinement", "descriptors",
}

// Facts returns a view as lines, in the order of reading.
func (v *View) Facts() []Fact {
	var l facts
	l.process(v)
	for _, ns := range v.Namespaces {
		l.add("namespaces", ns.Type, fmt.Sprint(ns.Inode))
	}
	l.mounts(v)
	l.cgroup(&v.Cgroup)
	l.ids(v)
	l.capabilities(&v.Caps)
	l.add("confinement", "no_new_privs", yesNo(v.NoNewPrivs))
	l.add("confinement", "seccomp", v.Seccomp.String())
	for _, d := range v.Files {
		l.add("descriptors", strconv.Itoa(d.Number), d.String())
	}
	return l
}

// Facts returns a cgroup as lines.
func (c *Cgroup) Facts() []Fact {
	var l facts
	l.cgroup(c)
	return l
}

// Print writes facts as a table, a heading above each section.
func Print(w io.Writer, list []Fact) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	section := ""
	for _, f := range list {
		if f.Section != section {
			if section != "" {
				fmt.Fprintln(t)
			}
			section = f.Section
			fmt.Fprintf(t, "%s\n", strings.ToUpper(section))
		}
		fmt.Fprintf(t, "  %s\t%s\n", printable.String(f.Name), printable.String(f.Value))
	}
	return t.Flush()
}

type facts []Fact

func (l *facts) add(section, name, value string) { *l = append(*l, Fact{section, name, value}) }

func (l *facts) process(v *View) {
	pids := "none"
	if n := len(v.Pids); n > 0 {
		pids = strconv.Itoa(v.Pids[0])
		if n > 1 {
			pids += fmt.Sprintf(", and %d in its own pid namespace", v.Pids[n-1])
		}
	}
	l.add("process", "pid", pids)
	l.add("process", "comm", v.Comm)
	l.add("process", "exe", v.Exe)
	l.add("process", "root", v.Root)
	l.add("process", "cwd", v.Cwd)
}

// mounts adds a line a mount. Of two mounts at one place the later one is seen.
func (l *facts) mounts(v *View) {
	seen := map[string]int{}
	for _, m := range v.Mounts {
		name := m.Mountpoint
		if seen[m.Mountpoint]++; seen[m.Mountpoint] > 1 {
			name = fmt.Sprintf("%s (over it, %d)", name, seen[m.Mountpoint])
		}
		l.add("mounts", name, m.String())
	}
}

func (m *Mount) String() string {
	text := m.Type
	if m.Root != "/" {
		text += " " + m.Root
	}
	if m.Source != m.Type && m.Source != "none" {
		text += " of " + m.Source
	}
	text += " " + m.Options
	if strings.HasPrefix(m.Super, "ro") && !strings.HasPrefix(m.Options, "ro") {
		text += " (filesystem ro)"
	}
	if m.Propagation != "" {
		return text + ", " + m.Propagation
	}
	return text + ", private"
}

func (l *facts) cgroup(c *Cgroup) {
	l.add("cgroup", "path", orNone(c.Path))
	for _, name := range c.names() {
		l.add("cgroup", name, orNone(c.Values[name]))
	}
}

func (l *facts) ids(v *View) {
	l.add("ids", "uid", idsText(v.UIDs))
	l.add("ids", "gid", idsText(v.GIDs))
	l.add("ids", "groups", orNone(strings.Trim(fmt.Sprint(v.Groups), "[]")))
	l.add("ids", "uid_map", mapText(v.UIDMap))
	l.add("ids", "gid_map", mapText(v.GIDMap))
}

// idsText returns one number for four that are equal.
func idsText(ids [4]uint32) string {
	if ids == [4]uint32{ids[0], ids[0], ids[0], ids[0]} {
		return fmt.Sprint(ids[0])
	}
	return fmt.Sprintf("%d real, %d effective, %d saved, %d filesystem", ids[0], ids[1], ids[2], ids[3])
}

func mapText(maps []IDMap) string {
	var parts []string
	for _, m := range maps {
		switch {
		case m == IDMap{0, 0, 1<<32 - 1}:
			return "each id is itself"
		case m.Size == 1:
			parts = append(parts, fmt.Sprintf("%d is %d outside", m.Inside, m.Outside))
		default:
			parts = append(parts, fmt.Sprintf("%d-%d is %d-%d outside",
				m.Inside, m.Inside+m.Size-1, m.Outside, m.Outside+m.Size-1))
		}
	}
	if parts == nil {
		return "not set"
	}
	return strings.Join(parts, ", ")
}

func (l *facts) capabilities(c *Caps) {
	l.add("capabilities", "effective", capsText(c.Effective))
	l.add("capabilities", "permitted", capsText(c.Permitted))
	l.add("capabilities", "inheritable", capsText(c.Inheritable))
	l.add("capabilities", "bounding", capsText(c.Bounding))
	l.add("capabilities", "ambient", capsText(c.Ambient))
}

// capsText returns the names of a set, or of what is missing where that is shorter.
func capsText(names []string) string {
	all := call.Capabilities[:]
	switch missing := slices.DeleteFunc(slices.Clone(all), func(c string) bool { return slices.Contains(names, c) }); {
	case len(names) == 0:
		return "none"
	case len(missing) == 0:
		return fmt.Sprintf("all %d", len(names))
	case len(missing) < 5:
		return "all but " + strings.Join(missing, " ")
	}
	return strings.Join(names, " ")
}

func (s Seccomp) String() string {
	if s.Filters == 0 {
		return s.Mode
	}
	return fmt.Sprintf("%s (%d)", s.Mode, s.Filters)
}

func (d *Descriptor) String() string {
	text := d.File + " " + d.Access
	if d.CloseOnExec {
		text += ", close-on-exec"
	}
	return text
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
