package monitor

import (
	"encoding/json"
	"errors"
	"io"
	"os"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime"
)

func sendWord(starter *os.File, word string) error {
	_, err := starter.WriteString(word)
	return err
}

const running = "."

const alreadyStarting = "=" // by another one, which is its watcher

// startReport is an error on its way from the watcher to who started it.
type startReport struct {
	Text, Advice string
	Code         int // the exit code of a program that could not be started, 0 for other errors
}

func readReport(output string) error {
	var t startReport
	if err := json.Unmarshal([]byte(output), &t); err != nil {
		return errors.New("its watcher was killed")
	}
	err := errors.New(t.Text)
	if t.Advice != "" {
		err = hint.New(err, t.Advice)
	}
	if t.Code != 0 {
		return &container.ExitError{Err: err, Code: t.Code}
	}
	return err
}

// sendReport sends an error to who started the watcher.
func sendReport(to io.Writer, err error) error {
	t := startReport{Text: err.Error(), Advice: hint.Of(err)}
	t.Code, _ = runtime.ExecExitCode(err)
	data, marshalErr := json.Marshal(t)
	_, writeErr := to.Write(data)
	return errors.Join(marshalErr, writeErr)
}
