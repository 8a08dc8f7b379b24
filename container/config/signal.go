package config

// The stop signal asks the process to exit. stop sends it, then SIGKILL after a timeout.

import (
	"cmp"
	"fmt"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/signals"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

// StopSignal returns the signal that stops the container, and the word for it: the
// flag's, the image's, or SIGTERM.
func StopSignal(o *Options, image ocispec.Image) (sig unix.Signal, word string, err error) {
	word = cmp.Or(o.StopSignal, image.Config.StopSignal, signals.Name(unix.SIGTERM))
	sig, err = ParseSignal(word)
	if err != nil {
		err = fmt.Errorf("stop %w", err)
		if o.StopSignal == "" {
			err = hint.New(err, "the image has it; choose another with: --stop-signal SIGTERM")
		}
	}
	return sig, word, err
}

// ParseSignal is signals.Parse with an error for an unknown signal.
func ParseSignal(word string) (unix.Signal, error) {
	sig, ok := signals.Parse(word)
	if !ok {
		return 0, hint.New(fmt.Errorf("signal %q: unknown", word), "use a signal of signal(7), as in SIGHUP")
	}
	return sig, nil
}
