package config

// /etc/hostname, /etc/hosts and /etc/resolv.conf belong to a container, not to its image.
// They are in a directory of the host and are bound over the image's files: what is
// written to them changes neither the image nor other containers. With the host's
// network, hosts and resolv.conf are copies of the host's; without a network there is no
// name server, and resolv.conf is empty.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// EtcFiles are the names of the files in /etc that every container gets.
var EtcFiles = [...]string{"hostname", "hosts", "resolv.conf"}

// hostsFile is docker's /etc/hosts: loopback, and the well-known names of IPv6.
const hostsFile = `127.0.0.1	localhost
::1	localhost ip6-localhost ip6-loopback
fe00::	ip6-localnet
ff00::	ip6-mcastprefix
ff02::1	ip6-allnodes
ff02::2	ip6-allrouters
`

// HostFiles returns the contents of EtcFiles by name. The config binds them from
// host.FilesDir: the caller writes them there first, readable by all.
func HostFiles(o *Options, host Host) (map[string][]byte, error) {
	files := map[string][]byte{
		"hostname":    []byte(hostname(o, host) + "\n"),
		"hosts":       []byte(hostsFile),
		"resolv.conf": {},
	}
	if o.Network != "host" {
		return files, nil
	}
	for _, name := range [...]string{"hosts", "resolv.conf"} {
		data, err := os.ReadFile("/etc/" + name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("--network host: %w", err)
		}
		files[name] = data
	}
	return files, nil
}
