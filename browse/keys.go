package browse

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/minictr/minictr/layers/stack"
)

// A binding is what keys do. They are those of less(1), vi(1) and dive, where these have
// one for it.
type binding struct {
	keys  string // as bubbletea names them
	label string // as the help names them
	help  string
	short string // in the line at the bottom, or "" for none
	do    func(*Model) tea.Cmd
}

func moving(by motion) func(*Model) tea.Cmd {
	return func(m *Model) tea.Cmd { return m.move(by) }
}

func marking(mark stack.Mark) func(*Model) tea.Cmd {
	return func(m *Model) tea.Cmd { return m.mark(mark) }
}

func layer(by int) func(*Model) tea.Cmd {
	return func(m *Model) tea.Cmd { return m.toLayer(m.layer()+by, "") }
}

// bindings are the keys, in groups with a heading. Keys of a group that is about the panes
// do nothing in a text.
var bindings = []struct {
	heading string
	list    []binding
}{
	{"General", []binding{
		{"q", "q", "close, or quit", "quit", (*Model).quit},
		{"ctrl+c", "Ctrl-C", "quit", "", (*Model).end},
		{"ctrl+z", "Ctrl-Z", "suspend", "", func(*Model) tea.Cmd { return tea.Suspend }},
		{"ctrl+l", "Ctrl-L", "draw again", "", func(*Model) tea.Cmd { return tea.ClearScreen }},
		{"esc", "Esc", "close, stop reading, or clear the filter", "", (*Model).back},
	}},
	{"Move", []binding{
		{"up k", "↑ k", "up", "", moving(up)},
		{"down j", "↓ j", "down", "", moving(down)},
		{"ctrl+u u", "u Ctrl-U", "half a screen up", "", moving(halfUp)},
		{"ctrl+d d", "d Ctrl-D", "half a screen down", "", moving(halfDown)},
		{"pgup ctrl+b", "PgUp Ctrl-B", "a screen up", "", moving(pageUp)},
		{"pgdown f ctrl+f", "PgDn f Ctrl-F", "a screen down", "", moving(pageDown)},
		{"home g", "Home g", "to the beginning", "", moving(first)},
		{"end G", "End G", "to the end", "", moving(last)},
		{"left h", "← h", "fold, or to the directory above; scroll text left", "", (*Model).fold},
		{"right l", "→ l", "open; scroll text right", "", (*Model).unfold},
		{"n", "n", "next match, or next change", "", func(m *Model) tea.Cmd { return m.next(false) }},
		{"N", "N", "previous match or change", "", func(m *Model) tea.Cmd { return m.next(true) }},
		{"/", "/", "filter by name; search in a file", "filter", (*Model).search},
	}},
	{"Layers", []binding{
		{"tab shift+tab", "Tab", "to the other pane", "pane", (*Model).switchPane},
		{"]", "]", "next layer", "", layer(1)},
		{"[", "[", "previous layer", "", layer(-1)},
		{"s", "s", "the layer alone, or stacked on those below", "stack", (*Model).only},
		{"a ctrl+a", "a Ctrl-A", "changes of all layers, or of this one", "", (*Model).since},
		{"m", "m", "to the layer that made the file", "maker", (*Model).maker},
		{"w", "w", "why: the layers that changed the path", "why", (*Model).why},
		{"W", "W", "waste: files that later layers hide", "waste", (*Model).waste},
	}},
	{"Tree", []binding{
		{"enter", "Enter", "show the file; open or fold the directory", "show", (*Model).enter},
		{"i", "i", "show the attributes, of a directory, too", "", (*Model).file},
		{"space", "Space", "open or fold the directory", "fold", (*Model).toggleFold},
		{"z", "z", "fold all", "", func(m *Model) tea.Cmd { m.tree.setAll(false); return nil }},
		{"Z", "Z", "open all", "", func(m *Model) tea.Cmd { m.tree.setAll(true); return nil }},
		{"b", "b", "to the biggest file, then to the next smaller", "biggest",
			func(m *Model) tea.Cmd { return m.biggest(false) }},
		{"B", "B", "back to the next bigger file", "", func(m *Model) tea.Cmd { return m.biggest(true) }},
		{"o", "o", "order by size, or by name", "order", (*Model).sort},
		{"A", "A", "only added paths, or all", "", marking(stack.Added)},
		{"C", "C", "only changed paths, or all", "", marking(stack.Changed)},
		{"D", "D", "only removed paths, or all", "", marking(stack.Deleted)},
	}},
}

// inFront are the keys that do something in a text or a table.
const inFront = "q ctrl+c ctrl+z ctrl+l esc up k down j ctrl+u u ctrl+d d pgup ctrl+b pgdown ctrl+f f home g end G " +
	"left h right l n N / enter"

// Update takes a message: a key, a size, or what a command has found.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var do tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		do = m.press(msg.String(), msg.Text)
	case tea.PasteMsg:
		if m.prompt != "" {
			m.edit("", oneLine(msg.Content))
		}
	case compared:
		do = m.showCompared(msg)
	case result:
		m.showResult(msg)
	}
	m.layOut()
	return m, do
}

// press does what a key is bound to.
func (m *Model) press(key, text string) tea.Cmd {
	m.status = ""
	switch {
	case key == "ctrl+c":
		return m.end()
	case m.prompt != "":
		m.edit(key, text)
		return nil
	case key == "?":
		m.pager = newPager("Keys", helpLines(m.width))
		return nil
	}
	if (m.pager != nil || m.table != nil) && !slices.Contains(strings.Fields(inFront), key) {
		return nil
	}
	for _, group := range bindings {
		for _, b := range group.list {
			if slices.Contains(strings.Fields(b.keys), key) {
				return b.do(m)
			}
		}
	}
	return nil
}

// helpLines returns the help, in lines of at most width columns.
func helpLines(width int) (lines []string) {
	const column = 16
	for _, group := range bindings {
		lines = append(lines, group.heading)
		for _, b := range group.list {
			label := b.label
			for _, line := range wrap(b.help, width-column) {
				lines = append(lines, fmt.Sprintf("  %-*s%s", column-2, label, line))
				label = ""
			}
		}
		lines = append(lines, "")
	}
	lines = append(lines, "Marks", "  A  added   C  changed   D  removed")
	for _, text := range []string{
		"  ·  a directory with such paths", "",
		"A filter is a part of a name, or a pattern: *.conf. With a slash it is a part of the path: etc/ssl.",
	} {
		lines = append(lines, wrap(text, width)...)
	}
	return lines
}

// keyLine returns the most important keys, for the bottom line.
func keyLine() string {
	words := []string{"? help"}
	for _, group := range bindings {
		for _, b := range group.list {
			if b.short != "" {
				words = append(words, b.label+" "+b.short)
			}
		}
	}
	return strings.Join(words, "  ")
}
