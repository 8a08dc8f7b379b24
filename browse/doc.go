// Package browse is a browser of the layers of an image, in a terminal: the layers on the
// left, and the tree of files on the right.
//
// It shows what packages layers/index and layers/stack return, and computes nothing of its
// own. A Model is a value in memory: keys and sizes go in by Update, a screen comes out of
// View, so that a test needs no terminal. What takes long, comparing two stacks and
// reading a file, is a tea.Cmd: a function that runs beside the Model and returns a
// message for it. Run connects a Model with a terminal, by bubbletea.
//
// Names in an image are any bytes. Each is escaped before it becomes part of a screen
// (text.go).
//
// Reading order:
//
//	image.go    what is browsed, and the comparison of two of its stacks
//	text.go     names and contents, safe and of known width
//	scroll.go   a list with a cursor that scrolls
//	file.go     the attributes and the content of a file
//	filter.go   which paths are shown
//	tree.go     a comparison as rows: folded, filtered, in order
//	pager.go    lines of text: a file, the help
//	table.go    rows that lead to a layer: waste, the history of a path
//	model.go    all of these, and what the keys do with them
//	keys.go     the keys
//	screen.go   what is drawn where
//	run.go      the terminal
package browse
