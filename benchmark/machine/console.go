package machine

// A serial port is the oldest way for a machine to print something, and works
// before all others: the kernel writes to it, and any process that opens
// /dev/console.

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/minictr/minictr/benchmark"
)

// The marks on the console.
const (
	created   = "created"    // of a console that is followed: its file exists
	userSpace = "user space" // the first process begins
	services  = "services"   // the workload is about to be started
)

// console is the output of a machine on its serial port.
type console struct {
	marks chan mark // closed at the end

	mu   sync.Mutex
	last []string // lines, for errors
}

type mark struct {
	name string
	at   time.Time
}

// newConsole reads to the end, which is the machine's.
func newConsole(r io.Reader) *console {
	c := &console{marks: make(chan mark, 16)}
	go c.read(r)
	return c
}

func (c *console) read(r io.Reader) {
	defer close(c.marks)
	for lines := bufio.NewScanner(r); lines.Scan(); {
		now := time.Now()
		line := strings.TrimSpace(lines.Text())
		if _, name, ok := strings.Cut(line, "mark: "); ok {
			select {
			case c.marks <- mark{name, now}:
			default: // a machine that repeats itself
			}
			continue
		}
		c.mu.Lock()
		c.last = append(c.last[max(0, len(c.last)-19):], line)
		c.mu.Unlock()
	}
}

// drain returns at the end.
func (c *console) drain() {
	for range c.marks {
	}
}

// tail returns the last lines.
func (c *console) tail() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.last, "\n")
}

// wait returns when a mark was printed.
func (c *console) wait(ctx context.Context, name string) (time.Time, error) {
	for {
		select {
		case m, ok := <-c.marks:
			if !ok {
				return time.Time{}, fmt.Errorf("the machine ended before the mark %q\n%s", name, c.tail())
			}
			if m.name == name {
				return m.at, nil
			}
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("wait for the mark %q: %w\n%s", name, ctx.Err(), c.tail())
		}
	}
}

// clock ends phases, each at a mark.
func (c *console) clock(ctx context.Context, clock *benchmark.Clock, phases ...[2]string) error {
	for _, p := range phases {
		at, err := c.wait(ctx, p[1])
		if err != nil {
			return err
		}
		clock.Mark(p[0], at)
	}
	return nil
}

// follow reads a console from a file that another process will create, until ctx
// ends. The first mark says that it exists.
func follow(ctx context.Context, file string) (*console, error) {
	const script = `until [ -e "$0" ]; do sleep .01; done; echo "mark: ` + created + `"; exec tail -c +1 -f "$0"`
	cmd, err := benchmark.NewCommand(ctx, "sh", "-c", script, file)
	if err != nil {
		return nil, err
	}
	r, w := io.Pipe()
	cmd.Stdout = w
	err = cmd.Start()
	go func() {
		cmd.Wait() // it is killed
		w.Close()
	}()
	return newConsole(r), err
}
