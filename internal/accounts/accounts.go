package accounts

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strconv"
	"strings"
)

// MaxSize bounds a file, in bytes.
const MaxSize = 1 << 20

// User is a line of /etc/passwd.
type User struct {
	Name     string
	UID, GID uint32
	Home     string
}

// Group is a line of /etc/group.
type Group struct {
	Name    string
	GID     uint32
	Members []string
}

// ByUID returns the first account with this UID, nil if there is none.
func ByUID(files fs.FS, uid uint32) (*User, error) {
	users, err := Users(files)
	if err != nil {
		return nil, err
	}
	for i := range users {
		if users[i].UID == uid {
			return &users[i], nil
		}
	}
	return nil, nil
}

// Users returns the accounts of etc/passwd. A line with a NUL byte, which would end the value
// of a variable, is ignored.
func Users(files fs.FS) (users []User, err error) {
	text, err := read(files, "etc/passwd")
	for line := range strings.SplitSeq(text, "\n") {
		f := strings.Split(line, ":")
		if len(f) < 6 || f[0] == "" || strings.Contains(line, "\x00") {
			continue
		}
		uid, ok1, _ := ParseID(f[2])
		gid, ok2, _ := ParseID(f[3])
		if ok1 && ok2 {
			users = append(users, User{f[0], uid, gid, f[5]})
		}
	}
	return users, err
}

// Groups returns the groups of etc/group.
func Groups(files fs.FS) (groups []Group, err error) {
	text, err := read(files, "etc/group")
	for line := range strings.SplitSeq(text, "\n") {
		f := strings.Split(line, ":")
		if len(f) < 4 || f[0] == "" {
			continue
		}
		if gid, ok, _ := ParseID(f[2]); ok {
			groups = append(groups, Group{f[0], gid, strings.Split(f[3], ",")})
		}
	}
	return groups, err
}

// ParseID parses a user or group ID. A name, or an empty word, is not a number.
func ParseID(word string) (id uint32, isNumber bool, err error) {
	if strings.Trim(strings.TrimLeft(word, "+-"), "0123456789") != "" || word == "" {
		return 0, false, nil
	}
	n, err := strconv.ParseUint(word, 10, 32)
	if err != nil || n == math.MaxUint32 {
		return 0, false, fmt.Errorf("ID %q: not between 0 and %d", word, uint32(math.MaxUint32-1))
	}
	return uint32(n), true, nil
}

// read reads a regular file of at most MaxSize bytes.
func read(files fs.FS, name string) (string, error) {
	f, err := files.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("not a regular file (" + info.Mode().String() + ")")
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if len(data) > MaxSize {
		return "", fmt.Errorf("larger than %d bytes", MaxSize)
	}
	return string(data), err
}
