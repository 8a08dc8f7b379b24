package benchmark

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sys/unix"
)

// Answer is what the workload says about where it is.
type Answer struct {
	Kernel    string `json:"kernel"`    // uname -r
	Processes int    `json:"processes"` // as many as it sees in /proc
	MemoryKiB int    `json:"memoryKiB"` // that the system says to have: MemTotal
	OwnKiB    int    `json:"ownKiB"`    // that the workload itself takes: VmRSS
	BeganNS   int64  `json:"beganNS"`   // when its main began, by CLOCK_MONOTONIC of its kernel
}

// Began is when the workload's main began, for a workload under this kernel
// whose answer has just come. (The clock of a machine begins with its boot.)
func (a Answer) Began() time.Time {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic(err) // the kernel has this clock
	}
	return time.Now().Add(time.Duration(a.BeganNS - now.Nano()))
}

// Ask asks the workload once. It returns the answer, and when its first byte
// was there.
func Ask(conn net.Conn) (a Answer, first time.Time, err error) {
	if _, err = conn.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
		return a, first, err
	}
	r := bufio.NewReader(conn)
	if _, err = r.Peek(1); err != nil {
		return a, first, fmt.Errorf("wait for the first byte: %w", err)
	}
	first = time.Now()
	reply, err := http.ReadResponse(r, nil)
	if err != nil {
		return a, first, err
	}
	defer reply.Body.Close()
	if err = json.NewDecoder(reply.Body).Decode(&a); err != nil {
		return a, first, fmt.Errorf("the workload's answer: %w", err)
	}
	return a, first, nil
}

// Pauses between questions to a machine that does not answer yet, and the time
// that each question is given. A forwarded port accepts connections long
// before there is anybody behind it.
const (
	askAgain = 5 * time.Millisecond
	askFor   = 500 * time.Millisecond
)

// AskUntil asks over the network until there is an answer or ctx ends. A
// question that is not answered in askFor is asked again.
func AskUntil(ctx context.Context, network, address string) (a Answer, first time.Time, err error) {
	for {
		a, first, err = askOnce(ctx, network, address)
		if err == nil {
			return a, first, nil
		}
		select {
		case <-ctx.Done():
			return a, first, errors.Join(fmt.Errorf("ask the workload at %s: %w", address, ctx.Err()), err)
		case <-time.After(askAgain):
		}
	}
}

func askOnce(ctx context.Context, network, address string) (a Answer, first time.Time, err error) {
	d := net.Dialer{Timeout: askFor}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return a, first, err
	}
	defer conn.Close()
	if err = conn.SetDeadline(time.Now().Add(askFor)); err != nil {
		return a, first, err
	}
	return Ask(conn)
}
