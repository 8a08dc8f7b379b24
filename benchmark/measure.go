package benchmark

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Measure measures everything, and tells what it does on progress. A target
// that fails is left out from there on, with the reason in its Facts; an error
// is returned only if ctx ends or this computer cannot be measured.
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
	for _, step := range [...]func(context.Context){m.starts, m.explanations, m.sizes, m.work} {
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

// admit prepares a target.
func (m *measurement) admit(ctx context.Context, t Target, s Setup) {
	facts := Facts{Name: t.Name(), Kind: t.Kind()}
	err := t.Available()
	if err == nil {
		m.Printf("prepare %s", t.Name())
		s.Scratch = filepath.Join(s.Scratch, strings.NewReplacer(" ", "-", "/", "-").Replace(t.Name()))
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

// starts: first the warm ones, then the cold ones, since a cold start leaves
// the caches empty for others too. Either is one mixed order of all targets, so
// that whatever else the computer does meets each of them.
func (m *measurement) starts(ctx context.Context) {
	random := rand.New(rand.NewPCG(m.options.Seed, 0))
	var warm, cold []Target
	for _, t := range m.targets {
		warm = append(warm, slices.Repeat([]Target{t}, m.options.warm(t.Kind()))...)
		cold = append(cold, slices.Repeat([]Target{t}, m.options.cold(t.Kind()))...)
		m.start(ctx, t) // fills the caches, and is not counted
	}
	random.Shuffle(len(warm), func(i, j int) { warm[i], warm[j] = warm[j], warm[i] })
	random.Shuffle(len(cold), func(i, j int) { cold[i], cold[j] = cold[j], cold[i] })
	for _, t := range warm {
		m.count(ctx, t, false)
	}
	for _, t := range cold {
		if err := dropCaches(); err != nil {
			m.Printf("no cold starts: %v", err)
			return
		}
		m.count(ctx, t, true)
	}
}

// count starts one instance and keeps what it took.
func (m *measurement) count(ctx context.Context, t Target, cold bool) {
	phases, ok := m.start(ctx, t)
	if !ok {
		return
	}
	start := Start{Target: t.Name(), Cold: cold, Order: len(m.report.Starts), Phases: phases}
	m.report.Starts = append(m.report.Starts, start)
	m.Printf("start %d: %s%s, %v", start.Order+1, start.Target, map[bool]string{true: ", cold"}[cold], start.Took().Round(10*time.Microsecond))
}

// start starts one instance and stops it.
func (m *measurement) start(ctx context.Context, t Target) ([]Phase, bool) {
	if m.out(t) || ctx.Err() != nil {
		return nil, false
	}
	i, err := t.Start(ctx)
	if err != nil {
		m.drop(t, err)
		return nil, false
	}
	m.facts(t).Seen = i.Answer()
	if err := i.Stop(); err != nil {
		m.drop(t, err)
	}
	return i.Phases(), true
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
			phases, err := e.Explain(ctx)
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

// sizes: one target after the other, with more and more instances.
func (m *measurement) sizes(ctx context.Context) {
	for _, t := range m.targets {
		if m.out(t) || ctx.Err() != nil {
			continue
		}
		if err := m.grow(ctx, t); err != nil {
			m.drop(t, err)
		}
	}
}

func (m *measurement) grow(ctx context.Context, t Target) (err error) {
	var running []Instance
	defer func() {
		for _, i := range running {
			err = errors.Join(err, i.Stop())
		}
	}()
	for _, n := range slices.Concat([]int{0}, m.options.counts(t.Kind())) {
		for len(running) < n {
			i, err := t.Start(ctx)
			if err != nil {
				return err
			}
			running = append(running, i)
		}
		time.Sleep(settle(t.Kind()))
		size, err := measureSize(t, running)
		if err != nil {
			return err
		}
		m.report.Sizes = append(m.report.Sizes, size)
		m.Printf("%d of %s: %d MiB of memory, %d MiB of disk", n, t.Name(), size.PSS>>20, size.Disk>>20)
	}
	return nil
}

// settle is how long a system is given to come to rest.
func settle(k Kind) time.Duration {
	if k == Machine {
		return 2 * time.Second
	}
	return 300 * time.Millisecond
}

// work: in turns, the host and the target, so that both meet the same times.
func (m *measurement) work(ctx context.Context) {
	host := slices.IndexFunc(m.targets, func(t Target) bool { return t.Kind() == Process && !m.out(t) })
	if host < 0 {
		return
	}
	process, err := m.targets[host].Start(ctx)
	if err != nil {
		m.drop(m.targets[host], err)
		return
	}
	for _, t := range m.targets {
		if m.out(t) || ctx.Err() != nil {
			continue
		}
		if err := m.compare(ctx, process, t); err != nil {
			m.drop(t, err)
		}
	}
	if err := process.Stop(); err != nil {
		m.drop(m.targets[host], err)
	}
}

func (m *measurement) compare(ctx context.Context, host Instance, t Target) error {
	inside, err := t.Start(ctx)
	if err != nil {
		return err
	}
	for range m.options.Rounds {
		for _, kind := range WorkKinds() {
			w := Work{Target: t.Name(), Kind: kind[0]}
			if w.Host, err = perSecond(ctx, host, w.Kind, m.options.Work); err == nil {
				w.Inside, err = perSecond(ctx, inside, w.Kind, m.options.Work)
			}
			if err != nil {
				return errors.Join(err, inside.Stop())
			}
			m.report.Work = append(m.report.Work, w)
			m.Printf("%s in %s: %.2f of the host", w.Kind, w.Target, w.Inside/w.Host)
		}
	}
	return inside.Stop()
}

func perSecond(ctx context.Context, i Instance, kind string, d time.Duration) (float64, error) {
	var out bytes.Buffer
	err := i.Run(ctx, &out, Workload, kind, strconv.FormatFloat(d.Seconds(), 'f', -1, 64))
	if err != nil {
		return 0, fmt.Errorf("work inside: %w", err)
	}
	text, err := io.ReadAll(&out)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
}
