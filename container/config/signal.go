package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/moby/sys/signal"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

const signalMax = 64 // SIGRTMAX (signal(7))

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
	if sig, ok := ParseSignal(word); ok {
		return sig, nil
	}
	return 0, hint.New(fmt.Errorf("stop signal %q: not known", word), "signal(7) lists them, as in SIGQUIT; --stop-signal overrides the image's")
}

// ParseSignal reads a number from 1 to 64, or a name of signal(7) with or without
// SIG.
func ParseSignal(word string) (unix.Signal, bool) {
	sig, err := signal.ParseSignal(word)
	return sig, err == nil && 0 < sig && sig <= signalMax
}

// Ignores tells whether the kernel drops a signal that would be sent to this process
// now: it ignores it, or is the first one of its pid namespace and has no handler for
// it (pid_namespaces(7)). What is blocked is kept for later. SIGKILL is heard by all.
func Ignores(pid int, sig unix.Signal) (bool, error) {
	path := "/proc/" + strconv.Itoa(pid) + "/status"
	status, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) { // it has ended
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var blocked, ignored, caught, first bool
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "NSpid":
			first = strings.HasSuffix(value, "\t1")
		case "SigBlk":
			blocked, err = maskHas(value, sig)
		case "SigIgn":
			ignored, err = maskHas(value, sig)
		case "SigCgt":
			caught, err = maskHas(value, sig)
		}
		if err != nil {
			return false, fmt.Errorf("read %s: %w", path, err)
		}
	}
	return !blocked && (ignored || first && !caught) && sig != unix.SIGKILL, nil
}

// maskHas tells whether a mask of proc_pid_status(5) has the signal.
func maskHas(mask string, sig unix.Signal) (bool, error) {
	bits, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
	return bits&(1<<(sig-1)) != 0, err
}
