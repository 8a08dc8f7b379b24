package inspect

// The output of inspect has the structure and the names of docker's JSON, for programs
// that read it. What docker has for features that are not here is there, and empty
// (absent.go): a template that reads it works. Why and OOM are not docker's.
//
// A time is a string, as in docker: RFC 3339 with nanoseconds in JSON and in templates.

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/internal/signals"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Inspection is the output of inspect: a container at one moment, with docker's names.
type Inspection struct {
	Id      string // spelled as in docker, for templates
	Created string
	Path    string
	Args    []string
	State   InspectedState
	Image   digest.Digest // its ID

	ResolvConfPath, HostnamePath, HostsPath, LogPath string

	Name            string // "/web"
	RestartCount    int
	Driver          string
	Platform        string
	MountLabel      string // of SELinux: always empty
	ProcessLabel    string // the same
	AppArmorProfile string
	ExecIDs         []string // always empty
	HostConfig      HostConfig
	GraphDriver     struct {
		Name string
		Data struct{ LowerDir, UpperDir, WorkDir string }
	}
	SizeRw          *int64 `json:",omitempty"` // bytes in the files that the container has changed
	SizeRootFs      *int64 `json:",omitempty"` // bytes in these and in its image's
	Mounts          []MountPoint
	Config          InspectedConfig
	NetworkSettings NetworkSettings
}

// ID is Id, as docker's templates may spell it.
func (i *Inspection) ID() string { return i.Id }

// InspectedState is the State of an Inspection.
type InspectedState struct {
	Status                                       container.Status
	Running, Paused, Restarting, OOMKilled, Dead bool
	Pid, ExitCode                                int
	Error                                        string
	Why                                          string      // for the exit, in words; "" while active
	OOM                                          *cgroup.OOM `json:",omitempty"`
	StartedAt, FinishedAt                        string
	Health                                       *InspectedHealth `json:",omitempty"`
}

// InspectedHealth is the Health of an InspectedState.
type InspectedHealth struct {
	Status        string
	FailingStreak int
	Log           []container.Check
}

// Container returns the details of the container with this name or ID; with size, also the
// size of its files.
func Container(root, name string, size bool) (*Inspection, error) {
	c, err := container.Find(root, name)
	if err != nil {
		return nil, err
	}
	i, err := inspect(c, size)
	if err != nil && !c.Has("image") {
		err = container.ErrNotExist // it was removed meanwhile
	}
	if err != nil {
		return nil, fmt.Errorf("inspect container %q: %w", name, err)
	}
	return i, nil
}

// inspect collects the details of a container.
func inspect(c *container.Container, size bool) (*Inspection, error) {
	// the state, the config and the image
	s, err := c.State()
	if err != nil {
		return nil, err
	}
	spec, err := c.Spec()
	if err != nil {
		return nil, err
	}
	store, err := images.Open(c.StoreRoot)
	if err != nil {
		return nil, err
	}
	manifest, err := manifest(c)
	if err != nil {
		return nil, err
	}
	image, err := store.ImageByManifest(digest.Digest(manifest))
	if err != nil {
		return nil, err
	}
	defer image.Close()
	// their fields, with docker's names
	i := &Inspection{
		Id: c.ID, Created: timeText(c.Settings.Created), Driver: "overlay", Name: "/" + c.Name,
		Platform: image.Config.OS, Image: image.ID,
		Path: spec.Process.Args[0], Args: spec.Process.Args[1:], AppArmorProfile: spec.Process.ApparmorProfile,
		ResolvConfPath: c.Path("resolv.conf"), HostnamePath: c.Path("hostname"), HostsPath: c.Path("hosts"),
		State: newInspectedState(&s), HostConfig: hostConfig(c, spec), Mounts: mountPoints(c, spec),
		Config: inspectConfig(c, &s, spec, &image.Config), NetworkSettings: networkSettings(c, &s),
	}
	if c.Has("log") {
		i.LogPath = c.Path("log")
	}
	if s.ExitStatus != nil {
		i.RestartCount = s.ExitStatus.Restarts
	}
	i.GraphDriver.Name = "overlay"
	data := &i.GraphDriver.Data
	data.UpperDir, data.WorkDir, data.LowerDir = c.Path("upper"), c.Path("work"), lowerDirs(c, store)
	if size {
		written, whole, err := Size(c)
		if err != nil {
			return nil, err
		}
		i.SizeRw, i.SizeRootFs = &written, &whole
	}
	return i, nil
}

// newInspectedState returns the state with docker's names. While the container is active,
// the exit status is of its previous run, and docker reports 0.
func newInspectedState(s *container.State) InspectedState {
	i := InspectedState{
		Status: s.Status, Pid: s.Pid, StartedAt: timeText(s.Started), FinishedAt: timeText(time.Time{}),
		Paused: s.Status == container.Paused, Restarting: s.Status == container.Restarting,
		Running: s.Active() || s.Status == container.Restarting,
	}
	if h := s.Health; h != nil {
		i.Health = &InspectedHealth{h.Status, h.FailingStreak, h.Log}
	}
	exit := s.ExitStatus
	if exit == nil {
		return i
	}
	i.FinishedAt = timeText(exit.Finished)
	if !s.Active() {
		i.ExitCode, i.Error, i.Why = exit.ExitCode, exit.Error, exit.Describe()
		i.OOM, i.OOMKilled = exit.OOM, exit.OOM != nil
	}
	return i
}

func networkSettings(c *container.Container, s *container.State) NetworkSettings {
	n := NetworkSettings{Ports: map[string][]PortBinding{}, Networks: map[string]*Endpoint{Network(c): {}}}
	if s.Active() {
		n.SandboxKey = "/proc/" + strconv.Itoa(s.Pid) + "/ns/net"
	}
	return n
}

// timeText returns a time as docker's JSON has it.
func timeText(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// InspectedConfig is the config of the image, as the flags have changed it.
type InspectedConfig struct {
	Hostname, Domainname, User              string
	AttachStdin, AttachStdout, AttachStderr bool
	Tty, OpenStdin                          bool
	Env                                     []string
	Cmd, Entrypoint                         []string
	Image                                   string // name, as typed
	WorkingDir                              string
	Labels                                  map[string]string
	Volumes                                 map[string]struct{}
	ExposedPorts                            map[string]struct{} `json:",omitempty"`
	StopSignal                              string
	StopTimeout                             *int                `json:",omitempty"` // seconds
	Healthcheck                             *images.Healthcheck `json:",omitempty"`
	absentConfig
}

func inspectConfig(c *container.Container, s *container.State, spec *specs.Spec, image *ocispec.Image) InspectedConfig {
	o, from := &c.Settings.Options, &image.Config
	i := InspectedConfig{
		Hostname: spec.Hostname, Domainname: spec.Domainname, User: o.User, Tty: o.TTY, OpenStdin: o.Interactive,
		Env: spec.Process.Env,
		Cmd: o.Command, Entrypoint: from.Entrypoint, Image: c.Settings.Image, WorkingDir: spec.Process.Cwd,
		Labels: c.Settings.Labels, Volumes: anonymousVolumes(o, from.Volumes),
		StopSignal: cmp.Or(c.Settings.StopWord, signals.Name(c.Settings.StopSignal)), StopTimeout: o.StopTimeout,
	}
	i.ExposedPorts, _ = o.ExposedPorts(from.ExposedPorts) // create has checked them
	if s.Status == container.Created || foreground(c, s) {
		attach, _ := o.Attached()
		i.AttachStdin, i.AttachStdout, i.AttachStderr = attach[0], attach[1], attach[2]
	}
	if h := c.Settings.Health; h != nil {
		i.Healthcheck = &images.Healthcheck{
			Test:     append([]string{"CMD"}, h.Args...),
			Interval: time.Duration(h.Interval), Timeout: time.Duration(h.Timeout), Retries: h.Retries,
			StartPeriod: time.Duration(h.StartPeriod), StartInterval: time.Duration(h.StartInterval),
		}
	}
	if i.User == "" {
		i.User = from.User
	}
	// as the flags replace them (config.Config)
	switch {
	case o.Entrypoint != nil && *o.Entrypoint != "":
		i.Entrypoint = []string{*o.Entrypoint}
	case o.Entrypoint != nil:
		i.Entrypoint = nil
	case len(o.Command) == 0:
		i.Cmd = from.Cmd
	}
	return i
}

// anonymousVolumes returns the mount points of the anonymous volumes of image and flags.
func anonymousVolumes(o *config.Options, image map[string]struct{}) map[string]struct{} {
	all := maps.Clone(image)
	for _, word := range o.Volumes {
		if !strings.Contains(word, ":") {
			if all == nil {
				all = make(map[string]struct{})
			}
			all[path.Clean(word)] = struct{}{}
		}
	}
	return all
}

// lowerDirs returns the directories of the read-only layers of the root, the topmost first.
func lowerDirs(c *container.Container, store *images.Store) string {
	all := store.Layers()
	dirs := []string{}
	for _, diffID := range all.Visible(c.Settings.Layers) {
		dirs = append([]string{all.Path(diffID)}, dirs...)
	}
	return strings.Join(append(dirs, all.Dir()+"/"+container.InitLayer), ":")
}

// manifest returns the digest of the image's manifest.
func manifest(c *container.Container) (string, error) {
	data, err := os.ReadFile(c.Path("image"))
	return strings.TrimSpace(string(data)), err
}
