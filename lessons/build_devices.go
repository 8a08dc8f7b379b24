package lessons

import (
	"fmt"
	"os"
	"slices"

	"github.com/minictr/minictr/runtime/proc"
	"golang.org/x/sys/unix"
)

// checkDevices: /dev has three devices that everyone may use, files of /proc read as empty, and
// kernel parameters are read-only.
func checkDevices(w *Work) error {
	p, err := w.StartInRoot()
	if err != nil {
		return err
	}
	v, err := p.View()
	if err != nil {
		return err
	}

	// devices, all of major number 1
	for _, device := range []struct {
		name  string
		minor uint32
	}{{"null", 3}, {"zero", 5}, {"urandom", 9}} {
		name, minor := device.name, device.minor
		var st unix.Stat_t
		if err := unix.Lstat(p.file("root/dev/"+name), &st); err != nil {
			return missing("mknod(2)", "/dev/%s: %v", name, err)
		}
		if st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != unix.Mkdev(1, minor) {
			return missing("mem(4), null(4), random(4)", "/dev/%s: is not the character device 1, %d", name, minor)
		}
		if mode := os.FileMode(st.Mode & 0o777); mode != 0o666 {
			return missing("mknod(2), mode: what else decides about it?",
				"/dev/%s: its mode is c%s, not c%s", name, mode.String()[1:], os.FileMode(0o666).String()[1:])
		}
	}
	if mask, err := p.Shell("umask"); err != nil {
		return err
	} else if mask != "0022" {
		return missing("umask(2)", "files that the shell makes have the umask %s, not 0022", mask)
	}

	// masks
	for _, file := range []string{"/proc/kcore", "/proc/keys", "/proc/sysrq-trigger", "/proc/timer_list"} {
		if _, err := os.Stat(file); err != nil {
			continue // this kernel has no such file
		}
		if !mountedOn(v, file) {
			return missing("a mask is a mount over the file", "%s: is not masked", file)
		}
		if n, err := p.Shell(fmt.Sprintf("head -c 1 %s 2>/dev/null | wc -c", file)); err != nil {
			return err
		} else if n != "0" {
			return missing("null(4)", "%s: is masked, and does not read as empty", file)
		}
	}
	if !mountedOn(v, "/proc/sys") {
		return missing("leave the steps above as they were", "/proc/sys: can be written")
	}
	return nil
}

func mountedOn(v *proc.View, path string) bool {
	return slices.ContainsFunc(v.Mounts, func(m proc.Mount) bool { return m.Mountpoint == path })
}
