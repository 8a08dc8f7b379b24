package benchmark

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// measureRunning measures one target after the other: what more and more
// instances take, and how fast the first works when it is alone again.
func (m *measurement) measureRunning(ctx context.Context) {
	i := slices.IndexFunc(m.targets, func(c *candidate) bool { return c.Kind == Process && c.LeftOut == "" })
	if i < 0 {
		m.Print("neither memory nor work is measured: no process to compare with")
		return
	}
	m.try(ctx, m.targets[i], func() error {
		host, err := m.start(ctx, m.targets[i], false)
		if err != nil {
			return err
		}
		for _, c := range m.targets {
			m.try(ctx, c, func() error { return m.measureOne(ctx, host, c) })
		}
		return host.Stop()
	})
}

func (m *measurement) measureOne(ctx context.Context, host *Instance, c *candidate) error {
	running, err := m.measureSizes(ctx, c)
	for i, instance := range slices.Backward(running) {
		if i == 0 && err == nil {
			err = m.measureWork(ctx, host, instance, c)
		}
		err = errors.Join(err, instance.Stop())
	}
	return err
}

// measureSizes starts more and more instances, and returns all that run.
func (m *measurement) measureSizes(ctx context.Context, c *candidate) (running []*Instance, err error) {
	_, _, counts := m.options.amounts(c.Kind)
	for _, n := range slices.Concat([]int{0}, counts) {
		for len(running) < n {
			i, err := m.start(ctx, c, false)
			if err != nil {
				return running, err
			}
			running = append(running, i)
		}
		idle := 300 * time.Millisecond // until the system is idle again
		if c.Kind == Machine {
			idle = 2 * time.Second
		}
		time.Sleep(idle)
		size, err := measureSize(c.Target, running)
		if err != nil {
			return running, err
		}
		m.report.Sizes = append(m.report.Sizes, size)
		m.Printf("%d of %s: %d MiB of memory, %d MiB of disk", n, c.Name, size.PSS>>20, size.Disk>>20)
	}
	return running, nil
}

// measureWork alternates between the host and the instance, so that whatever else
// the computer does affects both.
func (m *measurement) measureWork(ctx context.Context, host, inside *Instance, c *candidate) error {
	for range m.options.Rounds {
		for _, kind := range WorkKinds() {
			w := Work{Target: c.Name, Kind: kind[0]}
			err := m.retry(ctx, c, func() (err error) {
				if w.Host, err = perSecond(ctx, host, w.Kind, m.options.Work); err == nil {
					w.Inside, err = perSecond(ctx, inside, w.Kind, m.options.Work)
				}
				return err
			})
			if err != nil {
				return err
			}
			m.report.Work = append(m.report.Work, w)
			m.Printf("%s in %s: %.2f of the host", w.Kind, c.Name, w.Inside/w.Host)
		}
	}
	return nil
}

// perSecond has the workload work for a while.
func perSecond(ctx context.Context, i *Instance, kind string, d time.Duration) (n float64, err error) {
	if _, err = get(ctx, i.Address, fmt.Sprintf("/%s/%d", kind, d.Milliseconds()), &n); err != nil {
		err = fmt.Errorf("work: %w", err)
	}
	return n, err
}
