package lessons

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
)

// busybox returns the path of a static busybox: one program that is the command by whose
// name it is called.
func busybox() (string, error) {
	var found error
	for _, name := range []string{"busybox", "busybox-static", "busybox.static"} {
		path, err := exec.LookPath(name)
		if err == nil {
			if err = checkStatic(path); err == nil {
				return path, nil
			}
			found = err
		}
	}
	if found == nil {
		found = errors.New("busybox: not found in PATH")
	}
	return "", hint.New(found, "apt install busybox-static (Fedora: busybox, Alpine: busybox-static)")
}

// checkStatic returns an error if a program needs a dynamic linker, which a root with
// nothing but busybox has not.
func checkStatic(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	if slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return fmt.Errorf("%s: not a static program", path)
	}
	return nil
}

// rootFiles returns a root filesystem: busybox, a link for each of its commands, users.
func rootFiles() ([]file, error) {
	path, err := busybox()
	if err != nil {
		return nil, err
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	names, err := exec.Command(path, "--list").Output()
	if err != nil {
		return nil, fmt.Errorf("%s --list: %w", path, err)
	}
	var list []file
	for name := range strings.FieldsSeq("bin dev etc proc root srv sys") {
		list = append(list, file{name, fs.ModeDir | 0o755, nil})
	}
	list = append(list,
		file{"tmp", fs.ModeDir | fs.ModeSticky | 0o777, nil},
		file{"bin/busybox", 0o755, program},
		text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"),
		text("etc/group", "root:x:0:\n"),
		text("etc/motd", "hello from layer 1\n"),
	)
	for name := range strings.FieldsSeq(string(names)) {
		if name != "busybox" {
			list = append(list, file{"bin/" + name, fs.ModeSymlink | 0o777, []byte("busybox")})
		}
	}
	return list, nil
}

// imageArchive returns the images lesson:1, of two layers, and lesson:latest, which adds a
// third: an archive in the format of `docker save`. The same busybox gives the same bytes.
func imageArchive() ([]byte, error) {
	root, err := rootFiles()
	if err != nil {
		return nil, err
	}
	srv, etc := file{"srv", fs.ModeDir | 0o755, nil}, file{"etc", fs.ModeDir | 0o755, nil}
	layers := [][]byte{
		pack(root),
		pack([]file{etc, text("etc/motd", "hello from layer 2\n"), srv,
			text("srv/list", "one\ntwo\n"), text("srv/password", password(root)+"\n")}),
		pack([]file{srv, text("srv/.wh.password", ""), text("srv/list", srvList)}), // a whiteout
	}
	var archive []file
	for i, layer := range layers {
		archive = append(archive, file{fmt.Sprintf("layer%d.tar", i+1), 0o644, layer})
	}
	first, latest := imageConfig(layers[:2]), imageConfig(layers)
	return pack(append(archive, file{"config1.json", 0o644, first}, file{"config.json", 0o644, latest},
		text("manifest.json", manifest))), nil
}

// srvList is /srv/list of lesson:latest.
const srvList = "one\ntwo\nthree\n"

const manifest = `[
  {"RepoTags": ["lesson:1"], "Config": "config1.json", "Layers": ["layer1.tar", "layer2.tar"]},
  {"RepoTags": ["lesson:latest"], "Config": "config.json", "Layers": ["layer1.tar", "layer2.tar", "layer3.tar"]}
]
`

// password returns the text of the file that the third layer deletes: nobody guesses it,
// and it is the same each time.
func password(root []file) string {
	for _, f := range root {
		if f.name == "bin/busybox" {
			return digest(append([]byte("password of "), f.data...))[:12]
		}
	}
	return ""
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// imageConfig returns the config of an image: its layers, each by the digest of its bytes.
func imageConfig(layers [][]byte) []byte {
	var ids []string
	for _, layer := range layers {
		ids = append(ids, "sha256:"+digest(layer))
	}
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{"Env": []string{"PATH=/bin"}, "Cmd": []string{"sh"}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": ids},
	})
	if err != nil {
		panic(err) // strings and maps only
	}
	return config
}

// pack returns a tar archive of files that belong to root.
func pack(list []file) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range list {
		h := &tar.Header{Name: f.name, Mode: int64(f.mode.Perm()), Typeflag: tar.TypeReg, Size: int64(len(f.data))}
		switch f.mode.Type() {
		case fs.ModeDir:
			h.Typeflag, h.Name = tar.TypeDir, f.name+"/"
		case fs.ModeSymlink:
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, string(f.data), 0
		}
		if f.mode&fs.ModeSticky != 0 {
			h.Mode |= 0o1000
		}
		w.WriteHeader(h)
		if h.Size > 0 {
			w.Write(f.data)
		}
	}
	w.Close()
	return b.Bytes()
}
