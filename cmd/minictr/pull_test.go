package main

// A pull that is killed at any moment leaves nothing visible, and the next one resumes.

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
)

// slowRegistry is a proxy of a docker-registry with the image demo. It limits the rate
// of blobs, in bytes a millisecond, and their number of bytes.
type slowRegistry struct {
	host    string
	rate    atomic.Int64 // 0: unlimited
	most    atomic.Int64 // 0: unlimited
	sent    atomic.Int64 // bytes of blobs
	sending atomic.Int64 // blobs
}

func newSlowRegistry(t *testing.T) *slowRegistry {
	t.Helper()
	testkit.NeedTool(t, "docker-registry", "skopeo")
	dir := t.TempDir()
	host, stop, err := startRegistry(dir, "plain", "")
	testkit.Check(t, err)
	t.Cleanup(stop)
	push := exec.Command("skopeo", "copy", "-q", "--dest-tls-verify=false", "docker-archive:"+testkit.DemoImage(t),
		"docker://"+host+"/demo")
	if out, err := push.CombinedOutput(); err != nil {
		t.Fatalf("skopeo: %v\n%s", err, out)
	}
	s := &slowRegistry{}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: host})
	proxy.ModifyResponse = func(r *http.Response) error {
		if strings.Contains(r.Request.URL.Path, "/blobs/") {
			s.sending.Add(1)
			r.Body = &slowBody{r.Body, r.Request.Context(), s}
		}
		return nil
	}
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) {}
	proxy.FlushInterval = -1
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	s.host = strings.TrimPrefix(server.URL, "http://")
	return s
}

type slowBody struct {
	io.ReadCloser
	request  context.Context
	registry *slowRegistry
}

func (b *slowBody) Close() error {
	b.registry.sending.Add(-1)
	return b.ReadCloser.Close()
}

func (b *slowBody) Read(p []byte) (int, error) {
	if rate := b.registry.rate.Load(); rate > 0 {
		time.Sleep(time.Millisecond)
		p = p[:min(len(p), int(rate))]
	}
	for most := b.registry.most.Load(); most > 0 && b.registry.sent.Load() >= most; time.Sleep(time.Millisecond) {
		if err := b.request.Err(); err != nil {
			return 0, err
		}
	}
	n, err := b.ReadCloser.Read(p)
	b.registry.sent.Add(int64(n))
	return n, err
}

func TestPullKilled(t *testing.T) {
	testkit.NeedRoot(t)
	registry := newSlowRegistry(t)
	root := t.TempDir()
	t.Setenv("MINICTR_ROOT", root)
	kept := int64(0)
	for range 5 {
		registry.most.Store(registry.sent.Load() + 100<<10)
		pull := exec.Command("minictr", "pull", registry.host+"/demo")
		testkit.Check(t, pull.Start())
		more := testkit.Within(func() bool { return partialBytes(t, root) > kept })
		pull.Process.Kill()
		pull.Wait()
		if !more {
			t.Fatalf("nothing comes, after %d bytes", kept)
		}
		if !testkit.Within(func() bool { return registry.sending.Load() == 0 }) {
			t.Fatal("the registry does not notice that the pull has died")
		}
		now := partialBytes(t, root)
		if now < kept {
			t.Errorf("%d bytes were here, now it is %d", kept, now)
		}
		kept = now
		testkit.Equal(t, "images", said(t, "images", "-q"), "")
	}
	registry.most.Store(0)
	registry.sent.Store(0)
	said(t, "pull", registry.host+"/demo")
	sent := registry.sent.Load()
	var size int64
	for _, blob := range glob(t, root, "blobs/sha256/*") {
		st, err := os.Stat(blob)
		testkit.Check(t, err)
		size += st.Size()
	}
	if sent+kept > size {
		t.Errorf("%d bytes were kept of %d, and yet %d came", kept, size, sent)
	}
	if left := append(glob(t, root, "tmp/*"), glob(t, root, "partial/*")...); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
	if out, err := exec.Command("minictr", "run", "--rm", registry.host+"/demo", "echo",
		"whole").Output(); err != nil || string(out) != "whole\n" {
		t.Errorf("run: %q, %v", out, err)
	}
}

func glob(t *testing.T, elem ...string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(elem...))
	testkit.Check(t, err)
	return files
}

// partialBytes is the number of bytes that an interrupted pull has left.
func partialBytes(t *testing.T, root string) (sum int64) {
	t.Helper()
	for _, file := range glob(t, root, "partial/*") {
		st, err := os.Stat(file)
		testkit.Check(t, err)
		sum += st.Size()
	}
	return sum
}

// TestCrashGettingAndGiving is TestCrash for further commands that change the store.
func TestCrashGettingAndGiving(t *testing.T) {
	testkit.NeedRoot(t)
	testkit.NeedTool(t, "strace")
	registry := newSlowRegistry(t)
	if st, err := os.Stat("/dev/shm"); err == nil && st.IsDir() {
		t.Setenv("TMPDIR", "/dev/shm") // where fsync is fast
	}
	load := []string{"load", "-i", testkit.DemoImage(t)}
	pull := []string{"pull", "-q", registry.host + "/demo"}
	tag := []string{"tag", "demo", "else"}
	prune := []string{"prune", "-a"}
	for name, c := range map[string]crash{
		"pull": {
			victim: pull, after: [][]string{pull}, left: registry.host + "/demo",
			calls: "renameat openat flock fsync syncfs mkdirat pwrite64 unlinkat symlinkat",
		},
		"tag": {
			before: [][]string{load}, victim: tag, after: [][]string{tag}, left: "else", kept: "demo",
			calls: "renameat openat flock fsync mkdirat unlinkat",
		},
		"prune": {
			before: [][]string{load}, victim: prune, after: [][]string{prune, load}, left: "demo",
			calls: "renameat openat flock fsync mkdirat unlinkat",
		},
	} {
		t.Run(name, func(t *testing.T) { c.test(t) })
	}
}

// TestPullProgress: on a terminal there is a line for each layer.
func TestPullProgress(t *testing.T) {
	testkit.NeedRoot(t)
	registry := newSlowRegistry(t)
	t.Setenv("MINICTR_ROOT", t.TempDir())
	registry.rate.Store(8 << 10)
	out, err := exec.Command("script", "-qec", "minictr pull "+registry.host+"/demo", "/dev/null").Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"\x1b[2A", "[==============================]", "Status: Downloaded newer image"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not in\n%s", want, fmt.Sprintf("%q", out))
		}
	}
}

// A command that Ctrl-C ends says so, and exits as shells expect.
func TestPullInterrupted(t *testing.T) {
	testkit.NeedRoot(t)
	registry := newSlowRegistry(t)
	t.Setenv("MINICTR_ROOT", t.TempDir())
	registry.most.Store(100 << 10)
	for signal, want := range map[os.Signal]int{os.Interrupt: 130, syscall.SIGTERM: 143} {
		for _, words := range [][]string{{"pull"}, {"run", "--rm"}} {
			pull := exec.Command("minictr", append(words, registry.host+"/demo")...)
			var stderr strings.Builder
			pull.Stderr = &stderr
			testkit.Check(t, pull.Start())
			if !testkit.Within(func() bool { return registry.sending.Load() > 0 }) {
				t.Fatal("the pull does not begin")
			}
			testkit.Check(t, pull.Process.Signal(signal))
			pull.Wait()
			testkit.Equal(t, fmt.Sprint(words, " exit code"), pull.ProcessState.ExitCode(), want)
			if text := stderr.String(); !strings.Contains(text, "minictr: interrupted by SIG") ||
				strings.Contains(text, "hint:") {
				t.Errorf("%s: %s", words, text)
			}
			if !testkit.Within(func() bool { return registry.sending.Load() == 0 }) {
				t.Fatal("the registry does not notice that the pull has ended")
			}
		}
	}
}
