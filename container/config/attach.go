package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
)

// Attached returns the standard streams that a container in the foreground has in common
// with the command that runs it: those of --attach, or all. Standard input also needs
// --interactive. A terminal is one stream, so it has its output at least.
func (o *Options) Attached() (attach [3]bool, err error) {
	names := []string{"stdin", "stdout", "stderr"}
	for _, word := range o.Attach {
		i := slices.Index(names, strings.ToLower(word))
		if i < 0 {
			return attach, hint.New(fmt.Errorf("--attach %q: not a stream", word), "use stdin, stdout or stderr")
		}
		attach[i] = true
	}
	if len(o.Attach) == 0 {
		attach = [3]bool{true, true, true}
	}
	if o.TTY && !attach[1] {
		return attach, hint.New(errors.New("--attach and --tty: a terminal needs stdout"), "add --attach stdout")
	}
	attach[0] = attach[0] && o.Interactive
	return attach, nil
}
