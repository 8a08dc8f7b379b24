package main

import (
	"encoding/json"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"time"

	"github.com/minictr/minictr/internal/printable"
	"github.com/minictr/minictr/runtime/state"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"
)

var stateCommand = &cli.Command{
	Name:      "state",
	Usage:     "print the state of a container as JSON",
	ArgsUsage: "CONTAINER-ID",
	Action: func(c *cli.Context) error {
		f, err := look(c)
		if err != nil {
			return err
		}
		s, err := describe(f)
		if err != nil {
			return err
		}
		return printJSON(json.MarshalIndent(s, "", "  "))
	},
}

// printJSON prints a document, without control characters.
func printJSON(text []byte, err error) error {
	if err == nil {
		_, err = os.Stdout.Write(append(printable.JSON(text), '\n'))
	}
	return err
}

// containerState is what state and list print: the state of the specification
// (runtime-spec, runtime.md), and what runc adds to it: rootfs, created, owner.
type containerState struct {
	Version     string               `json:"ociVersion"`
	ID          string               `json:"id"`
	Pid         int                  `json:"pid"` // 0 if it has stopped
	Status      specs.ContainerState `json:"status"`
	Bundle      string               `json:"bundle"`
	Rootfs      string               `json:"rootfs"`
	Created     time.Time            `json:"created"`
	Annotations map[string]string    `json:"annotations,omitempty"`
	Owner       string               `json:"owner"`
}

func describe(f *state.Dir) (containerState, error) {
	status, err := f.Status()
	if err != nil {
		return containerState{}, err
	}
	r := &f.Record
	s := containerState{
		Version: r.OCIVersion, ID: f.ID(), Pid: r.Pid, Status: status, Bundle: r.Bundle, Rootfs: r.Rootfs,
		Created: r.Created, Annotations: r.Annotations, Owner: owner(f.Path("")),
	}
	if status == specs.StateStopped {
		s.Pid = 0
	}
	return s, nil
}

// owner returns the name of the user that owns a directory, or #UID.
func owner(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	uid := strconv.Itoa(int(info.Sys().(*syscall.Stat_t).Uid))
	if u, err := user.LookupId(uid); err == nil {
		return u.Username
	}
	return "#" + uid
}
