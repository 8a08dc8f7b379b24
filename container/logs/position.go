package logs

import "errors"

// Position is a place between two frames of a log. It stays valid when the log is renamed.
type Position struct {
	file   *file // nil: there was no log
	offset int64
}

// End returns the present end of the log in dir. Taken before the start of a container, it
// is where the output of that run begins; a terminal shows it with Copy and
// Options{Follow: true, Tail: -1, From: end}.
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

// Close closes a Position that was not passed to Copy. It may be nil.
func (p *Position) Close() error {
	if p == nil {
		return nil
	}
	return closeAll(p.file)
}
