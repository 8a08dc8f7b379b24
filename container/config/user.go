package config

// USER[:GROUP] becomes a UID, a GID and supplementary groups. Names are looked up in the
// image's /etc/passwd and /etc/group (passwd(5), group(5)), whose author is not trusted:
//   - A number is never a name: 1000 is UID 1000 even if the image has an account "1000".
//     +1000 and -1 are errors.
//   - A number has 32 bits and is not 4294967295, which setresuid(2) reads as "leave
//     unchanged". A line with another number is ignored.
//   - The files must be regular and small. Only a name needs them.
//   - The groups are always set, the primary one among them, so that the process inherits
//     none of the caller's.

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// accountsMax bounds /etc/passwd and /etc/group, in bytes.
const accountsMax = 1 << 20

// account is a line of /etc/passwd.
type account struct {
	name     string
	uid, gid uint32
	home     string
}

// group is a line of /etc/group.
type group struct {
	name    string
	gid     uint32
	members []string
}

// setUser sets the user and the groups of the process, and finds its home directory.
func (b *builder) setUser() error {
	spec := b.o.User
	if spec == "" {
		spec = b.image.User
	}
	// names become numbers
	userWord, groupWord, _ := strings.Cut(spec, ":")
	user, err := findUser(b.files, userWord)
	if err != nil {
		return fmt.Errorf("user %q: %w", spec, err)
	}
	groups, err := findGroups(b.files, &user, groupWord)
	if err != nil {
		return fmt.Errorf("user %q: %w", spec, err)
	}
	for _, word := range b.o.GroupAdd {
		gid, err := findGroup(b.files, word)
		if err != nil {
			return fmt.Errorf("--group-add: %w", err)
		}
		if !slices.Contains(groups, gid) {
			groups = append(groups, gid)
		}
	}
	// all of them must exist in the user namespace
	if !isMapped(b.spec.Linux.UIDMappings, user.uid) || !isMapped(b.spec.Linux.GIDMappings, user.gid) {
		return fmt.Errorf("user %q: UID %d or GID %d is not mapped by --userns %s",
			spec, user.uid, user.gid, b.o.Userns)
	}
	for _, gid := range groups {
		if !isMapped(b.spec.Linux.GIDMappings, gid) {
			return hint.New(fmt.Errorf("--userns %s: group %d of the user is not mapped", b.o.Userns, gid),
				"map the group, or choose one: --user USER:GROUP")
		}
	}
	b.spec.Process.User = specs.User{UID: user.uid, GID: user.gid, AdditionalGids: groups}
	if user.home != "" {
		b.home = user.home
	}
	return nil
}

// findUser returns the account of word, a name or a number. A number without an account
// has group 0, as in docker.
func findUser(files fs.FS, word string) (account, error) {
	if word == "" {
		word = "0"
	}
	uid, isNumber, err := parseID(word)
	if err != nil {
		return account{}, err
	}
	lines, err := readAccounts(files, "etc/passwd", isNumber)
	if err != nil {
		return account{}, err
	}
	for _, line := range lines {
		a, ok := parseAccount(line)
		if ok && (isNumber && a.uid == uid || !isNumber && a.name == word) {
			return a, nil
		}
	}
	if !isNumber {
		return account{}, hint.New(errors.New("no matching entries in the container's /etc/passwd"),
			"use a number, which needs no entry: --user 1000:1000")
	}
	return account{uid: uid}, nil
}

// findGroups returns the groups of user, the primary one first. A group in word, a name
// or a number, becomes the primary and only group.
func findGroups(files fs.FS, user *account, word string) ([]uint32, error) {
	gid, isNumber, err := parseID(word)
	if err != nil {
		return nil, err
	}
	if isNumber {
		user.gid = gid
		return []uint32{gid}, nil
	}
	byName := word != ""
	if !byName && user.name == "" {
		return []uint32{user.gid}, nil
	}
	lines, err := readAccounts(files, "etc/group", !byName)
	if err != nil {
		return nil, err
	}
	gids := []uint32{user.gid}
	for _, line := range lines {
		g, ok := parseGroup(line)
		switch {
		case !ok:
		case byName && g.name == word:
			user.gid = g.gid
			return []uint32{g.gid}, nil
		case !byName && slices.Contains(g.members, user.name) && !slices.Contains(gids, g.gid):
			gids = append(gids, g.gid)
		}
	}
	if byName {
		return nil, hint.New(fmt.Errorf("group %q: no matching entries in the container's /etc/group", word),
			"use a number, which needs no entry: --user 1000:1000")
	}
	return gids, nil
}

// findGroup returns the number of a group, a name or a number.
func findGroup(files fs.FS, word string) (uint32, error) {
	if word == "" {
		return 0, errors.New("group: empty")
	}
	groups, err := findGroups(files, &account{}, word)
	if err != nil {
		return 0, err
	}
	return groups[0], nil
}

// parseID parses a user or group ID. A name, or an empty word, is not a number.
func parseID(word string) (id uint32, isNumber bool, err error) {
	if strings.Trim(strings.TrimLeft(word, "+-"), "0123456789") != "" || word == "" {
		return 0, false, nil
	}
	n, err := strconv.ParseUint(word, 10, 32)
	if err != nil || n == math.MaxUint32 {
		return 0, false, fmt.Errorf("ID %q: not between 0 and %d", word, uint32(math.MaxUint32-1))
	}
	return uint32(n), true, nil
}

func parseAccount(line string) (account, bool) {
	f := strings.Split(line, ":")
	if len(f) < 6 {
		return account{}, false
	}
	uid, ok1, _ := parseID(f[2])
	gid, ok2, _ := parseID(f[3])
	return account{f[0], uid, gid, f[5]}, f[0] != "" && ok1 && ok2
}

func parseGroup(line string) (group, bool) {
	f := strings.Split(line, ":")
	if len(f) < 4 {
		return group{}, false
	}
	gid, ok, _ := parseID(f[2])
	return group{f[0], gid, strings.Split(f[3], ",")}, f[0] != "" && ok
}

// readAccounts returns the lines of an account file of the image. An optional file that
// does not exist or cannot be read has no lines.
func readAccounts(files fs.FS, name string, optional bool) ([]string, error) {
	data, err := readSmall(files, name)
	switch {
	case err == nil:
		return strings.Split(string(data), "\n"), nil
	case optional && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)):
		return nil, nil
	case errors.Is(err, fs.ErrPermission):
		return nil, hint.New(err, "use sudo, or a number instead of a name: the image's files belong to root")
	case errors.Is(err, fs.ErrNotExist):
		return nil, hint.New(fmt.Errorf("no /%s in the container", name), "use a number: --user 1000:1000")
	}
	return nil, fmt.Errorf("/%s in the container: %w", name, err)
}

// readSmall reads a regular file of at most accountsMax bytes.
func readSmall(files fs.FS, name string) ([]byte, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("not a regular file (%v)", info.Mode())
	}
	data, err := io.ReadAll(io.LimitReader(f, accountsMax+1))
	if len(data) > accountsMax {
		return nil, fmt.Errorf("larger than %d bytes", accountsMax)
	}
	return data, err
}
