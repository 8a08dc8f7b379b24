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

// starts: first the warm ones, then the cold ones, since a cold start leaves
// the caches empty for others too. Either is one mixed order of all targets, so
// that whatever else the computer does meets each of them.
func (m *measurement) starts(ctx context.Context) {
	random := rand.New(rand.NewPCG(m.options.Seed, 0))
	var warm, cold []Target
	for _, t := range m.targets {
		warm = append(warm, slices.Repeat([]Target{t}, m.options.warm(t.Kind()))...)
		cold = append(cold, slices.Repeat([]Target{t}, m.options.cold(t.Kind()))...)
		m.start(ctx, t, false) // fills the caches, and is not counted
	}
	random.Shuffle(len(warm), func(i, j int) { warm[i], warm[j] = warm[j], warm[i] })
	random.Shuffle(len(cold), func(i, j int) { cold[i], cold[j] = cold[j], cold[i] })
	m.Printf("%d starts, and what comes after them", len(warm)+len(cold))
	for _, t := range warm {
		m.count(ctx, t, false)
	}
	if len(cold) == 0 {
		return
	}
	if err := dropCaches(); err != nil {
		m.Printf("no cold starts: %v", err)
		m.report.Failed = append(m.report.Failed, Failure{"cold starts", err.Error()})
		return
	}
	for _, t := range cold {
		m.count(ctx, t, true)
	}
}

// count starts one instance and keeps what it took.
func (m *measurement) count(ctx context.Context, t Target, cold bool) {
	phases, ok := m.start(ctx, t, cold)
	if !ok {
		return
	}
	start := Start{Target: t.Name(), Cold: cold, Order: len(m.report.Starts), Phases: phases}
	m.report.Starts = append(m.report.Starts, start)
	m.Printf("start %d: %s%s, %v", start.Order+1, start.Target, map[bool]string{true: ", cold"}[cold], start.Took().Round(10*time.Microsecond))
}

// start starts one instance and stops it.
func (m *measurement) start(ctx context.Context, t Target, cold bool) ([]Phase, bool) {
	if m.out(t) || ctx.Err() != nil {
		return nil, false
	}
	i, err := m.begin(ctx, t, cold)
	if err != nil {
		if ctx.Err() == nil {
			m.drop(t, err)
		}
		return nil, false
	}
	m.facts(t).Seen = i.Answer()
	if err := i.Stop(); err != nil {
		m.drop(t, err)
	}
	return i.Phases(), true
}

func (m *measurement) begin(ctx context.Context, t Target, cold bool) (i Instance, err error) {
	err = m.insist(ctx, t, func() (err error) {
		if cold {
			if err := dropCaches(); err != nil {
				return err
			}
		}
		i, err = t.Start(ctx)
		return err
	})
	return i, err
}

// dropCaches makes the kernel forget what it has read from disks.
func dropCaches() error {
	unix.Sync()
	return os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0)
}

func (m *measurement) explanations(ctx context.Context) {
	for _, t := range m.targets {
		e, ok := t.(Explainer)
		for range m.options.warm(t.Kind()) {
			if !ok || m.out(t) || ctx.Err() != nil {
				break
			}
			var phases []Phase
			err := m.insist(ctx, t, func() (err error) {
				phases, err = e.Explain(ctx)
				return err
			})
			if errors.Is(err, errors.ErrUnsupported) {
				break
			}
			if err != nil {
				m.drop(t, err)
				break
			}
			m.report.Starts = append(m.report.Starts, Start{Target: t.Name(), Explained: true, Order: len(m.report.Starts), Phases: phases})
		}
	}
}
