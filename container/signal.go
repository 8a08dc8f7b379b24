package container

// The stop signal: what asks the process to end, before SIGKILL makes it.

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

const (
	signalMin = 34 // SIGRTMIN: the C library keeps 32 and 33
	signalMax = 64 // SIGRTMAX (signal(7))
)

// StopSignal returns the signal that stops the container: the flag's, the
// image's, or SIGTERM. QUIT, SIGQUIT, 3 and SIGRTMIN+3 are all understood.
func StopSignal(o *Options, image ocispec.Image) (unix.Signal, error) {
	word := o.StopSignal
	if word == "" {
		word = image.Config.StopSignal
	}
	if word == "" {
		return unix.SIGTERM, nil
	}
	if signal, ok := parseSignal(word); ok {
		return signal, nil
	}
	return 0, hint.New(fmt.Errorf("stop signal %q: not known", word), "signal(7) lists them, as in SIGQUIT; --stop-signal overrides the image's")
}

func parseSignal(word string) (unix.Signal, bool) {
	if n, err := strconv.ParseUint(word, 10, 8); err == nil {
		return unix.Signal(n), 0 < n && n <= signalMax
	}
	name := "SIG" + strings.TrimPrefix(strings.ToUpper(word), "SIG")
	if digits, ok := strings.CutPrefix(name, "SIGRTMIN+"); ok {
		n, err := strconv.ParseUint(digits, 10, 8)
		return unix.Signal(signalMin + n), err == nil && signalMin+n <= signalMax
	}
	if digits, ok := strings.CutPrefix(name, "SIGRTMAX-"); ok {
		n, err := strconv.ParseUint(digits, 10, 8)
		return unix.Signal(signalMax - n), err == nil && n <= signalMax-signalMin
	}
	signal := unix.SignalNum(name)
	return signal, signal != 0
}
