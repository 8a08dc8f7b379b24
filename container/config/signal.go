package config

// The stop signal asks the process to exit. stop sends it, then SIGKILL after a timeout.

import (
	"fmt"

	"github.com/minictr/minictr/hint"
	"github.com/moby/sys/signal"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

const signalMax = 64 // SIGRTMAX (signal(7))

// StopSignal returns the signal that stops the container: the flag's, the
// image's, or SIGTERM. QUIT, SIGQUIT, 3 and SIGRTMIN+3 are valid forms.
func StopSignal(o *Options, image ocispec.Image) (unix.Signal, error) {
	word := o.StopSignal
	if word == "" {
		word = image.Config.StopSignal
	}
	if word == "" {
		return unix.SIGTERM, nil
	}
	if sig, ok := ParseSignal(word); ok {
		return sig, nil
	}
	return 0, hint.New(fmt.Errorf("stop signal %q: unknown", word),
		"use a signal of signal(7), as in --stop-signal SIGQUIT")
}

// ParseSignal reads a number from 1 to 64, or a name of signal(7), with or without SIG.
func ParseSignal(word string) (unix.Signal, bool) {
	sig, err := signal.ParseSignal(word)
	return sig, err == nil && 0 < sig && sig <= signalMax
}
