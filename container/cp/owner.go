package cp

import (
	"archive/tar"
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/minictr/minictr/layers"
	"golang.org/x/sys/unix"
)

// Owners in a tar are those that the container sees. In a user namespace, its files have
// other IDs on the host (user_namespaces(7)).

// IDs maps a range of user or group IDs of a container to the host's.
type IDs struct{ ContainerID, HostID, Size uint32 }

// overflowID stands for IDs that a user namespace does not map
// (/proc/sys/kernel/overflowuid).
const overflowID = 65534

// toContainer returns the ID in the container of an ID of the host.
func toContainer(ids []IDs, id uint32) int {
	for _, r := range ids {
		if id >= r.HostID && id-r.HostID < r.Size {
			return int(r.ContainerID + id - r.HostID)
		}
	}
	if len(ids) > 0 {
		return overflowID
	}
	return int(id)
}

// toHost returns the ID on the host of an ID of the container.
func toHost(ids []IDs, id int) (int, error) {
	if id < 0 || id >= math.MaxUint32 {
		return 0, fmt.Errorf("owner %d: not a 32-bit number", id)
	}
	for _, r := range ids {
		if uint32(id) >= r.ContainerID && uint32(id)-r.ContainerID < r.Size {
			return int(r.HostID) + id - int(r.ContainerID), nil
		}
	}
	if len(ids) > 0 {
		return 0, fmt.Errorf("owner %d: not mapped in the container's user namespace", id)
	}
	return id, nil
}

var (
	errDevice = errors.New("a device")
	errSocket = errors.New("a socket")
)

// setOwner sets the owner of an entry, and reports whether to unpack it. Setuid bits and
// file capabilities belong to the owner that a file had: out of a container, a file that
// loses its owner loses them too, or it would run with the caller's rights.
func (t *Tree) setOwner(h *tar.Header, o *Options) (use bool, err error) {
	if !o.Archive {
		if h.Typeflag == tar.TypeChar || h.Typeflag == tar.TypeBlock {
			o.Skipped(h.Name, errDevice)
			return false, nil
		}
		h.Uid, h.Gid = 0, 0
	}
	if t.container {
		if h.Uid, err = toHost(t.uids, h.Uid); err == nil {
			h.Gid, err = toHost(t.gids, h.Gid)
		}
		return true, err
	}
	if !o.Archive {
		h.Uid, h.Gid = os.Geteuid(), os.Getegid()
		h.Mode &^= unix.S_ISUID | unix.S_ISGID
		delete(h.PAXRecords, layers.PAXXattr+"security.capability")
	}
	return true, nil
}
