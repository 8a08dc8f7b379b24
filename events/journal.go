package events

import (
	"math"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/owned"
	"golang.org/x/sys/unix"
)

// Files of the journal, in the store's directory Dir.
const (
	Dir     = "events"
	current = "events.json"
	older   = "events.1.json"
)

// maxSize is the size of a file of the journal, in bytes, that makes it the older one: some
// ten thousand events.
const maxSize = 4 << 20

// Append writes an event of this moment to the journal of the store at root. A directory
// that is no store, or not yet, gets none.
func Append(root, kind, action string, actor Actor) {
	if marked, err := owned.IsMarked(root, owned.Store); err != nil || !marked {
		return
	}
	line, err := newEvent(kind, action, actor).line()
	if err != nil {
		return
	}
	dir := filepath.Join(root, Dir)
	if size := appendLine(dir, line); size >= maxSize {
		rotate(dir)
	}
}

// appendLine appends a line to the current file, and returns its size; 0 if it cannot be
// written.
func appendLine(dir string, line []byte) (size int64) {
	const flags = unix.O_WRONLY | unix.O_APPEND | unix.O_CREAT | unix.O_NOFOLLOW | unix.O_CLOEXEC
	name := filepath.Join(dir, current)
	fd, err := unix.Open(name, flags, 0o600)
	if err == unix.ENOENT {
		os.Mkdir(dir, 0o700)
		fd, err = unix.Open(name, flags, 0o600)
	}
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	if !fits(fd, len(line)) {
		return 0
	}
	unix.Write(fd, line)
	size, _ = unix.Seek(fd, 0, unix.SEEK_CUR)
	return size
}

// fits reports whether the file may grow by n bytes: beyond RLIMIT_FSIZE (setrlimit(2)), a
// write would kill this process (SIGXFSZ).
func fits(fd, n int) bool {
	var limit unix.Rlimit
	var st unix.Stat_t
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil || limit.Cur == math.MaxUint64 {
		return true
	}
	return unix.Fstat(fd, &st) == nil && uint64(st.Size)+uint64(n) <= limit.Cur
}

// rotate makes the current file the older one, unless another command does or did.
func rotate(dir string) {
	lock, err := lockfile.Try(dir, lockfile.Exclusive)
	if err != nil {
		return
	}
	defer lock.Close()
	name := filepath.Join(dir, current)
	if st, err := os.Stat(name); err == nil && st.Size() >= maxSize {
		os.Rename(name, filepath.Join(dir, older))
	}
}
