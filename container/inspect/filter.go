package inspect

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/internal/filter"
)

// test reports whether a filter matches a container.
type test = filter.Test[*Summary]

// Filters holds the tests of each filter name.
type Filters = filter.Filters[*Summary]

// filterParser holds what a filter may refer to: the store at root, all containers, now.
type filterParser struct {
	root string
	all  []*container.Container
	now  time.Time
}

// filterTable lists the names of filters, and the function that parses the value of each.
type filterTable = filter.Table[*filterParser, *Summary]

// psFilters are the filters of ps, start and stop.
var psFilters = filterTable{
	{"ancestor", (*filterParser).ancestor},
	{"before", (*filterParser).before},
	{"exited", (*filterParser).exited},
	{"expose", (*filterParser).port},
	{"health", (*filterParser).health},
	{"id", (*filterParser).id},
	{"is-task", (*filterParser).isTask},
	{"isolation", (*filterParser).isolation},
	{"label", (*filterParser).label},
	{"label!", (*filterParser).noLabel},
	{"name", (*filterParser).name},
	{"network", (*filterParser).network},
	{"publish", (*filterParser).port},
	{"restart-policy", (*filterParser).restartPolicy},
	{"should-start-on-boot", (*filterParser).startsAtBoot},
	{"since", (*filterParser).since},
	{"status", (*filterParser).status},
	{"volume", (*filterParser).volume},
}

// PruneFilters are the filters of container prune.
var PruneFilters = filterTable{
	{"label", (*filterParser).label},
	{"label!", (*filterParser).noLabel},
	{"until", (*filterParser).until},
}

// ParseFilters parses words of --filter, NAME=VALUE, with the names that known has. A
// value may name one of the containers in all, or an image in the store at root.
func ParseFilters(words []string, all []*container.Container, root string, known filterTable) (Filters, error) {
	return known.Parse(words, &filterParser{root, all, time.Now()}, "label=tier=web")
}

// oneOf refuses a value that is none of known.
func oneOf(value string, known ...string) error {
	if slices.Contains(known, value) {
		return nil
	}
	return hint.New(errors.New("not a valid value"), "use one of "+strings.Join(known, ", "))
}

func (p *filterParser) id(value string) (test, error) {
	return func(s *Summary) bool { return strings.HasPrefix(s.ID, value) }, nil
}

// name matches a regular expression; docker's users write ^/web$ as well as ^web$.
func (p *filterParser) name(value string) (test, error) {
	pattern, err := regexp.Compile(value)
	return func(s *Summary) bool { return pattern.MatchString(s.Name) || pattern.MatchString("/"+s.Name) }, err
}

func (p *filterParser) label(value string) (test, error) {
	return filter.Label(func(s *Summary) map[string]string { return s.Settings.Labels }, value), nil
}

func (p *filterParser) noLabel(value string) (test, error) {
	has, err := p.label(value)
	return func(s *Summary) bool { return !has(s) }, err
}

func (p *filterParser) status(value string) (test, error) {
	if value == "removing" {
		return func(*Summary) bool { return false }, nil // docker has this status; here a removal is never seen
	}
	err := oneOf(value, "created", "restarting", "running", "paused", "exited", "dead")
	return func(s *Summary) bool { return s.State.Status == container.Status(value) }, err
}

func (p *filterParser) exited(value string) (test, error) {
	code, err := strconv.Atoi(value)
	if err != nil {
		return nil, errors.New("not an exit code")
	}
	return func(s *Summary) bool {
		return s.State.Status == container.Exited && s.State.ExitStatus.ExitCode == code
	}, nil
}

func (p *filterParser) health(value string) (test, error) {
	err := oneOf(value, "starting", "healthy", "unhealthy", "none")
	return func(s *Summary) bool {
		if h := s.State.Health; h != nil && h.Status != "" {
			return h.Status == value
		}
		return value == "none"
	}, err
}

func (p *filterParser) network(value string) (test, error) {
	return func(s *Summary) bool { return Network(s.Container) == value }, nil
}

func (p *filterParser) volume(value string) (test, error) {
	return func(s *Summary) bool {
		return slices.ContainsFunc(s.Mounts, func(m MountPoint) bool {
			return m.Destination == value || m.Source == value || m.Name == value && value != ""
		})
	}, nil
}

func (p *filterParser) restartPolicy(value string) (test, error) {
	err := oneOf(value, config.RestartNo, config.RestartOnFailure, config.RestartAlways, config.RestartUnlessStopped)
	return func(s *Summary) bool { return s.Settings.Restart.Policy == value }, err
}

// startsAtBoot is podman's should-start-on-boot: the policy of a container is always, or
// unless-stopped and no user has stopped it; and it ran before.
func (p *filterParser) startsAtBoot(value string) (test, error) {
	want, err := strconv.ParseBool(value)
	if err != nil {
		err = oneOf(value, "true", "false")
	}
	return func(s *Summary) bool {
		policy, ran := s.Settings.Restart.Policy, s.State.Active() || s.State.ExitStatus != nil
		kept := policy == config.RestartUnlessStopped && !container.StoppedByUser(s.Container)
		return (ran && (policy == config.RestartAlways || kept)) == want
	}, err
}

// port is docker's expose and publish, which look at the ports of a network: with network
// none or host there is none.
func (p *filterParser) port(value string) (test, error) {
	_, err := (&config.Options{Expose: []string{value}}).ExposedPorts(nil)
	if err != nil {
		err = hint.New(errors.New("not a port"), "write as in 80, 53/udp or 8000-8010/tcp")
	}
	return func(*Summary) bool { return false }, err
}

// isTask matches containers of docker's swarm mode, which is not here.
func (p *filterParser) isTask(value string) (test, error) {
	isTask, err := strconv.ParseBool(value)
	if err != nil {
		err = oneOf(value, "true", "false")
	}
	return func(*Summary) bool { return !isTask }, err
}

// isolation matches a technology of Windows; here there is one.
func (p *filterParser) isolation(value string) (test, error) {
	return func(*Summary) bool { return value == "default" || value == "" }, nil
}

// ancestor matches containers whose layers begin with those of an image: their own, or
// one that theirs was built on. An image that is not in the store has none, as in docker.
func (p *filterParser) ancestor(value string) (test, error) {
	store, err := images.Open(p.root)
	if err != nil {
		return nil, err
	}
	image, err := store.Image(value)
	if errors.Is(err, images.ErrNotFound) {
		return func(*Summary) bool { return false }, nil
	}
	if err != nil {
		return nil, err
	}
	n := len(image.Layers)
	return func(s *Summary) bool {
		return len(s.Settings.Layers) >= n && slices.Equal(s.Settings.Layers[:n], image.Layers)
	}, nil
}

func (p *filterParser) before(value string) (test, error) {
	other, err := p.find(value)
	return func(s *Summary) bool { return s.Settings.Created.Before(other.Settings.Created) }, err
}

func (p *filterParser) since(value string) (test, error) {
	other, err := p.find(value)
	return func(s *Summary) bool { return s.Settings.Created.After(other.Settings.Created) }, err
}

// find returns a container by its name, its ID or the beginning of its ID.
func (p *filterParser) find(value string) (*container.Container, error) {
	var found []*container.Container
	for _, c := range p.all {
		if c.Name == value {
			return c, nil
		}
		if value != "" && strings.HasPrefix(c.ID, value) {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 0:
		return nil, container.ErrNotExist
	case 1:
		return found[0], nil
	}
	return nil, errors.New("ID prefix is ambiguous")
}

func (p *filterParser) until(value string) (test, error) {
	t, err := logs.ParseTime(value, p.now)
	return func(s *Summary) bool { return s.Settings.Created.Before(t) }, err
}
