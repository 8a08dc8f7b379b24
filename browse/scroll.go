package browse

// A scroll is a list of which some lines are shown, one of them under the cursor.
type scroll struct {
	length int // of the list
	height int // lines that are shown
	cursor int
	top    int // first line that is shown
}

// resize sets the lengths, and keeps the cursor in the list.
func (s *scroll) resize(length, height int) {
	s.length, s.height = length, max(height, 1)
	s.to(s.cursor)
}

// to moves the cursor, and shows it.
func (s *scroll) to(line int) {
	s.cursor = max(min(line, s.length-1), 0)
	s.top = min(s.top, s.cursor)
	s.top = max(s.top, s.cursor-s.height+1)
	s.top = max(min(s.top, s.length-s.height), 0)
}

// end returns the line after the last that is shown.
func (s *scroll) end() int { return min(s.top+s.height, s.length) }

// A motion moves the cursor of any list.
type motion int

const (
	up motion = iota
	down
	halfUp
	halfDown
	pageUp
	pageDown
	first
	last
)

func (s *scroll) move(m motion) { s.to(s.target(s.cursor, m)) }

// target returns where a motion leads to.
func (s *scroll) target(from int, m motion) int {
	switch m {
	case up:
		return from - 1
	case down:
		return from + 1
	case halfUp:
		return from - max(s.height/2, 1)
	case halfDown:
		return from + max(s.height/2, 1)
	case pageUp:
		return from - s.height
	case pageDown:
		return from + s.height
	case first:
		return 0
	}
	return s.length - 1
}
