package machine

// libvirt keeps machines ("domains"), their disks ("volumes" in a "pool") and their
// networks, by daemons: libvirtd, which starts QEMU, virtlogd, which keeps the
// output of consoles, and dnsmasq, which gives addresses.
//
// Where they run already, they are used, and what existed before stays. Where they
// do not, as in a container or without systemd, they are started for as long as
// they are needed.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/benchmark"
)

// libvirt is the daemons that were started, and what existed before.
type libvirt struct {
	version string
	daemons []*benchmark.Daemon
	before  []string // of leftovers
}

// machinePrefix begins the name of each machine of the benchmark.
const machinePrefix = "minictr-bench-"

// What Vagrant leaves in libvirt when its machines are removed: the network of the
// Vagrantfile, the pool, and in it the copy of the box.
const (
	network = "minictr"
	pool    = "default"
)

func connect(ctx context.Context, s benchmark.Setup) (_ *libvirt, err error) {
	l := new(libvirt)
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	out, err := virsh(ctx, "version")
	if err != nil {
		if err := l.start(ctx, s); err != nil {
			return nil, err
		}
		if out, err = virsh(ctx, "version"); err != nil {
			return nil, err
		}
	}
	_, after, _ := strings.Cut(out, "Using library: libvirt ")
	l.version, _, _ = strings.Cut(after, "\n")

	// what exists is recorded, unless an earlier benchmark that was killed has done so
	file := filepath.Join(s.Scratch, "before")
	if text, err := os.ReadFile(file); err == nil {
		l.before = strings.Split(string(text), "\n")
		return l, nil
	}
	if l.before, err = leftovers(ctx); err != nil {
		return nil, err
	}
	return l, os.WriteFile(file, []byte(strings.Join(l.before, "\n")), 0o644)
}

// start starts the daemons. QEMU has to be run by root: where /dev/kvm is closed to
// other users, libvirt would probe QEMU anew at each call. The file that says so is
// seen by this libvirtd alone, in a mount namespace of its own.
func (l *libvirt) start(ctx context.Context, s benchmark.Setup) error {
	if os.Getuid() != 0 {
		return errors.New("libvirtd does not run, and only root can start it")
	}
	if err := benchmark.Installed("libvirtd", "virtlogd"); err != nil {
		return err
	}
	conf := filepath.Join(s.Scratch, "qemu.conf")
	if err := os.WriteFile(conf, []byte("user = \"root\"\ngroup = \"root\"\n"), 0o644); err != nil {
		return err
	}
	for _, argv := range [...][]string{
		{"virtlogd"},
		{"unshare", "--mount", "--propagation", "private", "sh", "-c",
			`mount --bind "$0" /etc/libvirt/qemu.conf && exec libvirtd`, conf},
	} {
		d, err := benchmark.StartDaemon(s.Log, argv...)
		if err != nil {
			return err
		}
		l.daemons = append(l.daemons, d)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return benchmark.Poll(ctx, 100*time.Millisecond, func() error { _, err := virsh(ctx, "version"); return err })
}

// close removes what did not exist before, and stops the daemons.
func (l *libvirt) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	now, err := leftovers(ctx)
	for _, command := range slices.Backward(now) { // volumes before their pool
		if !slices.Contains(l.before, command) {
			for _, c := range strings.Split(command, "; ") {
				_, failed := virsh(ctx, strings.Fields(c)...)
				err = errors.Join(err, failed)
			}
		}
	}
	for _, d := range slices.Backward(l.daemons) {
		err = errors.Join(err, d.Stop())
	}
	return err
}

// leftovers returns virsh's commands that remove what Vagrant leaves.
func leftovers(ctx context.Context) (list []string, err error) {
	exists, err := listed(ctx, network, "net-list", "--all")
	if err != nil {
		return nil, err
	}
	if exists {
		list = append(list, "net-destroy "+network+"; net-undefine "+network)
	}
	exists, err = listed(ctx, pool, "pool-list", "--all")
	if err != nil || !exists {
		return list, err
	}
	list = append(list, "pool-destroy "+pool+"; pool-undefine "+pool)
	names, err := volumes(ctx)
	for name := range names {
		list = append(list, "vol-delete "+name+" --pool "+pool)
	}
	return list, err
}

// listed reports whether one of virsh's lists has a name.
func listed(ctx context.Context, name string, list ...string) (bool, error) {
	out, err := virsh(ctx, append(list, "--name")...)
	return slices.Contains(strings.Fields(out), name), err
}

// volumes returns names and paths of those of the box and of machines made from it.
func volumes(ctx context.Context) (map[string]string, error) {
	out, err := virsh(ctx, "vol-list", pool)
	volumes := map[string]string{}
	for line := range strings.Lines(out) {
		words := strings.Fields(line)
		copied := strings.ReplaceAll(box, "/", "-VAGRANTSLASH-") + "_"
		if len(words) == 2 && (strings.HasPrefix(words[0], copied) || strings.HasPrefix(words[0], machinePrefix)) {
			volumes[words[0]] = words[1]
		}
	}
	return volumes, err
}

// forget removes a machine in any state, and its disk. Vagrant does not know of a
// machine that it is about to make.
func forget(ctx context.Context, name string) error {
	for _, step := range [...][2]string{{"list", "destroy"}, {"list --all", "undefine"}} {
		exists, err := listed(ctx, name, strings.Fields(step[0])...)
		if err == nil && exists {
			_, err = virsh(ctx, step[1], name)
		}
		if err != nil {
			return err
		}
	}
	active, err := listed(ctx, pool, "pool-list")
	if err != nil || !active {
		return err
	}
	volumes, err := volumes(ctx)
	if disk := name + ".img"; err == nil && volumes[disk] != "" {
		_, err = virsh(ctx, "vol-delete", disk, "--pool", pool)
	}
	return err
}

// processes returns those that serve all machines: libvirt's own, and dnsmasq in
// their network.
func (l *libvirt) processes() (pids []int) {
	daemons := []string{"libvirtd", "virtqemud", "virtnetworkd", "virtstoraged", "virtlogd"}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		comm, _ := os.ReadFile(filepath.Join(dir, "comm"))
		args, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		name := strings.TrimSpace(string(comm))
		if slices.Contains(daemons, name) || name == "dnsmasq" && bytes.Contains(args, []byte("/"+network+".conf")) {
			pid, _ := strconv.Atoi(filepath.Base(dir))
			pids = append(pids, pid)
		}
	}
	return pids
}

// domain returns the process of a machine.
func domain(name string) []int {
	text, err := os.ReadFile("/run/libvirt/qemu/" + name + ".pid")
	if err != nil {
		return nil
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return nil
	}
	return []int{pid}
}

func virsh(ctx context.Context, args ...string) (string, error) {
	var out bytes.Buffer
	err := benchmark.Run(ctx, &out, append([]string{"virsh", "-q", "-c", "qemu:///system"}, args...)...)
	if err != nil {
		err = fmt.Errorf("libvirt: %w", err)
	}
	return out.String(), err
}
