package lessons

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// checkOverlay: the first layer covers the second, a whiteout hides a file, and changes go to
// changes/upper.
func checkOverlay(w *Work) error {
	// two layers; the upper one replaces etc/motd, and deletes etc/group
	base, err := w.Root()
	if err != nil {
		return err
	}
	top, err := w.Temp()
	if err != nil {
		return err
	}
	err = errors.Join(os.Mkdir(top+"/etc", 0o755), os.WriteFile(top+"/etc/motd", []byte("from the top\n"), 0o644),
		unix.Mknod(top+"/etc/group", unix.S_IFCHR, 0))
	if err != nil {
		return err
	}
	p, err := w.Start(top+":"+base, "/bin/sh")
	if err != nil {
		return err
	}
	if motd, err := p.Shell("cat /etc/motd; ls /etc"); err != nil {
		return err
	} else if motd != "from the top\nmotd\npasswd" {
		return missing("kernel documentation, overlayfs: lowerdir is a list; which of them is the topmost?",
			"/etc is not that of the first layer over the second; cat /etc/motd; ls /etc: %s", motd)
	}

	// changes
	if said, err := p.Shell("echo new >/etc/new && rm /etc/passwd && echo done"); err != nil {
		return err
	} else if said != "done" {
		return missing("layers are only read: where do changes go?", "the shell cannot write: %s", said)
	}
	if _, err := os.Lstat(base + "/etc/passwd"); errors.Is(err, fs.ErrNotExist) {
		return missing("layers are only read: where do changes go?", "the shell has removed a file of a layer")
	}
	upper := filepath.Join(w.Cwd(), "changes/upper/etc")
	if _, err := os.Lstat(upper + "/new"); err != nil {
		return missing("the option upperdir", "a file that the shell has made is not in changes/upper: %v", err)
	}
	return wantWhiteout(upper + "/passwd")
}

// wantWhiteout returns an error if a file is not what overlayfs takes for deleted.
func wantWhiteout(path string) error {
	var st unix.Stat_t
	err := unix.Lstat(path, &st)
	if err != nil || st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != 0 {
		return missing("kernel documentation, overlayfs, \"whiteouts and opaque directories\"",
			"%s: is not a character device with the number 0, 0", filepath.Base(path))
	}
	return nil
}
