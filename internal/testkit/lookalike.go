package testkit

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

// Nobody is a user that owns files which are not minictr's.
const Nobody = 65534

// Hex returns 64 hexadecimal digits, as the name of a container or a blob has.
func Hex(digit string) string { return strings.Repeat(digit, 64) }

// Files makes files below dir: a text is that of a regular file. "→ TARGET" is a symbolic
// link, "= TARGET" a hard link, "/" a directory, "/65534" one of that user, and "/tmpfs" a
// mount point.
func Files(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names) // a directory before what is in it
	for _, name := range names {
		path, text := filepath.Join(dir, name), files[name]
		Check(t, os.MkdirAll(filepath.Dir(path), 0o755), file(path, text))
		if text == tmpfs {
			t.Cleanup(func() { unix.Unmount(path, unix.MNT_DETACH) })
		}
	}
}

const tmpfs = "/tmpfs"

func file(path, text string) error {
	kind, target, _ := strings.Cut(text, " ")
	switch kind {
	case "→":
		return os.Symlink(target, path)
	case "=":
		return os.Link(target, path)
	case "/":
		return os.MkdirAll(path, 0o755)
	case "/65534":
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		return os.Chown(path, Nobody, Nobody)
	case tmpfs:
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		return unix.Mount("tmpfs", path, "tmpfs", 0, "")
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// OwnMounts gives the thread of the test, and what it starts, a mount namespace.
func OwnMounts(t testing.TB) {
	t.Helper()
	NeedRoot(t)
	runtime.LockOSThread() // the thread, and with it the namespace, ends with the test
	Check(t, unix.Unshare(unix.CLONE_NEWNS), unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
}

// Look returns a picture of all files below some paths: type, mode, owner, inode, links,
// time and content.
func Look(paths ...string) Picture {
	p := Picture{}
	for _, top := range paths {
		WalkDir(top, func(path string, d fs.DirEntry) error {
			var st unix.Stat_t
			if err := unix.Lstat(path, &st); err != nil {
				return nil
			}
			p[path] = fmt.Sprintf("%o %d:%d inode %d, %d links, %d.%d",
				st.Mode, st.Uid, st.Gid, st.Ino, st.Nlink, st.Mtim.Sec, st.Mtim.Nsec)
			if d.Type() == fs.ModeSymlink {
				target, _ := os.Readlink(path)
				p[path] += " → " + target
			} else if d.Type().IsRegular() {
				data, _ := os.ReadFile(path)
				p[path] += fmt.Sprintf(" %x", sha256.Sum256(data))
			}
			return nil
		})
	}
	return p
}

// EachCommand calls do with the words of each command of an app, also of hidden ones:
// its name and its arguments, each the value that values has for the word of its
// ArgsUsage. A command with a flag --force or --all comes with that, too, and one that
// has two names comes once.
func EachCommand(list []*cli.Command, values map[string]string, do func(words []string)) {
	eachCommand(list, nil, map[*cli.Command]bool{}, values, do)
}

func eachCommand(
	list []*cli.Command, above []string, seen map[*cli.Command]bool, values map[string]string, do func(words []string),
) {
	for _, c := range list {
		if seen[c] {
			continue
		}
		seen[c] = true
		name := append(slices.Clone(above), c.Name)
		if c.Subcommands != nil {
			eachCommand(c.Subcommands, name, seen, values, do)
			continue
		}
		for usage := range strings.SplitSeq(c.ArgsUsage, "\n") {
			args := arguments(usage, values)
			do(slices.Concat(name, args))
			for _, flag := range c.Flags {
				if b, ok := flag.(*cli.BoolFlag); ok && (b.Name == "force" || b.Name == "all") {
					do(slices.Concat(name, []string{"--" + b.Name}, args))
				}
			}
		}
	}
}

// arguments replaces the words of a usage. A flag keeps its name.
func arguments(usage string, values map[string]string) (args []string) {
	for word := range strings.FieldsSeq(usage) {
		flag, _, isFlag := strings.Cut(word, "=")
		word = strings.TrimRight(strings.TrimLeft(word, "["), "]…")
		value, ok := values[word]
		switch {
		case isFlag:
			args = append(args, flag+"="+values["FILE"])
		case ok:
			args = append(args, value)
		default:
			args = append(args, values["CONTAINER"])
		}
	}
	return args
}
