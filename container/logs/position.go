package logs

import "errors"

// Position is a place between two frames of a log. It stays right when the log
// is renamed.
type Position struct {
	file   *file // nil: there was no log
	offset int64
}

// End is where the log in dir ends now. To see all that a container says from
// its start on, and nothing older, ask for it before the start; and to show a
// terminal, Copy with Options{Follow: true, Tail: -1, From: end}.
func End(dir string) (*Position, error) {
	files, _, err := openNewer(dir, nil)
	if err != nil || len(files) == 0 {
		return &Position{}, err
	}
	last := files[len(files)-1]
	r := newReader(last)
	err = errors.Join(r.seekEnd(), closeAll(files[:len(files)-1]...))
	if err != nil {
		return nil, errors.Join(err, last.Close())
	}
	return &Position{last, r.offset}, nil
}

// Close is for a Position that no Copy has got. Of a nil one there is nothing
// to close.
func (p *Position) Close() error {
	if p == nil {
		return nil
	}
	return closeAll(p.file)
}
