package images

// Instructions of a Dockerfile that only change an image's config, as import --change has
// them: one instruction each, without comments and continued lines.

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/signals"
)

// changes are the instructions: each gets what follows its word.
var changes = map[string]func(*runConfig, string) error{
	"CMD":         func(c *runConfig, text string) (err error) { c.Cmd, err = c.command(text); return err },
	"ENTRYPOINT":  func(c *runConfig, text string) (err error) { c.Entrypoint, err = c.command(text); return err },
	"ENV":         (*runConfig).env,
	"EXPOSE":      (*runConfig).expose,
	"HEALTHCHECK": (*runConfig).healthcheck,
	"LABEL":       (*runConfig).label,
	"ONBUILD":     (*runConfig).onBuild,
	"STOPSIGNAL":  (*runConfig).stopSignal,
	"USER":        func(c *runConfig, text string) (err error) { c.User, err = expand(text, c.lookUp); return err },
	"VOLUME":      (*runConfig).volume,
	"WORKDIR":     (*runConfig).workdir,
}

// change carries out an instruction.
func (c *runConfig) change(text string) error {
	word, rest := cutWord(text)
	do := changes[strings.ToUpper(word)]
	if do == nil {
		return hint.New(fmt.Errorf("%q is not a valid change", word),
			"use one of "+strings.Join(slices.Sorted(maps.Keys(changes)), ", "))
	}
	if rest == "" {
		return errors.New("no argument")
	}
	return do(c, rest)
}

// cutWord cuts the first word from a text.
func cutWord(text string) (word, rest string) {
	text = strings.TrimSpace(text)
	if i := strings.IndexAny(text, " \t\n"); i >= 0 {
		return text[:i], strings.TrimSpace(text[i:])
	}
	return text, ""
}

// command returns a JSON list of words as it is, and any other text as a shell's command.
func (c *runConfig) command(text string) ([]string, error) {
	if list, ok := jsonWords(text); ok {
		return list, nil
	}
	shell := c.Shell
	if len(shell) == 0 {
		shell = []string{"/bin/sh", "-c"}
	}
	return append(slices.Clone(shell), text), nil
}

func jsonWords(text string) (list []string, ok bool) {
	return list, strings.HasPrefix(text, "[") && json.Unmarshal([]byte(text), &list) == nil
}

// lookUp returns the value of a variable of the config's environment.
func (c *runConfig) lookUp(name string) string {
	for _, word := range slices.Backward(c.Env) {
		if value, ok := strings.CutPrefix(word, name+"="); ok {
			return value
		}
	}
	return ""
}

// pairs returns NAME=VALUE…, or the older form NAME VALUE.
func (c *runConfig) pairs(text string) (pairs [][2]string, err error) {
	if name, value := cutWord(text); !strings.Contains(name, "=") {
		if value == "" {
			return nil, fmt.Errorf("%q has no value", name)
		}
		value, err = expand(value, c.lookUp)
		return [][2]string{{name, value}}, err
	}
	words, err := splitWords(text, c.lookUp)
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is not NAME=VALUE", word)
		}
		pairs = append(pairs, [2]string{name, value})
	}
	return pairs, err
}

func (c *runConfig) env(text string) error {
	pairs, err := c.pairs(text)
	for _, p := range pairs {
		c.Env = slices.DeleteFunc(c.Env, func(old string) bool { return strings.HasPrefix(old, p[0]+"=") })
		c.Env = append(c.Env, p[0]+"="+p[1])
	}
	return err
}

func (c *runConfig) label(text string) error {
	pairs, err := c.pairs(text)
	for _, p := range pairs {
		if c.Labels == nil {
			c.Labels = make(map[string]string)
		}
		c.Labels[p[0]] = p[1]
	}
	return err
}

// expose adds ports, PORT[-PORT][/PROTOCOL].
func (c *runConfig) expose(text string) error {
	words, err := splitWords(text, c.lookUp)
	for _, word := range words {
		ports, ok := ParsePorts(strings.ToLower(word))
		if !ok {
			err := fmt.Errorf("port %q: not a port", word)
			return hint.New(err, "write PORT[-PORT][/tcp|udp|sctp], as in 80 or 53/udp")
		}
		c.ExposedPorts = ports.AddTo(c.ExposedPorts)
	}
	return err
}

func (c *runConfig) volume(text string) error {
	words, ok := jsonWords(text)
	if !ok {
		var err error
		if words, err = splitWords(text, c.lookUp); err != nil {
			return err
		}
	}
	for _, word := range words {
		if strings.TrimSpace(word) == "" {
			return errors.New("a volume must not be empty")
		}
		if c.Volumes == nil {
			c.Volumes = make(map[string]struct{})
		}
		c.Volumes[word] = struct{}{}
	}
	return nil
}

// workdir sets the working directory; a relative one is below the one before.
func (c *runConfig) workdir(text string) error {
	dir, err := expand(text, c.lookUp)
	if err == nil && !path.IsAbs(dir) {
		dir = path.Join("/", c.WorkingDir, dir)
	}
	if err == nil {
		c.WorkingDir = dir
	}
	return err
}

func (c *runConfig) stopSignal(text string) error {
	word, err := expand(text, c.lookUp)
	if err != nil {
		return err
	}
	if _, ok := signals.Parse(word); !ok {
		return hint.New(fmt.Errorf("signal %q: unknown", word), "use a signal of signal(7), as in SIGQUIT")
	}
	c.StopSignal = word
	return nil
}

// onBuild adds an instruction for images that are built on this one.
func (c *runConfig) onBuild(text string) error {
	switch word, _ := cutWord(text); strings.ToUpper(word) {
	case "ONBUILD", "FROM", "MAINTAINER":
		return fmt.Errorf("%s is not allowed in ONBUILD", strings.ToUpper(word))
	}
	c.OnBuild = append(c.OnBuild, text)
	return nil
}

// healthcheck sets the health check: NONE, or [--OPTION=VALUE…] CMD COMMAND.
func (c *runConfig) healthcheck(text string) error {
	h := &Healthcheck{}
	word, rest := cutWord(text)
	for ; strings.HasPrefix(word, "--"); word, rest = cutWord(rest) {
		if err := h.option(word); err != nil {
			return err
		}
	}
	switch {
	case strings.EqualFold(word, "NONE") && rest == "":
		h.Test = []string{"NONE"}
	case strings.EqualFold(word, "CMD") && rest != "":
		h.Test = []string{"CMD-SHELL", rest}
		if list, ok := jsonWords(rest); ok {
			h.Test = append([]string{"CMD"}, list...)
		}
	default:
		return hint.New(fmt.Errorf("health check %q: neither NONE nor CMD COMMAND", word), "HEALTHCHECK CMD COMMAND")
	}
	c.Healthcheck = h
	return nil
}

// option sets a time or the retries, --NAME=VALUE.
func (h *Healthcheck) option(word string) (err error) {
	name, value, _ := strings.Cut(strings.TrimPrefix(word, "--"), "=")
	if name == "retries" {
		h.Retries, err = strconv.Atoi(value)
		if err != nil || h.Retries < 1 {
			err = fmt.Errorf("--retries %q: not a number of 1 or more", value)
		}
		return err
	}
	field := map[string]*time.Duration{
		"interval": &h.Interval, "timeout": &h.Timeout,
		"start-period": &h.StartPeriod, "start-interval": &h.StartInterval,
	}[name]
	if field == nil {
		return fmt.Errorf("--%s: no such option of HEALTHCHECK", name)
	}
	if *field, err = time.ParseDuration(value); err == nil && *field < time.Millisecond {
		err = fmt.Errorf("--%s %q: shorter than 1ms", name, value)
	}
	return err
}
