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

// defaultConfig is the file that spec writes, to be read and changed: a shell
// in all namespaces but user, with podman's capabilities.
//
//go:embed default.json
var defaultConfig []byte

var specCommand = &cli.Command{
	Name:      "spec",
	Usage:     "write a config.json to begin with",
	UsageText: "minictr-oci spec [--bundle DIR] [--rootless]",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "bundle", Aliases: []string{"b"}, Value: ".", Usage: "write it into `DIR`"},
		&cli.BoolFlag{Name: "rootless", Usage: "for a user namespace in which you are root"},
	},
	Action: func(c *cli.Context) error {
		if c.Args().Present() {
			return errors.New("spec: takes no arguments")
		}
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

// writeNew writes a file that is not there yet.
func writeNew(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return hint.New(fmt.Errorf("%s exists", path), "remove it first")
	}
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}

// rootless changes a config to one for a user namespace that knows a single
// user, who is root there and nobody special outside: other ids cannot be given
// to files, a new sysfs needs a network namespace of one's own, limits need
// somebody's consent.
func rootless(config []byte, uid, gid uint32) ([]byte, error) {
	spec := &specs.Spec{}
	if err := json.Unmarshal(config, spec); err != nil {
		return nil, err
	}
	l := spec.Linux
	l.Namespaces = slices.DeleteFunc(l.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == specs.NetworkNamespace })
	l.Namespaces = append(l.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
	l.UIDMappings = []specs.LinuxIDMapping{{HostID: uid, Size: 1}}
	l.GIDMappings = []specs.LinuxIDMapping{{HostID: gid, Size: 1}}
	l.Resources = nil
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
