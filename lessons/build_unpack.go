package lessons

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// checkUnpack: the program makes the files of a layer, and none out of the directory.
func checkUnpack(w *Work) error {
	temp, err := w.Temp()
	if err != nil {
		return err
	}

	// a layer as it should be
	layer := filepath.Join(temp, "layer")
	said, status, err := unpack(w, layer,
		tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755},
		tar.Header{Name: "./etc/", Typeflag: tar.TypeDir, Mode: 0o1777},
		tar.Header{Name: "./etc/motd", Mode: 0o604, Uid: 7, Gid: 8, PAXRecords: map[string]string{"data": "hello\n"}},
		tar.Header{Name: "./etc/same", Typeflag: tar.TypeLink, Linkname: "./etc/motd", Mode: 0o604, Uid: 7, Gid: 8},
		tar.Header{Name: "./etc/link", Typeflag: tar.TypeSymlink, Linkname: "/etc/motd", Mode: 0o777},
		tar.Header{Name: "./etc/.wh.draft"})
	if err != nil {
		return err
	}
	if status != 0 {
		return missing("run it yourself: go build -o unpack . && ./unpack DIRECTORY < LAYER.tar",
			"the program fails: exit status %d, %s", status, strings.TrimSpace(said))
	}
	if _, err := os.Lstat(layer + "/etc/.wh.draft"); err == nil {
		return missing("make what it stands for, and not the file itself",
			"etc/.wh.draft: a file .wh.NAME is not a file of the layer")
	}
	if err := wantWhiteout(layer + "/etc/draft"); err != nil {
		return err
	}
	var st, same unix.Stat_t
	data, err := os.ReadFile(layer + "/etc/motd")
	if err != nil || string(data) != "hello\n" {
		return missing("a regular file has data, which follows its header", "etc/motd: holds %q, %v", data, err)
	}
	if err := unix.Lstat(layer+"/etc/motd", &st); err != nil {
		return err
	}
	if st.Mode&0o7777 != 0o604 || st.Uid != 7 || st.Gid != 8 {
		return missing("chmod(2), chown(2), in which order?", "etc/motd: mode %o, owner %d:%d, want 604, 7:8",
			st.Mode&0o7777, st.Uid, st.Gid)
	}
	if err := unix.Lstat(layer+"/etc/same", &same); err != nil || same.Ino != st.Ino {
		return missing("link(2)", "etc/same: is not the same file as etc/motd")
	}
	if to, err := os.Readlink(layer + "/etc/link"); to != "/etc/motd" {
		return missing("symlink(2)", "etc/link: is not a symbolic link to /etc/motd: %v", err)
	}

	// layers that lead out of the directory
	victim := filepath.Join(temp, "victim")
	if err := os.Mkdir(victim, 0o755); err != nil {
		return err
	}
	link := tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: victim, Mode: 0o777}
	for name, list := range map[string][]tar.Header{
		"link/file":      {link, {Name: "link/file", Mode: 0o644}},
		"link/.wh.file":  {link, {Name: "link/.wh.file", Mode: 0o644}},
		"../victim/file": {{Name: "../victim/file", Mode: 0o644}},
	} {
		dir, err := os.MkdirTemp(temp, "hostile-")
		if err != nil {
			return err
		}
		if _, _, err := unpack(w, filepath.Join(dir, "layer"), list...); err != nil {
			return err
		}
		made, err := os.ReadDir(victim)
		above, err2 := os.ReadDir(dir)
		if err != nil || err2 != nil || len(made) > 0 || len(above) > 1 {
			return missing("package os: which type has functions that follow links, and stay inside?",
				"%s: a name of the archive leads out of the directory", name)
		}
	}
	return nil
}

// unpack runs the program with an archive as its standard input. The data of a file is the
// record "data" of its header.
func unpack(w *Work, dir string, list ...tar.Header) (output string, status int, err error) {
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	for _, h := range list {
		data := h.PAXRecords["data"]
		h.PAXRecords, h.Size = nil, int64(len(data))
		if err := t.WriteHeader(&h); err != nil {
			return "", 0, err
		}
		if _, err := t.Write([]byte(data)); err != nil {
			return "", 0, err
		}
	}
	if err := t.Close(); err != nil {
		return "", 0, err
	}
	p, err := w.launch([]string{dir})
	if err != nil {
		return "", 0, err
	}
	p.in.Write(b.Bytes()) // an error: the program has exited
	status, err = p.End()
	return p.Output(), status, err
}
