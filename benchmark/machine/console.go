package machine

// A serial port is the oldest way for a machine to print something, and works
// before all others: the kernel writes to it, and any process that opens
// /dev/console.

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/minictr/minictr/benchmark"
)

// The marks on the console.
const (
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

// clock ends the phases until user space, and until the workload is started.
func (c *console) clock(ctx context.Context, clock *benchmark.Clock, first string) error {
	for _, m := range [...][2]string{{first, userSpace}, {"user space", services}} {
		at, err := c.wait(ctx, m[1])
		if err != nil {
			return err
		}
		clock.Mark(m[0], at)
	}
	return nil
}

// follower reads a file that another process will create and write.
type follower struct {
	ctx     context.Context
	path    string
	file    *os.File
	created chan<- time.Time
}

// Read waits for data until ctx ends.
func (f *follower) Read(p []byte) (n int, err error) {
	for {
		if f.file == nil {
			if f.file, err = os.Open(f.path); err == nil {
				f.created <- time.Now()
			}
		} else if n, _ = f.file.Read(p); n > 0 { // after the end of the file there may be more later
			return n, nil
		}
		select {
		case <-f.ctx.Done():
			f.file.Close() // of nil, it does nothing
			return 0, io.EOF
		case <-time.After(10 * time.Millisecond):
		}
	}
}
