package browse

import (
	"context"
	"fmt"

	tea "charm.land/bubbletea/v2"
	"github.com/minictr/minictr/layers/stack"
)

// A Model is the state of the browser. It is a tea.Model.
type Model struct {
	image         *Image
	width, height int

	layers   scroll
	tree     tree
	inTree   bool   // the keys are those of the tree, and not of the layers
	allSince bool   // the changes of all layers above the first are marked
	goal     string // the path to which the tree moves when its comparison is made, or ""

	// In front of the panes.
	pager *pager
	table *table

	// A line that is typed: its prompt, or "".
	prompt, typed string

	status string // in place of the details, until the next key

	// What runs beside the model.
	comparing bool
	failed    *between
	job       int // the number of the last one
	cancel    context.CancelFunc
}

// New returns a browser of an image, at its top layer.
func New(image *Image) *Model {
	m := &Model{image: image, tree: newTree(), inTree: true, cancel: func() {}}
	m.layers.resize(len(image.Layers), 1)
	m.layers.to(len(image.Layers) - 1)
	return m
}

// Init begins to compare the top layer with those below.
func (m *Model) Init() tea.Cmd { return m.compare() }

// layer returns the layer under the cursor, which counts from 1; 0 of an image without
// layers.
func (m *Model) layer() int { return min(m.layers.cursor+1, len(m.image.Layers)) }

// wanted returns what the tree is to show.
func (m *Model) wanted() between {
	n := m.layer()
	if m.allSince && n > 1 {
		return between{1, n}
	}
	return between{max(n-1, 0), n}
}

// A compared is a comparison that was made.
type compared struct {
	between
	made *comparison
	err  error
}

// compare begins a comparison, if another one is wanted than is shown. One runs at a time.
func (m *Model) compare() tea.Cmd {
	b := m.wanted()
	if m.comparing || m.tree.shown != nil && m.tree.shown.between == b || m.failed != nil && *m.failed == b {
		return nil
	}
	m.comparing, m.failed = true, nil
	image := m.image
	return func() tea.Msg {
		made, err := image.compare(b)
		return compared{b, made, err}
	}
}

func (m *Model) showCompared(c compared) tea.Cmd {
	m.comparing = false
	switch {
	case c.err != nil:
		m.failed, m.status = &c.between, c.err.Error()
	case c.between == m.wanted():
		m.tree.show(c.made)
		m.reach()
	}
	return m.compare()
}

// A result is what a job has found. Show is nil after an error.
type result struct {
	job  int
	show func(*Model)
	err  error
}

// start runs work beside the model, in place of an earlier job.
func (m *Model) start(what string, work func(context.Context) (func(*Model), error)) tea.Cmd {
	ctx := m.stop()
	m.status = what
	job := m.job
	return func() tea.Msg {
		show, err := work(ctx)
		return result{job, show, err}
	}
}

// stop cancels the job that runs, whose result is ignored.
func (m *Model) stop() (ctx context.Context) {
	m.cancel()
	m.job++
	ctx, m.cancel = context.WithCancel(context.Background())
	return ctx
}

func (m *Model) showResult(r result) {
	switch {
	case r.job != m.job:
	case r.err != nil:
		m.status = r.err.Error()
	default:
		m.status = ""
		r.show(m)
		m.layOut()
	}
}

// toLayer moves the cursor to a layer, and in the tree to a path, if that is not "".
func (m *Model) toLayer(n int, path string) tea.Cmd {
	m.layers.to(n - 1)
	m.goal = path
	if m.tree.shown != nil && m.tree.shown.between == m.wanted() {
		m.reach()
	}
	return m.compare()
}

// reach moves the cursor of the tree to the goal, if there is one. A filter that hides it
// is cleared.
func (m *Model) reach() {
	if m.goal == "" {
		return
	}
	m.tree.reveal(m.goal)
	if m.tree.path() != m.goal && !m.tree.filter.isEmpty() {
		m.tree.refilter(filter{})
		m.tree.reveal(m.goal)
	}
	m.goal = ""
}

// move moves the cursor of the list in front.
func (m *Model) move(by motion) tea.Cmd {
	switch {
	case m.pager != nil:
		m.pager.move(by)
	case m.table != nil:
		m.table.move(by)
	case m.inTree:
		m.tree.move(by)
	default:
		m.layers.move(by)
		return m.compare()
	}
	return nil
}

func (m *Model) switchPane() tea.Cmd {
	m.inTree = !m.inTree
	return nil
}

// scrollStep is by how many columns text is scrolled.
const scrollStep = 8

// fold folds the directory at the cursor, or else moves to the one above. It scrolls text.
func (m *Model) fold() tea.Cmd {
	if !m.sideways(-scrollStep) && m.inTree && !m.tree.setOpen(false) {
		m.tree.toParent()
	}
	return nil
}

// unfold opens the directory at the cursor. It scrolls text.
func (m *Model) unfold() tea.Cmd {
	if !m.sideways(scrollStep) && m.inTree {
		m.tree.setOpen(true)
	}
	return nil
}

// sideways scrolls the text or the table in front. It reports whether there is one.
func (m *Model) sideways(columns int) bool {
	switch {
	case m.pager != nil:
		m.pager.left = sideways(m.pager.left, columns, m.pager.lines)
	case m.table != nil:
		lines := []string{m.table.head}
		for _, r := range m.table.rows {
			lines = append(lines, r.text)
		}
		m.table.left = sideways(m.table.left, columns, lines)
	}
	return m.pager != nil || m.table != nil
}

func (m *Model) toggleFold() tea.Cmd {
	if r := m.tree.at(); r != nil && m.inTree {
		m.tree.setOpen(!r.open)
	}
	return nil
}

// enter shows the file at the cursor, opens or folds a directory, or goes where a row of a
// table leads to.
func (m *Model) enter() tea.Cmd {
	if t := m.table; t != nil {
		if len(t.rows) == 0 {
			return nil
		}
		row := t.rows[t.cursor]
		m.table, m.inTree = nil, true
		return m.toLayer(row.layer, row.path)
	}
	r := m.tree.at()
	switch {
	case !m.inTree:
		m.inTree = true
	case r != nil && r.isDir():
		return m.toggleFold()
	case r != nil:
		return m.file()
	}
	return nil
}

// file shows the path at the cursor: the file of the layer that has it, and its content.
func (m *Model) file() tea.Cmd {
	r := m.tree.at()
	if r == nil {
		return nil
	}
	image, path, inode := m.image, r.path, r.Inode()
	return m.start(fmt.Sprintf("reading layer %d … (Esc stops)", inode.Layer),
		func(ctx context.Context) (func(*Model), error) {
			lines, err := image.describe(ctx, path, inode)
			return func(m *Model) { m.pager = newPager(safe(path), lines) }, err
		})
}

// maker goes to the layer that made the file at the cursor.
func (m *Model) maker() tea.Cmd {
	r := m.tree.at()
	if r == nil {
		return nil
	}
	n := r.Inode().Layer
	switch {
	case n == 0:
		m.status = "no layer has it"
	case n == m.layer():
		m.status = fmt.Sprintf("layer %d made it", n)
	default:
		return m.toLayer(n, r.path)
	}
	return nil
}

// why lists the layers that changed the path at the cursor.
func (m *Model) why() tea.Cmd {
	path := m.tree.path()
	return m.stacked(func(s *stack.Stack) *table { return whyTable(m.image, s, path) })
}

func (m *Model) waste() tea.Cmd { return m.stacked(wasteTable) }

// stacked shows a table that is made of the stack of all layers.
func (m *Model) stacked(make func(*stack.Stack) *table) tea.Cmd {
	image := m.image
	return m.start("stacking the layers …", func(context.Context) (func(*Model), error) {
		s, err := image.whole()
		if err != nil {
			return nil, err
		}
		t := make(s)
		return func(m *Model) { m.table = t }, nil
	})
}

// change changes the filter.
func (m *Model) change(with func(*filter)) tea.Cmd {
	f := m.tree.filter
	with(&f)
	m.tree.refilter(f)
	return nil
}

func (m *Model) only() tea.Cmd { return m.change(func(f *filter) { f.only = !f.only }) }

func (m *Model) mark(mark stack.Mark) tea.Cmd { return m.change(func(f *filter) { f.toggle(mark) }) }

func (m *Model) since() tea.Cmd {
	m.allSince = !m.allSince
	return m.compare()
}

func (m *Model) sort() tea.Cmd {
	m.tree.sort(!m.tree.largest)
	return nil
}

// biggest goes to the largest file.
func (m *Model) biggest(back bool) tea.Cmd {
	m.inTree = true
	if !m.tree.biggest(back) {
		m.status = "no file is shown"
	}
	return nil
}

// next goes to the next match or change, or back to the previous one.
func (m *Model) next(back bool) tea.Cmd {
	switch {
	case m.pager != nil:
		if m.pager.text != "" && !m.pager.next(back) {
			m.status = "not found: " + safe(m.pager.text)
		}
	case m.table == nil && !m.tree.next(back):
		m.status = "no path is marked A, C or D"
		if !m.tree.filter.isEmpty() {
			m.status = "no path matches"
		}
	}
	return nil
}

// search begins to type a filter, or in a pager a text to search for.
func (m *Model) search() tea.Cmd {
	switch {
	case m.pager != nil:
		m.prompt, m.typed = "search: ", ""
	case m.table == nil:
		m.prompt, m.typed = "filter: ", m.tree.filter.text
		m.inTree = true
	}
	return nil
}

// edit takes a key of the line that is typed.
func (m *Model) edit(key, text string) {
	switch key {
	case "enter":
		m.prompt = ""
		if m.pager != nil {
			m.pager.text = m.typed
		} else if r := m.tree.at(); m.typed == "" || r != nil && r.match {
			return
		}
		m.next(false)
		return
	case "esc":
		m.prompt, m.typed = "", ""
	case "backspace", "ctrl+h":
		if m.typed == "" {
			m.prompt = ""
		}
		runes := []rune(m.typed)
		m.typed = string(runes[:max(len(runes)-1, 0)])
	case "ctrl+u":
		m.typed = ""
	default:
		m.typed += text
	}
	if m.pager == nil {
		m.change(func(f *filter) { f.text = m.typed })
	}
}

// back closes what is in front, or stops a job, or else clears the filter.
func (m *Model) back() tea.Cmd {
	m.stop()
	switch {
	case m.pager != nil:
		m.pager = nil
	case m.table != nil:
		m.table = nil
	default:
		return m.change(func(f *filter) { *f = filter{} })
	}
	return nil
}

// quit closes what is in front, or else ends the browser.
func (m *Model) quit() tea.Cmd {
	if m.pager != nil || m.table != nil {
		return m.back()
	}
	return m.end()
}

func (m *Model) end() tea.Cmd {
	m.cancel()
	return tea.Quit
}
