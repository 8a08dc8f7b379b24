package lessons

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/minictr/minictr/internal/accounts"
	"golang.org/x/sys/unix"
)

// Student is the user who types the commands: the one who called sudo(8), or the caller.
type Student struct {
	Name     string
	UID, GID uint32
	Home     string
}

// CurrentStudent returns the user who types the command.
func CurrentStudent() (*Student, error) {
	s := &Student{UID: uint32(os.Getuid()), GID: uint32(os.Getgid()), Home: os.Getenv("HOME")}
	if by, isNumber, err := accounts.ParseID(os.Getenv("SUDO_UID")); s.UID == 0 && isNumber && err == nil {
		s.UID, s.Home = by, ""
		s.GID, _, err = accounts.ParseID(os.Getenv("SUDO_GID"))
		if err != nil {
			return nil, fmt.Errorf("SUDO_GID: %w", err)
		}
	}
	u, err := accounts.ByUID(os.DirFS("/"), s.UID)
	if err != nil {
		return nil, err
	}
	if u != nil {
		s.Name, s.Home = u.Name, cmp.Or(s.Home, u.Home)
	}
	if s.Home == "" {
		return nil, fmt.Errorf("user %d: no home directory in /etc/passwd", s.UID)
	}
	return s, nil
}

// as calls do with the student's rights to files, so that files belong to the student, and
// none is written that the student may not write (setfsuid(2)). They are rights of the
// calling thread.
func (s *Student) as(do func() error) error {
	if os.Geteuid() != 0 {
		return do()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := setFileIDs(s.UID, s.GID); err != nil {
		return err
	}
	defer setFileIDs(0, 0)
	return do()
}

// setFileIDs sets the group first: a user without CAP_SETGID may not.
func setFileIDs(uid, gid uint32) error {
	if err := unix.Setfsgid(int(gid)); err != nil {
		return fmt.Errorf("setfsgid %d: %w", gid, err)
	}
	if err := unix.Setfsuid(int(uid)); err != nil {
		return fmt.Errorf("setfsuid %d: %w", uid, err)
	}
	return nil
}

// env returns the environment of a program that runs as the student.
func (s *Student) env() []string {
	return append(os.Environ(), "HOME="+s.Home, "USER="+s.Name, "LOGNAME="+s.Name)
}

// stateFile is the file that records what is done.
func (s *Student) stateFile() string {
	dir := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(s.Home, ".local/state")
	}
	return filepath.Join(dir, "minictr/lessons.json")
}
