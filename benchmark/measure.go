package benchmark

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/minictr/minictr/internal/owned"
)

// Measure measures all targets, and logs what it does. What fails is repeated, and
// is in the report; a target that keeps failing is left out from then on, with
// the reason in its Facts. Measure returns an error only if ctx ends or this
// computer cannot be inspected.
func Measure(ctx context.Context, targets []Target, o Options, s Setup, progress *log.Logger) (*Report, error) {
	began := time.Now()
	r := &Report{Made: began.UTC().Truncate(time.Second), Options: o, Targets: make([]Facts, len(targets))}
	m := &measurement{Logger: progress, options: o, report: r}
	var err error
	if r.System, err = Inspect(); err != nil {
		return nil, err
	}
	defer m.close()
	for i, t := range targets {
		m.prepare(ctx, &candidate{t, &r.Targets[i]}, s)
	}
	for _, step := range [...]func(context.Context){m.measureStarts, m.measureExplained, m.measureRunning} {
		step(ctx)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	r.Took = time.Since(began)
	return r, nil
}

// measurement is the state of Measure.
type measurement struct {
	*log.Logger
	options Options
	report  *Report
	targets []*candidate // those that are available
}

// candidate is a target with its entry in the report.
type candidate struct {
	Target
	*Facts
}

// scratch returns the scratch directory of a target.
func scratch(s Setup, t Target) string {
	return filepath.Join(s.Scratch, strings.NewReplacer(" ", "-", "/", "-").Replace(t.Facts().Name))
}

// Recover removes what a benchmark with the same scratch directory has left that
// was killed. The directory is empty then.
func Recover(ctx context.Context, targets []Target, s Setup, progress *log.Logger) error {
	for _, t := range targets {
		name, of := t.Facts().Name, s
		of.Scratch = scratch(s, t)
		if _, err := os.Stat(of.Scratch); err != nil {
			continue
		}
		progress.Printf("%s: removing what an earlier benchmark left", name)
		if r, ok := t.(Recoverer); ok {
			if err := r.Recover(ctx, of); err != nil {
				return fmt.Errorf("%s: remove what an earlier benchmark left: %w", name, err)
			}
		}
		if err := owned.RemoveAll(of.Scratch); err != nil {
			return err
		}
	}
	return nil
}

func (m *measurement) prepare(ctx context.Context, c *candidate, s Setup) {
	*c.Facts = c.Target.Facts()
	m.try(ctx, c, func() error {
		if err := c.Available(); err != nil {
			return err
		}
		m.Printf("prepare %s", c.Name)
		m.targets = append(m.targets, c)
		s.Scratch = scratch(s, c.Target)
		if err := os.Mkdir(s.Scratch, 0o755); err != nil {
			return err
		}
		err := c.Prepare(ctx, s)
		*c.Facts = c.Target.Facts()
		return err
	})
}

// try does a step of a target, unless that is left out. A target whose step fails is
// left out of what follows.
func (m *measurement) try(ctx context.Context, c *candidate, step func() error) {
	if c.LeftOut != "" || ctx.Err() != nil {
		return
	}
	if err := step(); err != nil && ctx.Err() == nil {
		m.Printf("%s is left out: %v", c.Name, err)
		c.LeftOut = err.Error()
	}
}

// attempts of a step before its target is left out: in an hour with machines, one
// of them may well fail to boot.
const attempts = 3

// retry repeats a step until it succeeds. Failures are logged, and in the report.
func (m *measurement) retry(ctx context.Context, c *candidate, do func() error) (err error) {
	for n := range attempts {
		if err = do(); err == nil || ctx.Err() != nil || errors.Is(err, errors.ErrUnsupported) {
			return err
		}
		m.Printf("%s, attempt %d of %d: %v", c.Name, n+1, attempts, err)
		m.report.Failed = append(m.report.Failed, Failure{c.Name, err.Error()})
	}
	return err
}

func (m *measurement) close() {
	for _, c := range m.targets {
		if err := c.Close(); err != nil {
			m.Printf("%s: clean up: %v", c.Name, err)
		}
	}
}
