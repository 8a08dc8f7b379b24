package step

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/minictr/minictr/hint"
	"golang.org/x/sys/unix"
)

// keys are read as lines, from the terminal if standard input is one, else from standard
// input itself. What follows the last line that was read is the container's: so not a byte is
// read ahead. The terminal stays in its mode: it edits lines, and Ctrl-C is a signal.
type keys struct {
	in, out  *os.File
	terminal bool
}

func openKeys() (*keys, error) {
	if _, err := unix.IoctlGetTermios(unix.Stdin, unix.TCGETS); err != nil {
		return &keys{os.Stdin, os.Stderr, false}, nil
	}
	fd, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/tty: %w", err)
	}
	tty := os.NewFile(uintptr(fd), "/dev/tty")
	return &keys{tty, tty, true}, nil
}

func (k *keys) close() error {
	if !k.terminal {
		return nil
	}
	return k.in.Close()
}

// read prompts for a line, and returns it without blanks around it. Without a terminal, which
// echoes what is typed, the line is printed.
func (k *keys) read(ctx context.Context, prompt string) (line string, err error) {
	type result struct {
		line string
		err  error
	}
	fmt.Fprint(k.out, prompt)
	read := make(chan result, 1)
	go func() {
		line, err := k.line()
		read <- result{line, err}
	}()
	select {
	case r := <-read:
		line, err = strings.TrimSpace(r.line), r.err
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil || !k.terminal {
		fmt.Fprintln(k.out, line)
	}
	return line, err
}

// line reads a line, byte by byte. Ctrl-D, the end of a terminal's input, is q.
func (k *keys) line() (string, error) {
	var line []byte
	for b := make([]byte, 1); ; {
		switch _, err := k.in.Read(b); {
		case errors.Is(err, io.EOF) && len(line) > 0:
			return string(line), nil
		case errors.Is(err, io.EOF) && k.terminal:
			return "", ErrQuit
		case errors.Is(err, io.EOF):
			return "", hint.New(errors.New("--step: standard input has ended at a stop"), "end it with a line c")
		case err != nil:
			return "", fmt.Errorf("--step: %w", err)
		case b[0] == '\n':
			return string(line), nil
		}
		line = append(line, b[0])
	}
}
