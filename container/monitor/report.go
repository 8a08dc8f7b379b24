package monitor

import (
	"encoding/json"
	"errors"
	"os"
	"strings"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime"
)

// What the monitor writes to the command that started it: one of these words, an error
// (startReport), or after running an error of the monitor's last steps.
const (
	running         = "."
	alreadyStarting = "=" // another monitor starts the container
)

// startReport is an error of the monitor, in JSON.
type startReport struct {
	Text, Hint string
	Code       int // exit code of a program that could not be started, 0 for other errors
}

// readReport returns the error that the monitor reported.
func readReport(report string) error {
	if report == alreadyStarting {
		return container.ErrRunning
	}
	var r startReport
	if err := json.Unmarshal([]byte(strings.TrimPrefix(report, running)), &r); err != nil {
		return errors.New("the monitor was killed")
	}
	err := errors.New(r.Text)
	if r.Hint != "" {
		err = hint.New(err, r.Hint)
	}
	if r.Code != 0 {
		return &container.ExitError{Err: err, Code: r.Code}
	}
	return err
}

// sendReport writes an error to the command that started the monitor.
func sendReport(starter *os.File, err error) error {
	r := startReport{Text: err.Error(), Hint: hint.Of(err)}
	r.Code, _ = runtime.ExecExitCode(err)
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return sendWord(starter, string(data))
}

func sendWord(starter *os.File, word string) error {
	_, err := starter.WriteString(word)
	return err
}
