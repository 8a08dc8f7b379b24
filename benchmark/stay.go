package benchmark

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// stays: one target after the other, what more and more instances of it take,
// and how fast the first of them works when it is alone again.
func (m *measurement) stays(ctx context.Context) {
	i := slices.IndexFunc(m.targets, func(t Target) bool { return t.Kind() == Process && !m.out(t) })
	if i < 0 {
		m.Print("neither memory nor work is measured without a process to compare with")
		return
	}
	host, err := m.begin(ctx, m.targets[i], false)
	if err != nil {
		m.drop(m.targets[i], err)
		return
	}
	for _, t := range m.targets {
		if m.out(t) || ctx.Err() != nil {
			continue
		}
		if err := m.stay(ctx, host, t); err != nil {
			m.drop(t, err)
		}
	}
	if err := host.Stop(); err != nil {
		m.drop(m.targets[i], err)
	}
}

func (m *measurement) stay(ctx context.Context, host Instance, t Target) (err error) {
	var running []Instance
	stop := func(list []Instance) {
		for _, i := range list {
			err = errors.Join(err, i.Stop())
		}
	}
	if running, err = m.grow(ctx, t); err != nil {
		stop(running)
		return err
	}
	stop(running[1:])
	if err == nil {
		err = m.compare(ctx, host, running[0], t)
	}
	stop(running[:1])
	return err
}

// grow starts instances and measures what they take. They keep running.
func (m *measurement) grow(ctx context.Context, t Target) (running []Instance, err error) {
	for _, n := range slices.Concat([]int{0}, m.options.counts(t.Kind())) {
		for len(running) < n {
			i, err := m.begin(ctx, t, false)
			if err != nil {
				return running, err
			}
			running = append(running, i)
		}
		time.Sleep(settle(t.Kind()))
		size, err := measureSize(t, running)
		if err != nil {
			return running, err
		}
		m.report.Sizes = append(m.report.Sizes, size)
		m.Printf("%d of %s: %d MiB of memory, %d MiB of disk", n, t.Name(), size.PSS>>20, size.Disk>>20)
	}
	return running, nil
}

// settle is how long a system is given to come to rest.
func settle(k Kind) time.Duration {
	if k == Machine {
		return 2 * time.Second
	}
	return 300 * time.Millisecond
}

// compare lets the host and the instance work in turns, so that both meet the same
// times.
func (m *measurement) compare(ctx context.Context, host, inside Instance, t Target) error {
	for range m.options.Rounds {
		for _, kind := range WorkKinds() {
			var atHost, within float64
			err := m.insist(ctx, t, func() (err error) {
				if atHost, err = perSecond(ctx, host, kind[0], m.options.Work); err == nil {
					within, err = perSecond(ctx, inside, kind[0], m.options.Work)
				}
				return err
			})
			if err != nil {
				return err
			}
			m.report.Work = append(m.report.Work, Work{t.Name(), kind[0], within, atHost})
			m.Printf("%s in %s: %.2f of the host", kind[0], t.Name(), within/atHost)
		}
	}
	return nil
}

// perSecond runs the workload as "workload KIND SECONDS", which prints a number.
func perSecond(ctx context.Context, i Instance, kind string, d time.Duration) (float64, error) {
	var out bytes.Buffer
	err := i.Run(ctx, &out, Workload, kind, strconv.FormatFloat(d.Seconds(), 'f', -1, 64))
	if err != nil {
		return 0, fmt.Errorf("work inside: %w", err)
	}
	return strconv.ParseFloat(strings.TrimSpace(out.String()), 64)
}
