package benchmark

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
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

// get asks the workload at "unix:PATH" or "tcp:HOST:PORT" once (HTTP/1.0) and decodes
// its answer. It returns when the first byte arrived.
func get(ctx context.Context, address, path string, answer any) (first time.Time, err error) {
	network, address, _ := strings.Cut(address, ":")
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return first, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err = fmt.Fprintf(conn, "GET %s HTTP/1.0\r\n\r\n", path); err != nil {
		return first, err
	}
	r := bufio.NewReader(conn)
	if _, err = r.Peek(1); err != nil {
		return first, fmt.Errorf("wait for the first byte: %w", err)
	}
	first = time.Now()
	reply, err := http.ReadResponse(r, nil)
	if err != nil {
		return first, err
	}
	body, err := io.ReadAll(reply.Body)
	if err == nil && reply.StatusCode != http.StatusOK {
		err = fmt.Errorf("the workload's answer: %s: %s", reply.Status, body)
	} else if err == nil {
		err = json.Unmarshal(body, answer)
	}
	return first, err
}

// Ask asks the workload about its surroundings. It returns the answer, and when its
// first byte arrived.
func Ask(ctx context.Context, address string) (a Answer, first time.Time, err error) {
	first, err = get(ctx, address, "/", &a)
	return a, first, err
}

// AskUntil asks the workload until it answers or ctx ends. Each question has half a
// second: a forwarded port accepts connections long before the workload listens
// behind it.
func AskUntil(ctx context.Context, address string) (a Answer, first time.Time, err error) {
	err = Poll(ctx, 5*time.Millisecond, func() (err error) {
		ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		a, first, err = Ask(ctx, address)
		return err
	})
	return a, first, err
}
