package inspect

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Inspection is all about a container, at one moment.
type Inspection struct {
	Id      string // spelled as in docker, for templates
	Created time.Time
	Path    string
	Args    []string
	State   InspectedState
	Image   digest.Digest // its ID

	ResolvConfPath, HostnamePath, HostsPath, LogPath string

	Name            string // "/web"
	RestartCount    int
	Platform        string
	AppArmorProfile string
	HostConfig      HostConfig
	GraphDriver     struct {
		Name string
		Data struct{ LowerDir, UpperDir, WorkDir string }
	}
	SizeRw          *int64 `json:",omitempty"` // bytes in files that the container has changed
	SizeRootFs      *int64 `json:",omitempty"` // and in its image's
	Mounts          []MountPoint
	Config          InspectedConfig
	NetworkSettings NetworkSettings
}

// InspectedState is its State.
type InspectedState struct {
	Status                                       container.Status
	Running, Paused, Restarting, OOMKilled, Dead bool
	Pid, ExitCode                                int
	Error                                        string
	Why                                          string      // how the last life ended, in words; "" while it lives
	OOM                                          *cgroup.OOM `json:",omitempty"`
	StartedAt, FinishedAt                        time.Time
	Health                                       *InspectedHealth `json:",omitempty"`
}

// InspectedHealth is its Health.
type InspectedHealth struct {
	Status        string
	FailingStreak int
	Log           []container.Check
}

// NetworkSettings: nothing is ever published, and there are no networks but none
// and host.
type NetworkSettings struct {
	SandboxKey string // the container's network namespace
	IPAddress  string
	Ports      map[string]struct{} // by PORT/PROTOCOL
	Networks   map[string]struct{}
}

// Container tells all about the container of that name or id; with size, how large its
// files are too.
func Container(root, name string, size bool) (*Inspection, error) {
	c, err := container.Find(root, name)
	if err != nil {
		return nil, err
	}
	i, err := inspect(c, size)
	if err != nil && !c.Has("image") {
		err = container.ErrNotExist // it was removed since
	}
	if err != nil {
		return nil, fmt.Errorf("inspect container %q: %w", name, err)
	}
	return i, nil
}

func inspect(c *container.Container, size bool) (*Inspection, error) {
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
	i := &Inspection{
		Id: c.ID, Created: c.Settings.Created, Name: "/" + c.Name, Platform: image.Config.OS, Image: image.ID,
		Path: spec.Process.Args[0], Args: spec.Process.Args[1:], AppArmorProfile: spec.Process.ApparmorProfile,
		ResolvConfPath: c.Path("resolv.conf"), HostnamePath: c.Path("hostname"), HostsPath: c.Path("hosts"),
		State: newInspectedState(&s), HostConfig: hostConfig(c, spec), Mounts: mountPoints(c, spec),
		Config: inspectConfig(c, spec, &image.Config), NetworkSettings: networkSettings(c, &s),
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

// newInspectedState: an end is that of the life that was, and docker's exit code that of the
// present one, which is 0.
func newInspectedState(s *container.State) InspectedState {
	i := InspectedState{
		Status: s.Status, Running: s.Active() || s.Status == container.Restarting, Paused: s.Status == container.Paused, Restarting: s.Status == container.Restarting,
		Pid: s.Pid, StartedAt: s.Started,
	}
	if h := s.Health; h != nil {
		i.Health = &InspectedHealth{h.Status, h.FailingStreak, h.Log}
	}
	end := s.ExitStatus
	if end == nil {
		return i
	}
	i.FinishedAt = end.Finished
	if !s.Active() {
		i.ExitCode, i.Error, i.Why, i.OOM, i.OOMKilled = end.ExitCode, end.Error, end.Describe(), end.OOM, end.OOM != nil
	}
	return i
}

func networkSettings(c *container.Container, s *container.State) NetworkSettings {
	n := NetworkSettings{Ports: map[string]struct{}{}, Networks: map[string]struct{}{Network(c): {}}}
	if s.Active() {
		n.SandboxKey = "/proc/" + strconv.Itoa(s.Pid) + "/ns/net"
	}
	return n
}

// InspectedConfig is what the container has of its image, as flags have changed it.
type InspectedConfig struct {
	Hostname, User  string
	Tty, OpenStdin  bool
	Env             []string
	Cmd, Entrypoint []string
	Image           string // as it was named
	WorkingDir      string
	Labels          map[string]string
	Volumes         map[string]struct{} `json:",omitempty"`
	ExposedPorts    map[string]struct{} `json:",omitempty"`
	StopSignal      string
	StopTimeout     *int                `json:",omitempty"` // seconds
	Healthcheck     *images.Healthcheck `json:",omitempty"`
}

func inspectConfig(c *container.Container, spec *specs.Spec, image *ocispec.Image) InspectedConfig {
	o, from := &c.Settings.Options, &image.Config
	i := InspectedConfig{
		Hostname: spec.Hostname, User: o.User, Tty: o.TTY, OpenStdin: o.Interactive, Env: spec.Process.Env,
		Cmd: o.Command, Entrypoint: from.Entrypoint, Image: c.Settings.Image, WorkingDir: spec.Process.Cwd,
		Labels: c.Settings.Labels, Volumes: from.Volumes, ExposedPorts: from.ExposedPorts,
		StopSignal: unix.SignalName(c.Settings.StopSignal), StopTimeout: o.StopTimeout,
	}
	if h := c.Settings.Health; h != nil {
		i.Healthcheck = &images.Healthcheck{
			Test: append([]string{"CMD"}, h.Args...), Interval: time.Duration(h.Interval), Timeout: time.Duration(h.Timeout),
			StartPeriod: time.Duration(h.StartPeriod), StartInterval: time.Duration(h.StartInterval), Retries: h.Retries,
		}
	}
	if i.User == "" {
		i.User = from.User
	}
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

// lowerDirs are the layers of its root that do not change, the topmost first.
func lowerDirs(c *container.Container, store *images.Store) string {
	all := store.Layers()
	dirs := []string{}
	for _, diffID := range all.Visible(c.Settings.Layers) {
		dirs = append([]string{all.Path(diffID)}, dirs...)
	}
	return strings.Join(append(dirs, all.Dir()+"/"+container.InitLayer), ":")
}

// manifest is the digest of the image's manifest.
func manifest(c *container.Container) (string, error) {
	data, err := os.ReadFile(c.Path("image"))
	return strings.TrimSpace(string(data)), err
}
