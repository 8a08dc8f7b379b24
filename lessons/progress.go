package lessons

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/atomicfile"
)

// Progress is what a student has done: a file of the student's.
type Progress struct {
	Done []int `json:"done"` // numbers of lessons whose check has passed, in order
}

// Progress returns what the student has done.
func (s *Student) Progress() (p Progress, err error) {
	err = s.as(func() error {
		text, err := os.ReadFile(s.stateFile())
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &p); err != nil {
			return hint.New(fmt.Errorf("%s: %w", s.stateFile(), err), "rm "+s.stateFile())
		}
		return nil
	})
	return p, err
}

// Next returns the first lesson that is not done, nil if all are.
func (p Progress) Next() *Lesson {
	for i := range list {
		if !slices.Contains(p.Done, list[i].Number) {
			return &list[i]
		}
	}
	return nil
}

// record records that the student has done a lesson.
func (s *Student) record(l *Lesson) error {
	p, err := s.Progress()
	if err != nil || slices.Contains(p.Done, l.Number) {
		return err
	}
	p.Done = append(p.Done, l.Number)
	slices.Sort(p.Done)
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return s.as(func() error {
		if err := os.MkdirAll(filepath.Dir(s.stateFile()), 0o755); err != nil {
			return err
		}
		return atomicfile.Write(s.stateFile(), append(text, '\n'), 0o644, false)
	})
}
