package benchmark

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sys/unix"
)

// Answer is what the workload reports about its surroundings.
type Answer struct {
	Kernel    string `json:"kernel"`    // uname -r
	Processes int    `json:"processes"` // in its /proc
	MemoryKiB int    `json:"memoryKiB"` // of the system: MemTotal
	OwnKiB    int    `json:"ownKiB"`    // of the workload itself: VmRSS
	BeganNS   int64  `json:"beganNS"`   // when its main began, by CLOCK_MONOTONIC of its kernel
}

// Began returns when the workload's main began, for an answer that has just come
// from this kernel. (The clock of a machine begins with its boot.)
func (a Answer) Began() time.Time {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic(err) // the kernel has this clock
	}
	return time.Now().Add(time.Duration(a.BeganNS - now.Nano()))
}

// Ask asks the workload once. It returns the answer, and when its first byte arrived.
func Ask(ctx context.Context, network, address string) (a Answer, first time.Time, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return a, first, err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		conn.SetDeadline(deadline)
	}
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

// AskUntil asks the workload over TCP until it answers or ctx ends. Each question
// has half a second: a forwarded port accepts connections long before the
// workload listens behind it.
func AskUntil(ctx context.Context, address string) (a Answer, first time.Time, err error) {
	err = Poll(ctx, 5*time.Millisecond, func() (err error) {
		ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		a, first, err = Ask(ctx, "tcp", address)
		return err
	})
	return a, first, err
}
