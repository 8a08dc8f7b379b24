package machine

// A serial port is the oldest way for a machine to say something, and there before
// all others: the kernel writes to it, and any process that opens /dev/console.

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// console is what a machine says on its serial port.
type console struct {
	marks chan mark     // closed when there will be no more
	ended chan struct{} // closed then, too

	mu   sync.Mutex
	last []string // lines, for when something goes wrong
}

type mark struct {
	name string
	at   time.Time
}

func newConsole() *console {
	return &console{marks: make(chan mark, 16), ended: make(chan struct{})}
}

// read to the end, which is the machine's.
func (c *console) read(r io.Reader) {
	defer close(c.ended)
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

func (c *console) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.last, "\n")
}

// wait for a mark.
func (c *console) wait(ctx context.Context, name string) (time.Time, error) {
	for {
		select {
		case m, ok := <-c.marks:
			if !ok {
				return time.Time{}, fmt.Errorf("the machine ended before it was at %q\n%s", name, c.said())
			}
			if m.name == name {
				return m.at, nil
			}
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("wait for the machine to be at %q: %w\n%s", name, ctx.Err(), c.said())
		}
	}
}

// follower reads a file that somebody else will make and writes to.
type follower struct {
	ctx   context.Context
	path  string
	file  *os.File
	begun chan<- time.Time
}

// Read waits for data until ctx ends.
func (f *follower) Read(p []byte) (n int, err error) {
	const again = 10 * time.Millisecond
	for {
		if f.file == nil {
			if f.file, err = os.Open(f.path); err == nil {
				f.begun <- time.Now()
			}
		} else if n, _ = f.file.Read(p); n > 0 { // at its end there may be more later
			return n, nil
		}
		select {
		case <-f.ctx.Done():
			f.file.Close() // without one, this is a word to nobody
			return 0, io.EOF
		case <-time.After(again):
		}
	}
}
