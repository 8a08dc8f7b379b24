package hardening

// Row 2: the three descriptors that a container does get. With a file of the host it
// could do more than read or write: reopen it in the other mode, change its owner, or
// make it a set-user-ID program.

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

// look shows all that spoil could change.
func look(t *testing.T, path string) string {
	t.Helper()
	var st unix.Stat_t
	testkit.Check(t, unix.Stat(path, &st))
	return fmt.Sprintf("mode %o, owner %d:%d, %d bytes", st.Mode, st.Uid, st.Gid, st.Size)
}

// spoilers are commands whose process attacks its standard streams. clean is called
// after each.
func spoilers(t *testing.T) (ways map[string]*exec.Cmd, clean func()) {
	t.Helper()
	d := detach(t, "--", "sleep", "1000")
	b := newBundle(t, "/probe", "spoil")
	run(command("minictr", "create", "-i", "--name", "spoiler", "-v", filepath.Join(bin, "probe")+":/probe:ro", "box",
		"/probe", "spoil")).want(t, 0)
	t.Cleanup(func() { run(command("minictr", "rm", "-f", "spoiler")).want(t, 0) })
	return map[string]*exec.Cmd{
		"run":         command("minictr", boxArgs("-i", "--", "/probe", "spoil")...),
		"exec":        d.saying("exec", "-i", "--", "/probe", "spoil"),
		"start":       command("minictr", "start", "-ai", "spoiler"),
		"minictr-oci": b.command(t),
	}, func() { run(command("minictr", "stop", "-t", "0", "spoiler")).want(t, 0) }
}

// TestFileAsStreamUnchanged: a file for standard input, and two for output.
func TestFileAsStreamUnchanged(t *testing.T) {
	guard(t)
	ways, clean := spoilers(t)
	for what, cmd := range ways {
		in, out := filepath.Join(t.TempDir(), "in"), filepath.Join(t.TempDir(), "out")
		testkit.Check(t, errors.Join(os.WriteFile(in, []byte("to be read\n"), 0o600),
			os.WriteFile(out, []byte("said before\n"), 0o600)))
		beforeIn, beforeOut := look(t, in), look(t, out)
		cmd.Stdin = open(t, in, os.O_RDONLY)
		cmd.Stdout = open(t, out, os.O_WRONLY|os.O_APPEND)
		cmd.Stderr = open(t, out, os.O_WRONLY|os.O_APPEND)
		run(cmd).want(t, 0)
		clean()
		testkit.Equal(t, what+": what it reads", look(t, in), beforeIn)
		testkit.Equal(t, what+": what it writes", look(t, out), beforeOut)
	}
}

// TestNullAsStreamUnchanged: null(4), which all processes of the host share.
func TestNullAsStreamUnchanged(t *testing.T) {
	guard(t)
	before := look(t, os.DevNull)
	// else later tests fail
	t.Cleanup(func() { errors.Join(os.Chmod(os.DevNull, 0o666), os.Chown(os.DevNull, 0, 0)) })
	ways, clean := spoilers(t)
	ways["run, not interactive"] = command("minictr", boxArgs("/probe", "spoil")...)
	d := detach(t, append(often("/probe spoil; touch /checked"), "--", "sh", "-c",
		"/probe spoil; touch /begun; exec sleep 1000")...)
	ways["exec, not interactive"] = d.saying("exec", "--", "/probe", "spoil")
	ways["exec, detached"] = d.saying("exec", "-d", "--", "sh", "-c", "/probe spoil; touch /executed")
	without := detach(t, "--", "sh", "-c", "rm /dev/null; touch /begun; exec sleep 1000")
	testkit.Eventually(t, "no /dev/null", func() bool {
		return without.say("exec", "-i", "--", "ls", "/begun").code == 0
	})
	ways["exec without the container's"] = without.saying("exec", "--", "/probe", "spoil")
	b := newBundle(t, "/probe", "spoil")
	b.save(t)
	ways["minictr-oci, detached"] = command("minictr-oci", "run", "--detach", "--bundle", b.dir, "--", b.id())
	t.Cleanup(func() { run(command("minictr-oci", "delete", "--force", b.id())).want(t, 0) })

	for what, cmd := range ways {
		cmd.Stdin, cmd.Stdout, cmd.Stderr = open(t, os.DevNull, os.O_RDONLY), open(t, os.DevNull, os.O_WRONLY), open(t,
			os.DevNull, os.O_WRONLY)
		run(cmd).want(t, 0)
		clean()
		if after := look(t, os.DevNull); after != before {
			t.Fatalf("%s: /dev/null has %s, had %s", what, after, before)
		}
	}
	for _, sign := range []string{"/begun", "/executed", "/checked"} {
		testkit.Eventually(t, sign, func() bool { return d.say("exec", "--", "ls", sign).code == 0 })
	}
	testkit.Eventually(t, "the detached one's end", func() bool {
		return strings.Contains(run(b.oci("state")).stdout, `"stopped"`)
	})
	testkit.Equal(t, os.DevNull, look(t, os.DevNull), before)
}

func open(t *testing.T, path string, flag int) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, flag, 0)
	testkit.Check(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}
