package benchmark

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// measureStarts does the warm starts before the cold ones, since a cold start
// empties the caches for all. Either are in one shuffled order of all targets, so
// that whatever else the computer does affects each of them.
func (m *measurement) measureStarts(ctx context.Context) {
	random := rand.New(rand.NewPCG(m.options.Seed, 0))
	var order [2][]*candidate // warm, cold
	for _, c := range m.targets {
		warm, cold, _ := m.options.amounts(c.Kind)
		order[0] = append(order[0], slices.Repeat([]*candidate{c}, warm)...)
		order[1] = append(order[1], slices.Repeat([]*candidate{c}, cold)...)
		m.startOnce(ctx, c, false) // fills the caches, and is not counted
	}
	for _, list := range order {
		random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	m.Printf("%d starts, then memory, disk and work", len(order[0])+len(order[1]))
	for i, list := range order {
		cold := i == 1
		if cold && len(list) > 0 {
			if err := dropCaches(); err != nil {
				m.Printf("no cold starts: %v", err)
				m.report.Failed = append(m.report.Failed, Failure{"cold starts", err.Error()})
				return
			}
		}
		for _, c := range list {
			if phases, ok := m.startOnce(ctx, c, cold); ok {
				m.record(Start{Target: c.Name, Cold: cold, Phases: phases})
			}
		}
	}
}

func (m *measurement) record(s Start) {
	s.Order = len(m.report.Starts)
	m.report.Starts = append(m.report.Starts, s)
	m.Printf("start %d: %s%s, %v", s.Order+1, s.Target, map[bool]string{true: ", cold"}[s.Cold],
		s.Took().Round(10*time.Microsecond))
}

// startOnce starts an instance and stops it.
func (m *measurement) startOnce(ctx context.Context, c *candidate, cold bool) (phases []Phase, ok bool) {
	m.try(ctx, c, func() error {
		i, err := m.start(ctx, c, cold)
		if err != nil {
			return err
		}
		c.Seen, phases, ok = i.Answer, i.Phases, true
		return i.Stop()
	})
	return phases, ok
}

func (m *measurement) start(ctx context.Context, c *candidate, cold bool) (i *Instance, err error) {
	err = m.retry(ctx, c, func() (err error) {
		if cold {
			err = dropCaches()
		}
		if err == nil {
			i, err = c.Start(ctx)
		}
		return err
	})
	return i, err
}

// dropCaches frees the page cache (proc_sys_vm(5)).
func dropCaches() error {
	unix.Sync()
	return os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0)
}

// measureExplained does warm starts that targets divide further.
func (m *measurement) measureExplained(ctx context.Context) {
	for _, c := range m.targets {
		e, ok := c.Target.(Explainer)
		for warm, _, _ := m.options.amounts(c.Kind); ok && warm > 0; warm-- {
			m.try(ctx, c, func() error {
				var phases []Phase
				err := m.retry(ctx, c, func() (err error) {
					phases, err = e.Explain(ctx)
					return err
				})
				if ok = err == nil; ok {
					m.record(Start{Target: c.Name, Explained: true, Phases: phases})
				} else if errors.Is(err, errors.ErrUnsupported) {
					err = nil
				}
				return err
			})
		}
	}
}
