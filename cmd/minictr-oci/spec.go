package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"
)

// defaultConfig is the file that spec writes: a shell in new namespaces of all types but
// user and time, with podman's capabilities.
//
//go:embed default.json
var defaultConfig []byte

var specCommand = &cli.Command{
	Name:  "spec",
	Usage: "write a default config.json",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "bundle", Aliases: []string{"b"}, Value: ".", Usage: "`DIR` directory to write to"},
		&cli.BoolFlag{Name: "rootless", Usage: "with a user namespace that maps the caller to root"},
	},
	Action: func(c *cli.Context) error {
		config := defaultConfig
		if c.Bool("rootless") {
			var err error
			if config, err = rootless(config, uint32(os.Geteuid()), uint32(os.Getegid())); err != nil {
				return err
			}
		}
		return writeNew(filepath.Join(c.String("bundle"), "config.json"), config)
	},
}

// writeNew writes a new file.
func writeNew(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return hint.New(fmt.Errorf("%s exists", path), "rm "+path)
	}
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}

// rootless changes a config to one with a user namespace that maps a single user to
// root. Files can have no other IDs, /sys is bound because a new sysfs needs a network
// namespace that the user namespace owns, and there are no limits because an
// unprivileged user cannot write to the cgroup.
func rootless(config []byte, uid, gid uint32) ([]byte, error) {
	spec := &specs.Spec{}
	if err := json.Unmarshal(config, spec); err != nil {
		return nil, err
	}
	// Namespaces, and the only user.
	l := spec.Linux
	l.Namespaces = slices.DeleteFunc(l.Namespaces, func(n specs.LinuxNamespace) bool {
		return n.Type == specs.NetworkNamespace
	})
	l.Namespaces = append(l.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
	l.UIDMappings = []specs.LinuxIDMapping{{HostID: uid, Size: 1}}
	l.GIDMappings = []specs.LinuxIDMapping{{HostID: gid, Size: 1}}
	l.Resources = nil
	// Mounts without other IDs, and the host's /sys.
	for i := range spec.Mounts {
		m := &spec.Mounts[i]
		m.Options = slices.DeleteFunc(m.Options, func(o string) bool {
			return strings.HasPrefix(o, "uid=") || strings.HasPrefix(o, "gid=")
		})
		if m.Destination == "/sys" {
			m.Type, m.Source, m.Options = "none", "/sys", []string{"rbind", "nosuid", "noexec", "nodev", "ro"}
		}
	}
	data, err := json.MarshalIndent(spec, "", "\t")
	return append(data, '\n'), err
}
