package lessons

import (
	"encoding/json"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// checkConfig: the program runs a bundle as its config says, refuses a config that it does not
// implement, and runs a root and an image, too.
func checkConfig(w *Work) error {
	bundle, err := w.Temp()
	if err != nil {
		return err
	}
	root, err := w.Root()
	if err != nil {
		return err
	}
	rootfs := filepath.Join(bundle, "rootfs")
	if err := os.Rename(root, rootfs); err != nil {
		return err
	}
	group, err := w.Cgroup()
	if err != nil {
		return err
	}

	// a bundle
	config := map[string]any{
		"ociVersion": "1.0.2", "hostname": "lesson", "root": map[string]any{"path": "rootfs"},
		"process": map[string]any{"args": []string{"/bin/sh"}, "env": []string{"PATH=/bin"}, "cwd": "/tmp",
			"user": map[string]any{"uid": 5, "gid": 6}, "capabilities": map[string]any{"bounding": []string{}}},
		"mounts": []map[string]any{{"destination": "/proc", "type": "proc"}, {"destination": "/dev", "type": "tmpfs"}},
		"linux": map[string]any{"cgroupsPath": path.Base(group), "namespaces": []map[string]any{
			{"type": "mount"}, {"type": "pid"}, {"type": "uts"}}},
	}
	if err := writeConfig(bundle, config); err != nil {
		return err
	}
	p, err := w.Start(bundle)
	if lacks := new(Missing); errors.As(err, &lacks) && strings.Contains(lacks.what, "open_tree") {
		return missing("runtime specification, config.md, root: where does a relative path begin?", "%s", lacks.what)
	}
	if lacks := new(Missing); errors.As(err, &lacks) && strings.Contains(lacks.what, "execve") {
		return missing("the function load: which config does it return for a directory with a config.json?",
			"%s", lacks.what)
	}
	if err != nil {
		return err
	}
	defer p.End() // so that it removes its cgroup
	said, err := p.Shell("hostname; pwd; id -u; id -g")
	if err != nil {
		return err
	}
	if said != "lesson\n/tmp\n5\n6" {
		return missing("config.json says how the process is to be",
			"the shell is not as the config of the bundle says; hostname; pwd; id -u; id -g: %s", said)
	}
	inside, err := sameFile(p.file("root"), rootfs)
	if err != nil {
		return err
	}
	if !inside {
		return missing("root.path", "the root is not that of the config of the bundle")
	}
	if _, err := p.End(); err != nil {
		return err
	}

	// an absolute root
	config["process"].(map[string]any)["args"] = []string{"/bin/echo", "runs"}
	config["root"] = map[string]any{"path": rootfs}
	if err := writeConfig(bundle, config); err != nil {
		return err
	}
	said, status, err := w.Run(bundle)
	if err != nil {
		return err
	}
	if status != 0 || said != "runs\n" {
		return missing("runtime specification, config.md, root: may the path be absolute?",
			"root.path %s: %s", rootfs, strings.TrimSpace(said))
	}

	// a field that the program does not have
	config["process"].(map[string]any)["rlimits"] = []any{}
	if err := writeConfig(bundle, config); err != nil {
		return err
	}
	said, status, err = w.Run(bundle)
	if err != nil {
		return err
	}
	if status == 0 || strings.Contains(said, "runs\n") {
		return missing("the function parse",
			"the config has process.rlimits, and runs: a program refuses what it does not implement")
	}

	// a root, and an image
	image, err := imageArchive()
	if err != nil {
		return err
	}
	archive := filepath.Join(bundle, "image.tar")
	if err := os.WriteFile(archive, image, 0o644); err != nil {
		return err
	}
	for source, motd := range map[string]string{rootfs: "hello from layer 1\n", archive: "hello from layer 2\n"} {
		said, status, err := w.Run(source, "cat", "/etc/motd")
		if err != nil {
			return err
		}
		if status != 0 || said != motd {
			return missing("leave the other functions as they were", "run %s cat /etc/motd: %s", source, said)
		}
	}
	return nil
}

func writeConfig(bundle string, config map[string]any) error {
	text, err := json.MarshalIndent(config, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(bundle, "config.json"), text, 0o644)
}
