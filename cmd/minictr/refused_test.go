package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/hint"
	"github.com/urfave/cli/v2"
)

// dockerRun is every flag of docker run 28.2, with a value for the test: implemented ones,
// then those that are taken with a value that changes nothing, and refused with another.
const (
	dockerRun = `add-host=a:1.2.3.4 annotation=a=b attach=stdout blkio-weight=10 blkio-weight-device=/dev/sda:10
		cap-add=ALL cap-drop=ALL cidfile=f cpu-period=1000 cpu-quota=1000 cpu-shares=2 cpus=1 cpuset-cpus=0
		cpuset-mems=0 detach device=/dev/fuse device-cgroup-rule=c device-read-bps=a device-read-iops=a
		device-write-bps=a device-write-iops=a dns=1.1.1.1 dns-option=a dns-search=a domainname=a entrypoint=a
		env=a env-file=a expose=1 group-add=1 health-cmd=a health-interval=1s health-retries=1
		health-start-interval=1s health-start-period=1s health-timeout=1s help hostname=a init interactive ipc=host
		label=a label-file=a log-driver=none log-opt=a memory=1g memory-reservation=1g memory-swap=1g mount=a name=a
		network=none no-healthcheck oom-score-adj=1 pid=host pids-limit=1 platform=linux/arm64 privileged pull=never
		quiet read-only restart=no rm security-opt=a shm-size=1m stop-signal=INT stop-timeout=1 sysctl=a tmpfs=/a
		tty ulimit=core=0 user=0 userns=host uts=host volume=/a
		volumes-from=a workdir=/a`
	dockerRunTaken = `cgroup-parent= cgroupns=private cpu-count=0 cpu-percent=0 cpu-rt-period=0 cpu-rt-runtime=0
		detach-keys= disable-content-trust gpus= io-maxbandwidth=0 io-maxiops=0 ip= ip6= isolation=default
		kernel-memory=0 link= link-local-ip= mac-address= memory-swappiness=-1 network-alias=
		oom-kill-disable=false publish= publish-all=false runtime=minictr sig-proxy storage-opt=
		use-api-socket=false volume-driver=local`
	dockerRunRefused = `cgroup-parent=/a cgroupns=host cpu-count=1 cpu-percent=1 cpu-rt-period=1 cpu-rt-runtime=1
		detach-keys=ctrl-a disable-content-trust=false gpus=all io-maxbandwidth=1 io-maxiops=1 ip=1.2.3.4 ip6=::1
		isolation=hyperv kernel-memory=1g link=a link-local-ip=::1 mac-address=a memory-swappiness=60
		network-alias=a oom-kill-disable publish=80 publish-all runtime=runc sig-proxy=false storage-opt=size=1g
		use-api-socket volume-driver=nfs`
)

// podmanRun is every flag of podman run 4.3 that docker does not have: as above.
const (
	podmanRun      = `cgroup-conf=a tls-verify`
	podmanRunTaken = `arch= authfile= cgroups=enabled chrootdirs= conmon-pidfile= env-host=false env-merge= gidmap=
		health-on-failure=none hostuser= http-proxy=false image-volume=anonymous init-path= no-hosts=false os=linux
		passwd=false passwd-entry= personality= pidfile= pod= pod-id-file= preserve-fds=0 read-only-tmpfs=false
		replace=false requires= rmi=false rootfs=false sdnotify=ignore seccomp-policy=default secret= subgidname=
		subuidname= systemd=false timeout=0 tz= uidmap= umask=0022 unsetenv= unsetenv-all=false variant=`
	podmanRunRefused = `arch=arm64 authfile=a cgroups=disabled chrootdirs=/a conmon-pidfile=a env-host env-merge=a=b
		gidmap=0:1:2 health-on-failure=kill hostuser=a http-proxy image-volume=tmpfs init-path=/a no-hosts os=windows
		passwd passwd-entry=a personality=LINUX32 pidfile=a pod=a pod-id-file=a preserve-fds=1 read-only-tmpfs
		replace requires=a rmi rootfs sdnotify=container seccomp-policy=image secret=a subgidname=a subuidname=a
		systemd=always timeout=1 tz=local uidmap=0:1:2 umask=0077 unsetenv=A unsetenv-all variant=v7`
)

// TestEveryRunFlag: each flag of docker and podman works, or is taken where it changes
// nothing, or is refused by its name with a hint.
func TestEveryRunFlag(t *testing.T) {
	var listed []string
	for _, f := range runCommand.Flags {
		if v, ok := f.(cli.VisibleFlag); ok && v.IsVisible() {
			listed = append(listed, f.Names()...)
		}
	}
	count := 0
	for word := range strings.FieldsSeq(dockerRun + " " + podmanRun) {
		count++
		name, _, _ := strings.Cut(word, "=")
		if _, _, output, err := parse("--"+word, "demo"); err != nil && name != "help" {
			t.Errorf("--%s: %v\n%s", word, err, output)
		}
		if !slices.Contains(listed, name) && name != "help" {
			t.Errorf("--%s: not in the help", name)
		}
	}
	for word := range strings.FieldsSeq(dockerRunTaken + " " + podmanRunTaken) {
		count++
		if _, image, _, err := parse("--"+word, "demo"); err != nil || image != "demo" {
			t.Errorf("--%s: %v, image %q", word, err, image)
		}
	}
	for word := range strings.FieldsSeq(dockerRunRefused + " " + podmanRunRefused) {
		name, _, _ := strings.Cut(word, "=")
		_, _, _, err := parse("--"+word, "demo")
		if err == nil || !strings.HasPrefix(err.Error(), "--"+name) || hint.Of(err) == "" {
			t.Errorf("--%s: %v, hint %q", word, err, hint.Of(err))
		}
	}
	if want := 104 + 42; count != want {
		t.Errorf("%d flags, want %d", count, want)
	}
	for _, f := range []string{"-p=80", "-P", "-itP"} { // short forms
		if _, _, _, err := parse(f, "demo"); err == nil || !strings.Contains(err.Error(), "--publish") {
			t.Errorf("%s: %v", f, err)
		}
	}
}
