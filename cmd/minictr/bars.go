package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/docker/go-units"
	"github.com/opencontainers/go-digest"
)

// bars are progress bars on a terminal, a line for each layer, drawn again ten times a
// second at most.
type bars struct {
	mu    sync.Mutex
	out   *os.File
	order []digest.Digest
	done  map[digest.Digest][2]int64
	drawn int // lines
	last  time.Time
}

const barWidth = 30

func newBars(out *os.File) *bars {
	return &bars{out: out, done: make(map[digest.Digest][2]int64)}
}

// layer sets how many bytes of a layer are done.
func (b *bars) layer(d digest.Digest, done, total int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.done[d]; !known {
		b.order = append(b.order, d)
	}
	b.done[d] = [2]int64{done, total}
	if time.Since(b.last) > 100*time.Millisecond {
		b.draw()
	}
}

// finish draws the last state. A nil bars draws nothing.
func (b *bars) finish() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.draw()
}

func (b *bars) draw() {
	b.last = time.Now()
	var text strings.Builder
	if b.drawn > 0 {
		fmt.Fprintf(&text, "\x1b[%dA", b.drawn)
	}
	for _, d := range b.order {
		done, total := b.done[d][0], max(1, b.done[d][1])
		full := int(min(done, total) * barWidth / total)
		fmt.Fprintf(&text, "\r\x1b[K%s [%s%s] %s/%s\n", d.Encoded()[:12],
			strings.Repeat("=", full), strings.Repeat(" ", barWidth-full),
			units.HumanSize(float64(done)), units.HumanSize(float64(b.done[d][1])))
	}
	b.drawn = len(b.order)
	fmt.Fprint(b.out, text.String())
}
