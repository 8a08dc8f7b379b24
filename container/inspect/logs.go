package inspect

// The monitor of a detached container writes its output to a log (package logs). A
// container in the foreground has the streams of its caller, and no log.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/hint"
)

// Logs writes the log of a container to stdout and stderr. With o.Follow it follows the
// log until the container exits, even if it is then restarted, as in docker. With details
// each line begins with the labels and variables that --log-opt chose.
func Logs(ctx context.Context, root, name string, o logs.Options, details bool, stdout, stderr io.Writer) error {
	c, err := container.Find(root, name)
	if err != nil {
		return fmt.Errorf("logs of %w", err)
	}
	if details {
		o.Details = detailsText(c.Settings.LogDetails)
	}
	if err := copyLog(c, ctx, o, stdout, stderr); err != nil {
		return fmt.Errorf("logs of container %q: %w", name, err)
	}
	return nil
}

func copyLog(c *container.Container, ctx context.Context, o logs.Options, stdout, stderr io.Writer) error {
	s, err := c.State()
	if err != nil {
		return err
	}
	if c.Settings.Options.LogDriver == config.LogNone {
		return hint.New(errors.New("container keeps no log"), "create it without --log-driver none")
	}
	if foreground(c, &s) {
		return hint.New(errors.New("container in the foreground has no log"), "keep a log with: minictr run -d")
	}
	if !o.Follow || !s.Active() {
		o.Follow = false
		return logs.Copy(ctx, c.Dir, o, nil, stdout, stderr)
	}
	lock, err := c.LockWaiters()
	if err != nil {
		return err
	}
	defer lock.Close()
	return logs.Copy(ctx, c.Dir, o, c.PendingExit().Done, stdout, stderr)
}

// detailsText is docker's form of details, and a space.
func detailsText(details map[string]string) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(details)) {
		words = append(words, url.QueryEscape(name)+"="+url.QueryEscape(details[name]))
	}
	return strings.Join(words, ",") + " "
}

// foreground reports whether the container has run, and always in the foreground: it has
// neither a monitor nor a log.
func foreground(c *container.Container, s *container.State) bool {
	if s.Status == container.Created || c.Has(container.MonitorFile) || c.Has(logs.Current) || c.Has(logs.Older) {
		return false
	}
	return s.Active() || s.ExitStatus != nil && !s.ExitStatus.Started.IsZero()
}
