package config

// /etc/hostname, /etc/hosts and /etc/resolv.conf belong to a container, not to its image.
// They are in a directory of the host and are bound over the image's files: what is
// written to them changes neither the image nor other containers. With the host's
// network, hosts and resolv.conf are copies of the host's; without a network there is no
// name server, and resolv.conf is empty. Flags add to both (resolver.go).

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
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

// ownHosts returns the line of /etc/hosts with which a container without a network finds its
// own host name, as podman writes it; of a name with a domain also the name alone, as docker
// does.
func ownHosts(hostname string) string {
	line := "127.0.0.1\t" + hostname
	if name, _, found := strings.Cut(hostname, "."); found && name != "" {
		line += " " + name
	}
	return line + "\n"
}

// HostFiles returns the contents of EtcFiles by name. The config binds them from
// host.FilesDir: the caller writes them there first, readable by all.
func HostFiles(o *Options, host Host) (map[string][]byte, error) {
	name := hostname(o, host)
	files := map[string][]byte{
		"hostname":    []byte(name + "\n"),
		"hosts":       []byte(hostsFile + ownHosts(name)),
		"resolv.conf": {},
	}
	if o.Network == "host" {
		for _, name := range [...]string{"hosts", "resolv.conf"} {
			data, err := os.ReadFile("/etc/" + name)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("--network host: %w", err)
			}
			files[name] = data
		}
	}
	more, err := o.addedHosts()
	if err != nil {
		return nil, err
	}
	files["hosts"] = append(files["hosts"], more...)
	files["resolv.conf"], err = o.resolvConf(files["resolv.conf"])
	return files, err
}
