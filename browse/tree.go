package browse

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/minictr/minictr/layers/index"
	"github.com/minictr/minictr/layers/stack"
)

// A tree is a comparison as rows.
type tree struct {
	scroll
	filter  filter
	largest bool // entries of a directory in the order of their sizes
	shown   *comparison
	rows    []row
	kept    map[*node]bool // by the filter, or above such; nil for all
	found   string         // the file that biggest found last

	// Directories are open or folded, all of them but some. The filter has its own.
	folds [2]folds
}

// A row is a path that is shown.
type row struct {
	*node
	path  string
	depth int
	open  bool // a directory whose entries are shown
	match bool // by the filter
}

// isDir reports whether the row has or may have entries.
func (r row) isDir() bool { return len(r.Below) > 0 || r.Inode().Kind == index.Directory }

// folds are the directories that are folded, by their paths.
type folds struct {
	open   bool // those that are not excepted
	except map[string]bool
}

func (f *folds) isOpen(path string) bool { return f.open != f.except[path] }

func (f *folds) set(path string, open bool) {
	if f.except == nil {
		f.except = make(map[string]bool)
	}
	f.except[path] = open != f.open
}

// newTree returns a tree that shows nothing yet, with folded directories.
func newTree() tree { return tree{folds: [2]folds{{}, {open: true}}} }

// fold returns the folds that count: those of the filter if there is one.
func (t *tree) fold() *folds {
	if t.filter.isEmpty() {
		return &t.folds[0]
	}
	return &t.folds[1]
}

// show shows another comparison, with the cursor at the same path.
func (t *tree) show(c *comparison) {
	at := t.path()
	t.shown = c
	t.update(at)
}

// refilter shows the paths that another filter selects, all directories open.
func (t *tree) refilter(f filter) {
	at := t.path()
	t.filter = f
	t.folds[1] = folds{open: true}
	t.update(at)
}

// path returns the path at the cursor, or "".
func (t *tree) path() string {
	if r := t.at(); r != nil {
		return r.path
	}
	return ""
}

// at returns the row at the cursor, or nil.
func (t *tree) at() *row {
	if t.cursor >= len(t.rows) {
		return nil
	}
	return &t.rows[t.cursor]
}

// update makes the rows, and moves the cursor to a path, or to the closest one above it.
func (t *tree) update(at string) {
	t.rows, t.kept = nil, nil
	if t.shown == nil {
		return
	}
	if !t.filter.isEmpty() {
		t.kept = make(map[*node]bool)
		t.keep(t.shown.root, "/")
	}
	t.add(t.shown.root, "/", 0)
	t.resize(len(t.rows), t.height)
	t.moveTo(at)
}

// keep reports whether the filter selects a path or one below it.
func (t *tree) keep(d *node, at string) bool {
	kept := t.filter.shows(d, at, t.shown.since)
	for _, e := range d.Below {
		kept = t.keep(e, join(at, e.Node.Name)) || kept
	}
	if kept {
		t.kept[d] = true
	}
	return kept
}

// add adds the row of a path, and of those below it if it is open.
func (t *tree) add(d *node, at string, depth int) {
	if t.kept != nil && !t.kept[d] && depth > 0 {
		return
	}
	r := row{node: d, path: at, depth: depth, open: depth == 0 || t.fold().isOpen(at)}
	r.match = t.kept != nil && t.filter.shows(d, at, t.shown.since)
	t.rows = append(t.rows, r)
	if !r.open {
		return
	}
	for _, e := range t.shown.entries(d, t.largest) {
		t.add(e, join(at, e.Node.Name), depth+1)
	}
}

// join adds a name to a path.
func join(dir, name string) string {
	if dir == "/" {
		return "/" + name
	}
	return dir + "/" + name
}

// moveTo moves the cursor to the row of a path, or to the closest one above it.
func (t *tree) moveTo(at string) {
	for ; ; at = path.Dir(at) {
		i := slices.IndexFunc(t.rows, func(r row) bool { return r.path == at })
		if i >= 0 || at == "/" || at == "." || at == "" {
			t.to(max(i, 0))
			return
		}
	}
}

// reveal opens the directories above a path, and moves the cursor there.
func (t *tree) reveal(at string) {
	for i := range at {
		if at[i] == '/' && i > 0 {
			t.fold().set(at[:i], true)
		}
	}
	t.update(at)
}

// setOpen opens or folds the directory at the cursor. It reports whether that changed
// anything.
func (t *tree) setOpen(open bool) bool {
	r := t.at()
	if r == nil || !r.isDir() || r.open == open || r.depth == 0 {
		return false
	}
	t.fold().set(r.path, open)
	t.update(r.path)
	return true
}

// setAll opens or folds all directories.
func (t *tree) setAll(open bool) {
	*t.fold() = folds{open: open}
	t.update(t.path())
}

// toParent moves the cursor to the directory of its path.
func (t *tree) toParent() {
	if r := t.at(); r != nil && r.depth > 0 {
		for i := t.cursor; i >= 0; i-- {
			if t.rows[i].depth < r.depth {
				t.to(i)
				return
			}
		}
	}
}

// sort sorts the entries of directories by their sizes, or by their names.
func (t *tree) sort(largest bool) {
	t.largest = largest
	t.update(t.path())
}

// A place is a path, for a search.
type place struct {
	*node
	path string
}

// each visits the paths that the filter selects, in the order of their names.
func (t *tree) each(visit func(place)) {
	var walk func(d *node, at string)
	walk = func(d *node, at string) {
		if t.kept == nil || t.filter.shows(d, at, t.shown.since) {
			visit(place{d, at})
		}
		for _, e := range d.Below {
			if t.kept == nil || t.kept[e] {
				walk(e, join(at, e.Node.Name))
			}
		}
	}
	if t.shown != nil {
		walk(t.shown.root, "/")
	}
}

// biggest moves the cursor to the largest file. From the file that the last call found it
// moves to the next smaller one, back to the next larger one.
func (t *tree) biggest(back bool) bool {
	var files []place
	t.each(func(f place) {
		if f.Inode().Kind == index.File {
			files = append(files, f)
		}
	})
	if len(files) == 0 {
		return false
	}
	slices.SortStableFunc(files, func(a, b place) int { return cmp.Compare(b.Inode().Size, a.Inode().Size) })
	at := 0
	if here := t.path(); here == t.found {
		at = slices.IndexFunc(files, func(f place) bool { return f.path == here })
		if back {
			at--
		} else {
			at++
		}
		at = max(min(at, len(files)-1), 0)
	}
	t.found = files[at].path
	t.reveal(t.found)
	return true
}

// next moves the cursor to the next match of the filter, or without a filter to the next
// path that differs, or back to the previous one. After the last comes the first.
func (t *tree) next(back bool) bool {
	var all []place
	t.each(func(f place) {
		if t.kept != nil || f.Mark != stack.Same {
			all = append(all, f)
		}
	})
	if len(all) == 0 {
		return false
	}
	// The order of the rows is that of the names, component by component.
	here := t.path()
	at, exact := slices.BinarySearchFunc(all, here, func(f place, to string) int { return comparePaths(f.path, to) })
	switch {
	case back:
		at--
	case exact:
		at++
	}
	t.reveal(all[(at+len(all))%len(all)].path)
	return true
}

// comparePaths compares two paths in the order in which each visits them.
func comparePaths(a, b string) int {
	return slices.Compare(strings.Split(strings.Trim(a, "/"), "/"), strings.Split(strings.Trim(b, "/"), "/"))
}
