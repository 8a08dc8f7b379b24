package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/minictr/minictr/internal/owned"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/moby/sys/mountinfo"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// existing returns the directory of the store, or the nearest one above it that exists: the
// store will be on its filesystem.
func existing(root string) string {
	dir, err := filepath.Abs(root)
	if err != nil {
		return "/"
	}
	for dir != "/" {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	return dir
}

// storeFault returns why a directory cannot be the store: it holds files of somebody else.
func storeFault(root string) error {
	_, err := owned.Check(root, owned.Store)
	return err
}

func checkStore(root string) []Finding {
	if err := storeFault(root); err != nil {
		return []Finding{failed("store", Error, err, "minictr writes to no directory of somebody else's",
			"use an empty directory with --root")}
	}
	return []Finding{{Name: "store", Status: OK, Found: root}}
}

// inScratch calls f with a new directory in the store's filesystem, and removes it.
func inScratch(root string, f func(dir string) error) error {
	dir, err := os.MkdirTemp(existing(root), ".minictr-doctor-")
	if err != nil {
		return err
	}
	defer owned.RemoveAll(dir)
	return f(dir)
}

// checkOverlay stacks two directories, as the root filesystem of a container.
func checkOverlay(root string) []Finding {
	return []Finding{tryOverlay("overlayfs", root, Error, nil, "the root filesystem of a container is an overlay",
		"modprobe overlay")}
}

// checkIdmappedLayers stacks them with other owners, as that of a container with --userns.
func checkIdmappedLayers(root string) []Finding {
	ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 100000, Size: 65536}}
	linux := &specs.Linux{UIDMappings: ids, GIDMappings: ids,
		Namespaces: []specs.LinuxNamespace{{Type: specs.UserNamespace}}}
	return []Finding{tryOverlay("idmapped layers", root, Warning, linux, "--userns",
		"use Linux 6.15, and a filesystem with idmapped mounts: ext4, xfs, btrfs, tmpfs")}
}

// tryOverlay carries out the part of a container's plan that makes its root filesystem.
func tryOverlay(name, root string, status Status, linux *specs.Linux, without, advice string) Finding {
	err := inScratch(root, func(dir string) error {
		for _, name := range []string{"lower", "upper", "work"} {
			if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
				return err
			}
		}
		p, err := compile.Root(&specs.Spec{Linux: linux}, compile.Options{
			Root: &compile.Overlay{Dir: dir, Lower: []string{"lower"}, Changes: "."},
		})
		if err != nil {
			return err
		}
		return try(p)
	})
	if err != nil {
		return failed(name, status, err, without, advice)
	}
	return Finding{Name: name, Status: OK, Found: "on " + existing(root)}
}

// checkFileTypes reads a directory: overlayfs needs a filesystem that stores the types of
// files in directories (getdents64(2), d_type), or whiteouts are shown as files.
func checkFileTypes(root string) []Finding {
	var kind uint8
	err := inScratch(root, func(dir string) (err error) {
		if err := os.Mkdir(filepath.Join(dir, "directory"), 0o700); err != nil {
			return err
		}
		kind, err = entryType(dir, "directory")
		return err
	})
	f := Finding{Name: "file types", Status: OK, Found: "directories of " + existing(root) + " have them"}
	switch {
	case err != nil:
		return []Finding{failed("file types", Error, err, "the store is a directory that root can write to",
			"name another one: minictr --root DIR")}
	case kind != unix.DT_DIR:
		f.Status, f.Found = Error, "directories of "+existing(root)+" have none (d_type)"
		f.Without, f.Hint = "overlayfs shows deleted files", "mkfs.xfs -n ftype=1, or name a directory on ext4"
	}
	return []Finding{f}
}

// entryType returns the type of an entry of a directory, DT_UNKNOWN if the filesystem does
// not store it. struct linux_dirent64 has the length at byte 16, the type at 18, then the
// name.
func entryType(dir, name string) (uint8, error) {
	f, err := os.Open(dir)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	buf := make([]byte, 4096)
	n, err := unix.Getdents(int(f.Fd()), buf)
	for rest := buf[:max(n, 0)]; len(rest) > 19; {
		length := int(rest[16]) | int(rest[17])<<8
		if strings.HasPrefix(string(rest[19:length]), name+"\x00") {
			return rest[18], nil
		}
		rest = rest[length:]
	}
	return unix.DT_UNKNOWN, err
}

func checkSpace(root string) []Finding {
	const enough = 1 << 30
	var st unix.Statfs_t
	dir := existing(root)
	if err := unix.Statfs(dir, &st); err != nil {
		return []Finding{{Name: "disk space", Status: Error, Found: "statfs " + dir + ": " + err.Error()}}
	}
	free := uint64(st.Bavail) * uint64(st.Bsize)
	f := Finding{Name: "disk space", Status: OK, Found: fmt.Sprintf("%.1f GB free on %s", float64(free)/1e9, dir)}
	if st.Files > 0 {
		f.Found += fmt.Sprintf(", room for %d files", st.Ffree)
	}
	if free < enough || st.Files > 0 && st.Ffree < 100_000 {
		f.Status, f.Without = Warning, "an image of a distribution has some 100 MB and 10,000 files"
		f.Hint = "minictr system df; minictr image prune -a"
	}
	return []Finding{f}
}

// checkLeftovers looks for what a container that ended in a crash can leave: an empty cgroup,
// and a mount of its files where the host sees it.
func checkLeftovers(root string) []Finding {
	abs, _ := filepath.Abs(root)
	mounts, _ := mountinfo.GetMounts(mountinfo.PrefixFilter(abs + "/containers"))
	cgroups := emptyCgroups()
	if len(mounts)+len(cgroups) == 0 {
		return []Finding{{Name: "leftovers", Status: OK, Found: "no empty cgroup, no mount"}}
	}
	return []Finding{{Name: "leftovers", Status: Warning,
		Found:   fmt.Sprintf("%d empty cgroups, %d mounts in %s", len(cgroups), len(mounts), abs),
		Without: "nothing: the next command that needs their names removes them", Hint: "minictr gc"}}
}
