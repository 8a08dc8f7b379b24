package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

var EtcFiles = [...]string{"hostname", "hosts", "resolv.conf"}

// hostsFile is docker's: loopback, and IPv6's well-known names.
const hostsFile = `127.0.0.1	localhost
::1	localhost ip6-localhost ip6-loopback
fe00::	ip6-localnet
ff00::	ip6-mcastprefix
ff02::1	ip6-allnodes
ff02::2	ip6-allrouters
`

// HostFiles returns the files that a config of Config binds from host.Folder,
// by name: who runs the config writes them there first, readable by all.
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
			return nil, fmt.Errorf("copy for --network host: %w", err)
		}
		files[name] = data
	}
	return files, nil
}
