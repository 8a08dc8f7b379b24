package machine

// libvirt keeps machines ("domains"), their disks ("volumes" in a "pool") and their
// networks, by daemons: libvirtd, which starts QEMU, virtlogd, which keeps what
// machines say on their consoles, and dnsmasq, which gives them addresses.
//
// Where they run already, they are used, and what was there before stays. Where
// they do not, as in a container or without systemd, they are started for as long
// as they are needed.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/benchmark"
	"golang.org/x/sys/unix"
)

// libvirt is what is there, and what was started.
type libvirt struct {
	version string
	daemons []*exec.Cmd // that were started here
	before  []string    // what was there already: networks, pools, volumes
}

// machinePrefix begins the name of each machine of the benchmark.
const machinePrefix = "minictr-bench-"

// What Vagrant leaves in libvirt's hands when its machines are gone: the network
// of the Vagrantfile, the pool, and in it the copy of the box.
const (
	network = "minictr"
	pool    = "default"
)

func connect(ctx context.Context, s benchmark.Setup) (*libvirt, error) {
	l := new(libvirt)
	out, err := virsh(ctx, "version")
	if err != nil {
		if err := l.start(ctx, s); err != nil {
			return nil, end(err, l.close)
		}
		if out, err = virsh(ctx, "version"); err != nil {
			return nil, end(err, l.close)
		}
	}
	_, after, _ := strings.Cut(out, "Using library: libvirt ")
	l.version, _, _ = strings.Cut(after, "\n")
	if l.before, err = before(ctx, filepath.Join(s.Scratch, "before")); err != nil {
		return nil, end(err, l.close)
	}
	return l, nil
}

// before is what is there, and is written down, unless an earlier benchmark that
// was killed has done so.
func before(ctx context.Context, file string) ([]string, error) {
	if text, err := os.ReadFile(file); err == nil {
		return strings.Split(string(text), "\n"), nil
	}
	list, err := kept(ctx)
	if err != nil {
		return nil, err
	}
	return list, os.WriteFile(file, []byte(strings.Join(list, "\n")), 0o644)
}

// start the daemons. QEMU is to be run by root: where nobody else may open
// /dev/kvm, libvirt would find out anew at each call what QEMU can do. The file
// that says so is seen by this libvirtd alone, in a mount namespace of its own.
func (l *libvirt) start(ctx context.Context, s benchmark.Setup) error {
	if os.Getuid() != 0 {
		return errors.New("libvirtd does not run, and only root can start it")
	}
	if err := installed("libvirtd", "virtlogd"); err != nil {
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
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Stdout, cmd.Stderr = s.Log, s.Log
		cmd.SysProcAttr = &unix.SysProcAttr{
			Setpgid:   true,         // who presses ^C does not mean it: close needs it
			Pdeathsig: unix.SIGTERM, // but it is not to outlive us
		}
		if err := cmd.Start(); err != nil {
			return failure(cmd, err)
		}
		l.daemons = append(l.daemons, cmd)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		if _, err := virsh(ctx, "version"); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("libvirtd does not answer")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// close removes what was not there before, and ends the daemons.
func (l *libvirt) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	now, err := kept(ctx)
	errs := []error{err}
	for _, command := range slices.Backward(now) { // volumes before their pool
		if !slices.Contains(l.before, command) {
			for _, c := range strings.Split(command, "; ") {
				_, err := virsh(ctx, strings.Fields(c)...)
				errs = append(errs, err)
			}
		}
	}
	for _, d := range slices.Backward(l.daemons) {
		errs = append(errs, d.Process.Signal(unix.SIGTERM))
		d.Wait() // its exit status tells nothing that is wanted here
	}
	return errors.Join(errs...)
}

// kept is what libvirt keeps of ours, each as virsh's commands to remove it.
func kept(ctx context.Context) (list []string, err error) {
	networks, err := virsh(ctx, "net-list", "--all", "--name")
	if err != nil {
		return nil, err
	}
	if slices.Contains(strings.Fields(networks), network) {
		list = append(list, "net-destroy "+network+"; net-undefine "+network)
	}
	pools, err := virsh(ctx, "pool-list", "--all", "--name")
	if err != nil || !slices.Contains(strings.Fields(pools), pool) {
		return list, err
	}
	list = append(list, "pool-destroy "+pool+"; pool-undefine "+pool)
	names, err := ours(ctx)
	for name := range names {
		list = append(list, "vol-delete "+name+" --pool "+pool)
	}
	return list, err
}

// ours are volumes of the box and of machines made from it: name and path.
func ours(ctx context.Context) (map[string]string, error) {
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

// forget a machine, whatever state it is in, and its disk. Vagrant does not know
// of one while it is being made.
func forget(ctx context.Context, name string) error {
	for _, step := range [...]struct {
		list   []string
		remove []string
	}{
		{[]string{"list", "--name"}, []string{"destroy", name}},
		{[]string{"list", "--all", "--name"}, []string{"undefine", name}},
	} {
		names, err := virsh(ctx, step.list...)
		if err != nil {
			return err
		}
		if slices.Contains(strings.Fields(names), name) {
			if _, err := virsh(ctx, step.remove...); err != nil {
				return err
			}
		}
	}
	pools, err := virsh(ctx, "pool-list", "--name")
	if err != nil || !slices.Contains(strings.Fields(pools), pool) {
		return err
	}
	volumes, err := ours(ctx)
	for volume := range volumes {
		if err == nil && volume == name+".img" {
			_, err = virsh(ctx, "vol-delete", volume, "--pool", pool)
		}
	}
	return err
}

func (l *libvirt) volumes() (paths []string, err error) {
	volumes, err := ours(context.Background())
	for _, path := range volumes {
		paths = append(paths, path)
	}
	return paths, err
}

// processes that serve all machines: libvirt's own, and dnsmasq, which gives
// addresses in their network.
func (l *libvirt) processes() (pids []int) {
	daemons := []string{"libvirtd", "virtqemud", "virtnetworkd", "virtstoraged", "virtlogd"}
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		comm, _ := os.ReadFile(filepath.Join(folder, "comm"))
		args, _ := os.ReadFile(filepath.Join(folder, "cmdline"))
		name := strings.TrimSpace(string(comm))
		if slices.Contains(daemons, name) || name == "dnsmasq" && bytes.Contains(args, []byte("/"+network+".conf")) {
			pid, _ := strconv.Atoi(filepath.Base(folder))
			pids = append(pids, pid)
		}
	}
	return pids
}

// domain is libvirt's word for a machine: its process.
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
	err := do(exec.CommandContext(ctx, "virsh", append([]string{"-q", "-c", "qemu:///system"}, args...)...), &out)
	if err != nil {
		err = fmt.Errorf("libvirt: %w", err)
	}
	return out.String(), err
}
