package benchmark

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Measure measures everything, and tells what it does on progress. What fails is
// tried again, and stands in the report; a target that goes on failing is left
// out from there on, with the reason in its Facts. An error is returned only if
// ctx ends or this computer cannot be measured.
func Measure(ctx context.Context, targets []Target, o Options, s Setup, progress *log.Logger) (*Report, error) {
	began := time.Now()
	m := &measurement{Logger: progress, options: o, report: &Report{Made: began.UTC().Truncate(time.Second), Options: o}}
	var err error
	if m.report.System, err = Inspect(); err != nil {
		return nil, err
	}
	defer m.close()
	for _, t := range targets {
		m.admit(ctx, t, s)
	}
	for _, step := range [...]func(context.Context){m.starts, m.explanations, m.stays} {
		step(ctx)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	m.report.Took = time.Since(began)
	return m.report, nil
}

// measurement is what Measure has in hand.
type measurement struct {
	*log.Logger
	options Options
	report  *Report
	targets []Target // those that work
}

// folder of a target.
func folder(s Setup, t Target) string {
	return filepath.Join(s.Scratch, strings.NewReplacer(" ", "-", "/", "-").Replace(t.Name()))
}

// Sweep removes what a benchmark has left that had the same scratch folder, and
// was killed. The folder is empty then.
func Sweep(ctx context.Context, targets []Target, s Setup, progress *log.Logger) error {
	for _, t := range targets {
		of := s
		of.Scratch = folder(s, t)
		if _, err := os.Stat(of.Scratch); err != nil {
			continue
		}
		progress.Printf("remove what an earlier benchmark has left of %s", t.Name())
		if sweeper, ok := t.(Sweeper); ok {
			if err := sweeper.Sweep(ctx, of); err != nil {
				return fmt.Errorf("remove what an earlier benchmark has left of %s: %w", t.Name(), err)
			}
		}
		if err := os.RemoveAll(of.Scratch); err != nil {
			return err
		}
	}
	return nil
}

// admit prepares a target.
func (m *measurement) admit(ctx context.Context, t Target, s Setup) {
	facts := Facts{Name: t.Name(), Kind: t.Kind()}
	err := t.Available()
	if err == nil {
		m.Printf("prepare %s", t.Name())
		s.Scratch = folder(s, t)
		if err = os.Mkdir(s.Scratch, 0o755); err == nil {
			err = t.Prepare(ctx, s)
		}
		m.targets = append(m.targets, t)
	}
	if err == nil {
		facts.Version, facts.Emulated = t.Version(), t.Emulated()
	}
	m.report.Targets = append(m.report.Targets, facts)
	if err != nil {
		m.drop(t, err)
	}
}

// drop leaves a target out from here on.
func (m *measurement) drop(t Target, err error) {
	m.Printf("%s is left out: %v", t.Name(), err)
	m.facts(t).LeftOut = err.Error()
}

// attempts that something has before its target is left out: in an hour with
// machines, one of them may well fail to come up.
const attempts = 3

// insist does something until it succeeds. Each failure is told, and kept.
func (m *measurement) insist(ctx context.Context, t Target, do func() error) (err error) {
	for n := range attempts {
		if err = do(); err == nil || ctx.Err() != nil || errors.Is(err, errors.ErrUnsupported) {
			return err
		}
		m.Printf("%s, attempt %d of %d: %v", t.Name(), n+1, attempts, err)
		m.report.Failed = append(m.report.Failed, Failure{t.Name(), err.Error()})
	}
	return err
}

func (m *measurement) facts(t Target) *Facts {
	return &m.report.Targets[slices.IndexFunc(m.report.Targets, func(f Facts) bool { return f.Name == t.Name() })]
}

func (m *measurement) out(t Target) bool { return m.facts(t).LeftOut != "" }

func (m *measurement) close() {
	for _, t := range m.targets {
		if err := t.Close(); err != nil {
			m.Printf("clean up after %s: %v", t.Name(), err)
		}
	}
}
