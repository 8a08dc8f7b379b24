package inspect

import (
	"path/filepath"
	"strings"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/container/volume"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// MountPoint is a mount of a container, with docker's names.
type MountPoint struct {
	Type        string // bind, tmpfs or volume
	Name        string `json:",omitempty"` // of a volume
	Source      string // on the host
	Destination string
	Driver      string `json:",omitempty"` // of a volume: local
	Mode        string // ro or ""
	RW          bool
	Propagation string
}

// mountPoints returns the mounts but for those that every container gets.
func mountPoints(c *container.Container, spec *specs.Spec) []MountPoint {
	points := []MountPoint{}
	for _, m := range spec.Mounts {
		if config.IsKernelPath(m.Destination) || filepath.Dir(m.Source) == c.Dir {
			continue
		}
		name, _, isVolume := volume.Split(volume.Dir(c.StoreRoot), m.Source)
		p := MountPoint{Source: m.Source, Destination: m.Destination, RW: true}
		for _, word := range m.Options {
			switch {
			case word == "ro" || word == "rro":
				p.Mode, p.RW = "ro", false
			case config.IsPropagation(word):
				p.Propagation = word
			}
		}
		switch {
		case isVolume:
			p.Type, p.Name, p.Driver, p.Propagation = "volume", name, "local", ""
		case compile.Binds(m) && strings.HasPrefix(m.Source, compile.RootSource):
			p.Type, p.Source = "volume", filepath.Join(c.Path("upper"), m.Destination)
		case compile.Binds(m):
			p.Type = "bind"
		case m.Type == "tmpfs":
			p.Type, p.Source = "tmpfs", ""
		default:
			continue
		}
		points = append(points, p)
	}
	return points
}

// tmpfs returns the options of each tmpfs by its mount point.
func tmpfs(mounts []specs.Mount) map[string]string {
	all := map[string]string{}
	for _, m := range mounts {
		if m.Type == "tmpfs" && !config.IsKernelPath(m.Destination) {
			all[m.Destination] = strings.Join(m.Options, ",")
		}
	}
	return all
}
