package browse

import "strings"

// A pager shows lines of text.
type pager struct {
	scroll
	title string
	lines []string // safe
	left  int      // columns that are scrolled out
	text  string   // that is searched for
}

func newPager(title string, lines []string) *pager {
	p := &pager{title: title, lines: lines}
	p.length = len(lines)
	return p
}

// move scrolls. The cursor is the line that next begins at.
func (p *pager) move(m motion) { p.scrollTo(p.target(p.top, m)) }

func (p *pager) resize(height int) {
	p.height = max(height, 1)
	p.scrollTo(p.top)
}

func (p *pager) scrollTo(line int) {
	p.top = max(min(line, p.length-p.height), 0)
	p.cursor = p.top
}

// next scrolls to the next line with the text that is searched for, or back to the
// previous one.
func (p *pager) next(back bool) bool {
	for n := range p.lines {
		at := p.cursor + 1 + n
		if back {
			at = p.cursor - 1 - n
		}
		at = (at + 2*len(p.lines)) % len(p.lines)
		if strings.Contains(strings.ToLower(p.lines[at]), strings.ToLower(p.text)) {
			p.scrollTo(at)
			p.cursor = at // which may be below the top, at the end
			return true
		}
	}
	return false
}

// shown returns the lines on the screen, and which of them have the text.
func (p *pager) shown(width int) (lines []string, found []bool) {
	for _, l := range p.lines[p.top:p.end()] {
		lines = append(lines, cut(l, p.left, width))
		found = append(found, p.text != "" && strings.Contains(strings.ToLower(l), strings.ToLower(p.text)))
	}
	return lines, found
}
