package browse

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/minictr/minictr/layers/index"
	"github.com/minictr/minictr/layers/stack"
)

// The screen, from 40 columns and 10 lines up:
//
//	the image
//	LAYERS        │ what the tree shows
//	 1 …          │ …
//	 2 …          │ …
//	about a layer │
//	details of the path at the cursor
//	keys
const (
	minWidth, minHeight = 40, 10
	fixed               = 4 // lines besides the panes
	about               = 8 // lines about a layer, if there is room
)

// The sixteen colours of any terminal. bubbletea leaves them out where NO_COLOR is set.
var (
	bold     = ansi.NewStyle(ansi.AttrBold)
	faint    = ansi.NewStyle(ansi.AttrFaint)
	selected = ansi.NewStyle(ansi.AttrReverse)
	there    = ansi.NewStyle(ansi.AttrUnderline) // the cursor of the other pane
	colours  = map[stack.Mark]ansi.Style{
		stack.Added:   ansi.NewStyle(ansi.AttrGreenForegroundColor),
		stack.Changed: ansi.NewStyle(ansi.AttrYellowForegroundColor),
		stack.Deleted: ansi.NewStyle(ansi.AttrRedForegroundColor),
	}
)

// left returns the width of the left pane.
func left(m *Model) int { return max(13, min(m.width/3, 72)) }

// room returns the lines about a layer, below the list: 0 if there is no room.
func room(m *Model) int {
	if m.height-fixed < 2*about {
		return 0
	}
	return about
}

// layOut gives the lists their heights.
func (m *Model) layOut() {
	lines := m.height - fixed
	m.layers.resize(len(m.image.Layers), lines-room(m))
	m.tree.resize(len(m.tree.rows), lines)
	if m.pager != nil {
		m.pager.resize(m.height - 2)
	}
	if m.table != nil {
		m.table.resize(len(m.table.rows), m.height-3)
	}
}

// View draws the screen.
func (m *Model) View() tea.View {
	var lines []string
	switch {
	case m.width == 0:
	case m.width < minWidth || m.height < minHeight:
		lines = []string{fmt.Sprintf("%d×%d: too small", m.width, m.height), "q quits"}
	case m.pager != nil:
		lines = drawPager(m)
	case m.table != nil:
		lines = drawTable(m)
	default:
		lines = drawPanes(m)
	}
	v := tea.NewView(strings.Join(lines, "\n"))
	v.AltScreen = true
	if m.prompt != "" {
		v.Cursor = tea.NewCursor(min(ansi.StringWidth(m.prompt+safe(m.typed)), m.width-1), m.height-1)
	}
	return v
}

func drawPager(m *Model) []string {
	lines := []string{bold.Styled(fit(m.pager.title, m.width))}
	shown, found := m.pager.shown(m.width)
	for i, l := range shown {
		if found[i] {
			l = selected.Styled(l)
		}
		lines = append(lines, l)
	}
	for range m.pager.height - len(shown) {
		lines = append(lines, "")
	}
	part := "all"
	if m.pager.length > m.pager.height {
		part = fmt.Sprintf("%d–%d of %d", m.pager.top+1, m.pager.end(), m.pager.length)
	}
	return append(lines, bottom(m, "q close  / search  n next  "+part))
}

func drawTable(m *Model) []string {
	t := m.table
	lines := []string{bold.Styled(fit(t.title, m.width)), faint.Styled(cut(t.head, t.left, m.width))}
	for i := t.top; i < t.end(); i++ {
		lines = append(lines, draw(cut(t.rows[i].text, t.left, m.width), m.width, t.rows[i].mark, i == t.cursor, true))
	}
	for range t.height - (t.end() - t.top) {
		lines = append(lines, "")
	}
	return append(lines, bottom(m, "q close  Enter to this layer  ← → scroll"))
}

func drawPanes(m *Model) []string {
	layers, files := drawLayers(m), drawTree(m)
	lines := []string{bold.Styled(fit(title(m), m.width))}
	for i := range m.height - fixed + 1 {
		lines = append(lines, layers[i]+faint.Styled("│")+files[i])
	}
	line := details(m)
	if m.status != "" {
		line = oneLine(m.status)
	}
	return append(lines, fit(line, m.width), bottom(m, keyLine()))
}

// bottom returns the last line: the keys, or what is typed.
func bottom(m *Model, keys string) string {
	if m.prompt != "" {
		return fit(m.prompt+safe(m.typed), m.width)
	}
	if m.status != "" && (m.pager != nil || m.table != nil) {
		keys = oneLine(m.status)
	}
	return faint.Styled(fit(keys, m.width))
}

// title returns what is known of the image.
func title(m *Model) string {
	var size int64
	for _, l := range m.image.Layers {
		size += l.Size
	}
	return fmt.Sprintf("%s: layer %d of %d, %s in all",
		safe(m.image.Name), m.layer(), len(m.image.Layers), humanSize(size))
}

// drawLayers returns the left pane, with its heading.
func drawLayers(m *Model) []string {
	width := left(m)
	lines := []string{bold.Styled(fit("LAYERS", width))}
	for i := m.layers.top; i < m.layers.end(); i++ {
		l := m.image.Layers[i]
		text := fmt.Sprintf("%3d %7s  %s", i+1, humanSize(l.Size), oneLine(l.Instruction))
		lines = append(lines, draw(text, width, stack.Same, i == m.layers.cursor, !m.inTree))
	}
	for len(lines) < m.height-fixed+1-room(m) {
		lines = append(lines, fit("", width))
	}
	if room(m) > 0 {
		lines = append(lines, aboutLayer(m, width)...)
	}
	return lines
}

// aboutLayer returns lines about the layer at the cursor.
func aboutLayer(m *Model, width int) []string {
	texts := []string{""}
	if n := m.layer(); n > 0 {
		l := m.image.Layers[n-1]
		texts = append(texts,
			fmt.Sprintf("LAYER %d", n),
			"diff ID "+l.DiffID.Encoded(),
			"blob    "+humanSize(l.BlobSize),
			fmt.Sprintf("files   %s, %d entries", humanSize(l.Size), len(l.Entries)),
		)
		texts = append(texts, wrap(oneLine(l.Instruction), width)...)
	}
	lines := make([]string, about)
	for i := range lines {
		text := ""
		if i < len(texts) {
			text = texts[i]
		}
		lines[i] = fit(text, width)
	}
	lines[1] = bold.Styled(lines[1])
	return lines
}

// drawTree returns the right pane, with its heading.
func drawTree(m *Model) []string {
	width := m.width - left(m) - 1
	lines := []string{bold.Styled(fit(treeHeading(m), width))}
	for i := m.tree.top; i < m.tree.end(); i++ {
		r := &m.tree.rows[i]
		lines = append(lines, draw(treeRow(m, r, width), width, r.Mark, i == m.tree.cursor, m.inTree))
	}
	for len(lines) < m.height-fixed+1 {
		lines = append(lines, fit("", width))
	}
	return lines
}

// treeHeading says what the tree shows.
func treeHeading(m *Model) string {
	c := m.tree.shown
	if c == nil {
		return "…"
	}
	f := m.tree.filter
	what := fmt.Sprintf("LAYERS 1–%d", c.n)
	switch {
	case f.only && c.n-c.since > 1:
		what = fmt.Sprintf("LAYERS %d–%d ALONE", c.since+1, c.n)
	case f.only:
		what = fmt.Sprintf("LAYER %d ALONE", c.n)
	case c.n-c.since > 1:
		what += fmt.Sprintf(", CHANGES OF %d–%d", c.since+1, c.n)
	case c.n > 1:
		what += fmt.Sprintf(", CHANGES OF %d", c.n)
	}
	if f.marks != "" {
		what += ", ONLY " + f.marks
	}
	if f.text != "" {
		what += ", " + safe(f.text)
	}
	if m.tree.largest {
		what += ", BY SIZE"
	}
	if c.between != m.wanted() {
		what += " …"
	}
	return what
}

// treeRow returns the text of a row: its mark, what there is room for, and its name.
func treeRow(m *Model, r *row, width int) string {
	sign := string(rune(r.Mark))
	if r.Mark == stack.Same && m.tree.shown.changed[r.node] {
		sign = "·"
	}
	text := sign + " "
	i := r.Inode()
	if width >= 80 {
		text += fmt.Sprintf("%s %9s ", i.Permissions(), fmt.Sprintf("%d:%d", i.UID, i.GID))
	}
	if width >= 50 {
		layer := "-" // of a root that no layer has
		if i.Layer > 0 {
			layer = strconv.Itoa(i.Layer)
		}
		text += fmt.Sprintf("%3s ", layer)
	}
	text += fmt.Sprintf("%7s ", humanSize(m.tree.shown.size(r.node))) + strings.Repeat("  ", r.depth)
	switch {
	case r.isDir() && r.open:
		text += "▾ "
	case r.isDir():
		text += "▸ "
	default:
		text += "  "
	}
	return text + label(r)
}

// label returns the name of a row, with the target of a link.
func label(r *row) string {
	name := safe(r.Node.Name)
	if r.depth == 0 {
		name = "/"
	}
	if i := r.Inode(); i.Target != "" {
		name += " → " + safe(i.Target)
	}
	return name
}

// details returns one line about the path or the layer at the cursor.
func details(m *Model) string {
	r := m.tree.at()
	if !m.inTree || r == nil {
		if m.layer() == 0 {
			return "no layers"
		}
		l := m.image.Layers[m.layer()-1]
		return fmt.Sprintf("layer %d: %s", m.layer(), oneLine(l.Instruction))
	}
	i := r.Inode()
	line := fmt.Sprintf("%s  %s %d:%d %s",
		safe(r.path), i.Permissions(), i.UID, i.GID, humanSize(m.tree.shown.size(r.node)))
	switch change, removed := m.tree.shown.removed[r.path]; {
	case r.Mark == stack.Deleted && removed:
		line += fmt.Sprintf("  layer %d: %s", change.Layer, change.How.Reason(change.By))
	case r.Mark == stack.Changed:
		line += "  changed: " + r.What.String()
	}
	if i.Kind == index.Symlink {
		line += "  → " + safe(i.Target)
	}
	if i.Layer > 0 {
		line += fmt.Sprintf("  of layer %d", i.Layer)
	}
	return line
}

// draw returns a line of a list: coloured by its mark, and marked if it is at the cursor.
func draw(text string, width int, mark stack.Mark, cursor, focus bool) string {
	style := colours[mark]
	switch {
	case cursor && focus:
		style = slices.Concat(style, selected)
	case cursor:
		style = slices.Concat(style, there)
	}
	return style.Styled(fit(text, width))
}
