package hardening

// Rows 19 and 25: minictr cp works as root of the host on files that a container has
// made, and changes meanwhile. It reads and writes inside the container only.

import (
	"archive/tar"
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// ended makes a stopped container, which is removed with the test.
func ended(t *testing.T, image string, flags ...string) (name string) {
	t.Helper()
	args := append([]string{"run", "--name", "copied"}, flags...)
	run(command("minictr", append(args, image, "true")...)).want(t, 0)
	t.Cleanup(func() { run(command("minictr", "rm", "-v", "copied")).want(t, 0) })
	return "copied"
}

// alive starts a container, and waits for its first output.
func alive(t *testing.T, image string, flags []string, words ...string) (name string) {
	t.Helper()
	args := append([]string{"run", "--rm", "--name", "copied", "-v", filepath.Join(bin, "probe") + ":/probe:ro"},
		flags...)
	cmd := command("minictr", append(append(args, image), words...)...)
	out, err := cmd.StdoutPipe()
	testkit.Check(t, err)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	testkit.Check(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		run(command("minictr", "run", "--rm", "box", "true")).want(t, 0) // recovers, too
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.Contains(line, ": E") {
		t.Fatalf("the container does not begin: %q, %v\n%s", line, err, stderr.String())
	}
	return "copied"
}

func cp(words ...string) *exec.Cmd { return command("minictr", append([]string{"cp"}, words...)...) }

// canaryPaths are paths of the canary from inside a container.
func canaryPaths() map[string]string {
	return map[string]string{
		"absolute":          canary,
		"upwards":           strings.Repeat("../", 12) + canary[1:],
		"own root":          "/proc/self/root" + canary,
		"root of 1":         "/proc/1/root" + canary,
		"root of a thread":  "/proc/thread-self/root" + canary,
		"working directory": "/proc/self/cwd",
		"descriptor":        "/proc/self/fd/0",
		"of the parent":     "/proc/1/cwd/" + strings.Repeat("../", 12) + canary[1:],
	}
}

// decoy lies in the image at the canary's path: links to the canary lead there if they
// are resolved inside the container.
func decoy() []entry {
	dirs := []entry{dir(canary[1:], 0o755), dir(canary[1:]+"/directory", 0o755)}
	return append(dirs, file(canary[1:]+"/file", 0o644, "decoy\n"), file(canary[1:]+"/directory/inner", 0o644,
		"decoy\n"))
}

// leadsInside fails the test unless a path of the container leads to the decoy.
func leadsInside(t *testing.T, name, path string) {
	t.Helper()
	r := run(cp("-L", name+":"+path, "-"))
	if r.code != 0 || !strings.Contains(r.stdout, "decoy\n") {
		t.Errorf("%s does not lead to the image's own file: %+v", path, r)
	}
}

// mustNotShow fails the test if a copy, or a file below dir, has the canary's content.
func mustNotShow(t *testing.T, r result, dir string) {
	t.Helper()
	r.untouched(t)
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if data, _ := os.ReadFile(path); bytes.Contains(data, []byte("canary of the host")) {
				t.Errorf("the canary was copied to %s", path)
			}
		}
		return nil
	})
}

// source makes a directory of the host to copy from.
func source(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "source")
	for name, text := range map[string]string{"file": "new\n", "directory/inner": "new\n"} {
		testkit.Check(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		testkit.Check(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	return dir
}

// attack copies in each way through a path of the container that leads to the canary.
// None may touch the canary.
func attack(t *testing.T, name, door string) {
	t.Helper()
	from, into := source(t), t.TempDir()
	for _, path := range []string{door, door + "/file", door + "/directory/."} {
		mustNotShow(t, run(cp("-L", name+":"+path, "-")), into)
		mustNotShow(t, run(cp("-a", name+":"+path, into)), into)
		mustNotShow(t, run(cp("-a", from+"/file", name+":"+path)), into)
		mustNotShow(t, run(cp(from+"/.", name+":"+path)), into)
		unpack := cp("-", name+":"+path)
		unpack.Stdin = bytes.NewReader(testkit.Tar(file("file", 0o600, "new\n"),
			file("directory/inner", 0o600, "new\n")))
		mustNotShow(t, run(unpack), into)
	}
}

// TestCopyFollowsNoLinkToHost: links of the image lead to the canary, with the container
// running or stopped. It has the host's PID namespace, so that the magic links of pid 1
// lead to the host.
func TestCopyFollowsNoLinkToHost(t *testing.T) {
	guard(t)
	links := decoy()
	for what, to := range canaryPaths() {
		links = append(links, link("data/"+what, to))
	}
	image := hostile(t, ocispec.ImageConfig{}, links...)
	t.Run("running", func(t *testing.T) {
		name := alive(t, image, []string{"--pid", "host"}, "sh", "-c", "echo ready; sleep 1000")
		leadsInside(t, name, "/data/absolute/file")
		for what := range canaryPaths() {
			attack(t, name, "/data/"+what)
		}
		attack(t, name, "/proc/1/root"+canary)
	})
	t.Run("ended", func(t *testing.T) {
		name := ended(t, image)
		leadsInside(t, name, "/data/upwards/directory/inner")
		for what := range canaryPaths() {
			attack(t, name, "/data/"+what)
		}
	})
}

// TestCopyFollowsNoSwappedLink: a process of the container exchanges a directory with a
// link to the canary in a loop, during copies in both directions.
func TestCopyFollowsNoSwappedLink(t *testing.T) {
	guard(t)
	if testing.Short() {
		t.Skip("takes seconds")
	}
	script := `mkdir -p /t/d/directory && cp /probe /t/p; echo inside >/t/d/file; echo inside >/t/d/directory/inner
		ln -s %s /t/trap; exec /probe swap /t/d /t/trap`
	for what, to := range map[string]string{"absolute": canary, "upwards": strings.Repeat("../", 12) + canary[1:],
		"magic": "/proc/1/root" + canary} {
		t.Run(what, func(t *testing.T) {
			image := hostile(t, ocispec.ImageConfig{}, link("bin/ln", "busybox"), link("bin/mkdir", "busybox"),
				link("bin/cp", "busybox"))
			name := alive(t, image, []string{"--pid", "host", "--tmpfs", "/t"}, "sh", "-c", fmt.Sprintf(script, to))
			from := source(t)
			done := 0
			for start := time.Now(); time.Since(start) < 2*raceTime || done == 0 &&
				time.Since(start) < testkit.Timeout; {
				into := t.TempDir()
				for _, cmd := range []*exec.Cmd{
					cp(name+":/t", into), cp("-L", name+":/t/d", into), cp(name+":/t/d/file", into), cp(name+":/t/d/.",
						"-"),
					cp(from+"/.", name+":/t/d"), cp(from+"/file", name+":/t/d/file"), cp(from+"/directory",
						name+":/t/d/"),
				} {
					r := run(cmd)
					mustNotShow(t, r, into)
					if r.code == 0 {
						done++
					}
				}
			}
			if done == 0 {
				t.Error("no copy was made at all")
			}
			t.Logf("%d copies", done)
		})
	}
}

// TestCopyFollowsNoLinkCopiedBefore: a copy brings a link to the canary out of the
// container, the next one a directory of the same name, which is not unpacked through
// the link.
func TestCopyFollowsNoLinkCopiedBefore(t *testing.T) {
	guard(t)
	into := t.TempDir()
	t.Run("link", func(t *testing.T) {
		image := hostile(t, ocispec.ImageConfig{}, dir("data/d", 0o755), link("data/d/directory", canary),
			link("data/d/file", canary+"/file"))
		run(cp(ended(t, image)+":/data/d", into)).want(t, 0)
		if to, _ := os.Readlink(into + "/d/directory"); to != canary {
			t.Errorf("the link was not copied: %q", to)
		}
	})
	t.Run("directory", func(t *testing.T) {
		image := hostile(t, ocispec.ImageConfig{}, dir("data/d", 0o755), dir("data/d/directory", 0o700),
			file("data/d/directory/inner", 0o600, "evil\n"))
		run(cp("-a", ended(t, image)+":/data/d", into)).refused(t, "cannot overwrite a non-directory with a directory")
	})
	t.Run("file", func(t *testing.T) {
		image := hostile(t, ocispec.ImageConfig{}, dir("data/d", 0o755), file("data/d/file", 0o600, "evil\n"))
		run(cp("-a", ended(t, image)+":/data/d", into)).want(t, 0)
		if st, err := os.Lstat(into + "/d/file"); err != nil || !st.Mode().IsRegular() {
			t.Errorf("the link is there still: %v, %v", st, err)
		}
	})
}

// TestCopyLoadsNoContainerFile: the image is full of files that programs load. None is
// mapped as a program, and none is executed.
func TestCopyLoadsNoContainerFile(t *testing.T) {
	guard(t)
	testkit.NeedTool(t, "strace")
	lib := "canary\n"
	image := hostile(t, ocispec.ImageConfig{Env: []string{"LD_PRELOAD=/lib/libnss_files.so.2"}},
		dir("lib", 0o755), dir("lib64", 0o755), file("lib/libnss_files.so.2", 0o755,
			lib), file("lib64/ld-linux-x86-64.so.2", 0o755, lib),
		file("etc/ld.so.preload", 0o644, "/lib/libnss_files.so.2\n"), file("etc/nsswitch.conf", 0o644,
			"passwd: files\n"),
		file("bin/tar", 0o755, "#!/bin/sh\necho started\n"), file("bin/gzip", 0o755, "#!/bin/sh\necho started\n"))
	name := alive(t, image, nil, "sh", "-c", "echo ready; sleep 1000")
	for _, words := range [][]string{{"-a", name + ":/etc", t.TempDir()}, {"-a", source(t), name + ":/data"}} {
		log := filepath.Join(t.TempDir(), "log")
		trace := exec.Command("strace",
			append([]string{"-f", "-o", log, "-e", "trace=execve,execveat,mmap,openat,openat2"},
				cp(words...).Args...)...)
		run(trace).want(t, 0)
		data := testkit.ReadFile(t, log)
		programs := 0
		for line := range strings.Lines(data) {
			switch {
			case strings.Contains(line, "execve"):
				programs++
			case strings.Contains(line, "PROT_EXEC") && !strings.Contains(line, "MAP_ANONYMOUS"):
				t.Errorf("mapped as a program: %s", line)
			case strings.Contains(line, "\"/etc/nsswitch.conf\"") || strings.Contains(line, "\"/etc/passwd\""):
				t.Errorf("opened by its name: %s", line)
			}
		}
		if programs != 1 {
			t.Errorf("%d programs were started, want minictr alone:\n%s", programs, data)
		}
	}
}

// TestCopyNeverBlocks: a FIFO without a writer, an endless device and a file of procfs
// without a size do not block a copy.
func TestCopyNeverBlocks(t *testing.T) {
	guard(t)
	image := hostile(t, ocispec.ImageConfig{}, node(tar.TypeFifo, "data/fifo", 0, 0),
		node(tar.TypeChar, "data/zero", 1, 5))
	name := alive(t, image, nil, "sh", "-c", "echo ready; sleep 1000")
	into := t.TempDir()
	run(cp(name+":/data", into)).want(t, 0)
	if st, err := os.Lstat(into + "/data/fifo"); err != nil || st.Mode().Type() != os.ModeNamedPipe {
		t.Errorf("a FIFO: %v, %v", st, err)
	}
	run(cp(name+":/data/fifo", into+"/fifo")).want(t, 0)
	run(cp(name+":/data/fifo", "-")).want(t, 0)
	run(cp(name+":/data/zero", into)).refused(t, "a device")
	if exists(into+"/zero") || exists(into+"/data/zero") {
		t.Error("a device was made on the host")
	}
	run(cp(source(t)+"/file", name+":/data/zero")).refused(t, "a device")
	run(cp(source(t)+"/file", name+":/data/fifo")).want(t, 0) // replaces it
	run(cp(name+":/proc/1/status", into)).refused(t, "became longer while it was copied")
}

// TestCopyDropsSetuid: a file that is copied out without its owner loses set-user-ID.
func TestCopyDropsSetuid(t *testing.T) {
	guard(t)
	name := ended(t, hostile(t, ocispec.ImageConfig{}, file("data/su", 0o6755, "evil\n")))
	into := t.TempDir()
	run(cp(name+":/data/su", into)).want(t, 0)
	st, err := os.Stat(into + "/su")
	testkit.Check(t, err)
	testkit.Equal(t, "mode", st.Mode(), 0o755)
}

// TestCopyOfHostileTarStaysInRoot: a tar archive on standard input aims at the host.
func TestCopyOfHostileTarStaysInRoot(t *testing.T) {
	guard(t)
	for what, entries := range map[string][]entry{
		"upwards":       {file(strings.Repeat("../", 12)+canary[1:]+"/file", 0o600, "evil\n")},
		"through links": {link("out", canary), file("out/file", 0o600, "evil\n")},
		"magic":         {link("out", "/proc/self/root"+canary), file("out/file", 0o600, "evil\n")},
		"hard link": {link("out", canary),
			{Header: tar.Header{Typeflag: tar.TypeLink, Name: "hard", Linkname: "out/file"}}, file("hard", 0o600,
				"evil\n")},
		"link's mode": {link("out", canary+"/file"),
			{Header: tar.Header{Typeflag: tar.TypeLink, Name: "hard", Linkname: "out", Mode: 0o777}}},
	} {
		for _, into := range []string{"/", "/data"} {
			t.Run(what+" "+into, func(t *testing.T) {
				name := alive(t, "box", nil, "sh", "-c", "echo ready; sleep 1000")
				cmd := cp("-a", "-", name+":"+into)
				cmd.Stdin = bytes.NewReader(testkit.Tar(entries...))
				run(cmd).untouched(t)
			})
		}
	}
}

// TestImageVolumesAndWorkdirStayInRoot: the volumes and the working directory of an
// image are links to the canary.
func TestImageVolumesAndWorkdirStayInRoot(t *testing.T) {
	guard(t)
	config := ocispec.ImageConfig{WorkingDir: "/work", Volumes: map[string]struct{}{"/vol": {}, "/../../up": {}}}
	links := []entry{link("work", canary), link("vol", canary), link("up", strings.Repeat("../", 12)+canary[1:])}
	name := ended(t, hostile(t, config, append(decoy(), links...)...))
	for _, path := range []string{"/work", "/vol", "/up", "work", "../../../../../.." + canary} {
		leadsInside(t, name, path+"/file")
	}
	for _, path := range []string{"/work", "/vol", "/up", "work", ".", "../../../../../.." + canary} {
		attack(t, name, path)
	}
}

// TestCopyStaysInVolume: a bind-mounted directory of the host has links to the canary in
// it. The directory is reached, the links are not followed.
func TestCopyStaysInVolume(t *testing.T) {
	guard(t)
	volume := t.TempDir()
	for what, to := range canaryPaths() {
		testkit.Check(t, os.Symlink(to, filepath.Join(volume, what)))
	}
	try := func(t *testing.T, name string) {
		for what := range canaryPaths() {
			attack(t, name, "/vol/"+what)
		}
		run(cp(source(t)+"/file", name+":/vol/file")).want(t, 0)
		testkit.Equal(t, "the volume", testkit.ReadFile(t, volume+"/file"), "new\n")
		os.Remove(volume + "/file")
	}
	flags := []string{"-v", volume + ":/vol"}
	t.Run("running", func(t *testing.T) { try(t, alive(t, "box", flags, "sh", "-c", "echo ready; sleep 1000")) })
	t.Run("ended", func(t *testing.T) { try(t, ended(t, "box", flags...)) })
}

// TestCopyIgnoresMovedVolume: a container has replaced the directory that its volume was
// mounted in by a link to the canary. A copy while it is stopped does not mount the
// volume there.
func TestCopyIgnoresMovedVolume(t *testing.T) {
	guard(t)
	image := hostile(t, ocispec.ImageConfig{}, append(decoy(), link("bin/ln", "busybox"), link("bin/mv", "busybox"))...)
	volume := t.TempDir()
	run(command("minictr", "run", "--name", "copied", "-v", volume+":/new/directory", image, "sh", "-c",
		"mv /new /old && ln -s "+canary+" /new")).want(t, 0)
	t.Cleanup(func() { run(command("minictr", "rm", "copied")).want(t, 0) })
	run(cp(source(t)+"/file", "copied:/new/directory/file")).want(t, 0)
	testkit.Equal(t, "the volume, where the link leads in the container", testkit.ReadFile(t, volume+"/file"), "new\n")
}

// TestCopyRefusesInvalidNames: an invalid container name is refused.
func TestCopyRefusesInvalidNames(t *testing.T) {
	guard(t)
	ended(t, "box") // "*" would match it
	for _, id := range []string{"../../etc", "..", "a/b", "-x", "*", "", "a\nb", "a b", strings.Repeat("a", 300)} {
		r := run(cp("--", id+":/etc/passwd", "-"))
		r.untouched(t)
		if r.code == 0 || r.stdout != "" {
			t.Errorf("%q: exit code %d, %d bytes", id, r.code, len(r.stdout))
		}
	}
}

// TestKilledCopy: kill -9 at each call of a copy, into a container and out of it. No
// mount and no lock is left, and the same copy works again.
func TestKilledCopy(t *testing.T) {
	guard(t)
	if testing.Short() {
		t.Skip("kills some forty times")
	}
	volume, from, into := t.TempDir(), source(t), t.TempDir()
	name := ended(t, "box", "-v", volume+":/vol")
	for _, c := range []struct{ from, to, inner string }{
		{from, name + ":/vol", volume + "/source/directory/inner"},
		{name + ":/vol", into, into + "/vol/source/directory/inner"},
	} {
		testkit.KillAt(t, testkit.Kill{
			Command: func(*testing.T) *exec.Cmd { return cp(c.from, c.to) },
			Calls:   "flock fsconfig open_tree move_mount openat2 mkdirat fchown pwrite64",
			Clean: func(t *testing.T, _ testkit.Killed) {
				run(cp(c.from, c.to)).want(t, 0)
				testkit.Equal(t, c.inner, testkit.ReadFile(t, c.inner), "new\n")
			},
		})
	}
}
