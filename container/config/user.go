package config

// USER[:GROUP] becomes a UID, a GID and supplementary groups. Names are looked up in the
// image's /etc/passwd and /etc/group (package accounts):
//   - A number is never a name: 1000 is UID 1000 even if the image has an account "1000".
//     +1000 and -1 are errors.
//   - Only a name needs the files.
//   - The groups are always set, the primary one among them, so that the process inherits
//     none of the caller's.

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/accounts"
	"github.com/opencontainers/runtime-spec/specs-go"
)

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
	if !isMapped(b.spec.Linux.UIDMappings, user.UID) || !isMapped(b.spec.Linux.GIDMappings, user.GID) {
		return fmt.Errorf("user %q: UID %d or GID %d is not mapped by --userns %s",
			spec, user.UID, user.GID, b.o.Userns)
	}
	for _, gid := range groups {
		if !isMapped(b.spec.Linux.GIDMappings, gid) {
			return hint.New(fmt.Errorf("--userns %s: group %d of the user is not mapped", b.o.Userns, gid),
				"map the group, or choose one: --user USER:GROUP")
		}
	}
	b.spec.Process.User = specs.User{UID: user.UID, GID: user.GID, AdditionalGids: groups}
	if user.Home != "" {
		b.home = user.Home
	}
	return nil
}

// findUser returns the account of word, a name or a number. A number without an account
// has group 0, as in docker.
func findUser(files fs.FS, word string) (accounts.User, error) {
	if word == "" {
		word = "0"
	}
	uid, isNumber, err := accounts.ParseID(word)
	if err != nil {
		return accounts.User{}, err
	}
	users, err := accounts.Users(files)
	if err := checkRead(err, "etc/passwd", isNumber); err != nil {
		return accounts.User{}, err
	}
	for _, u := range users {
		if isNumber && u.UID == uid || !isNumber && u.Name == word {
			return u, nil
		}
	}
	if !isNumber {
		return accounts.User{}, hint.New(errors.New("no matching entries in the container's /etc/passwd"),
			"use a number, which needs no entry: --user 1000:1000")
	}
	return accounts.User{UID: uid}, nil
}

// findGroups returns the groups of user, the primary one first. A group in word, a name
// or a number, becomes the primary and only group.
func findGroups(files fs.FS, user *accounts.User, word string) ([]uint32, error) {
	gid, isNumber, err := accounts.ParseID(word)
	if err != nil {
		return nil, err
	}
	if isNumber {
		user.GID = gid
		return []uint32{gid}, nil
	}
	byName := word != ""
	if !byName && user.Name == "" {
		return []uint32{user.GID}, nil
	}
	groups, err := accounts.Groups(files)
	if err := checkRead(err, "etc/group", !byName); err != nil {
		return nil, err
	}
	gids := []uint32{user.GID}
	for _, g := range groups {
		switch {
		case byName && g.Name == word:
			user.GID = g.GID
			return []uint32{g.GID}, nil
		case !byName && slices.Contains(g.Members, user.Name) && !slices.Contains(gids, g.GID):
			gids = append(gids, g.GID)
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
	groups, err := findGroups(files, &accounts.User{}, word)
	if err != nil {
		return 0, err
	}
	return groups[0], nil
}

// checkRead returns the error of reading an account file. That an optional one does not exist
// or cannot be read is none.
func checkRead(err error, name string, optional bool) error {
	switch {
	case err == nil:
		return nil
	case optional && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)):
		return nil
	case errors.Is(err, fs.ErrPermission):
		return hint.New(err, "use sudo, or a number instead of a name: the image's files belong to root")
	case errors.Is(err, fs.ErrNotExist):
		return hint.New(fmt.Errorf("no /%s in the container", name), "use a number: --user 1000:1000")
	}
	return fmt.Errorf("/%s in the container: %w", name, err)
}
