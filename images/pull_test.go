package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images/registry"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A testRegistry serves an archive under any name, and records the requests for
// blobs.
type testRegistry struct {
	archive
	tag  ocispec.Descriptor // the image of every tag
	host string

	mu        sync.Mutex
	asked     []string // "<digest> <Range>" of blobs
	intercept func(d digest.Digest, w http.ResponseWriter, r *http.Request) (done bool)
}

func newTestRegistry(t *testing.T, b archive, tag ocispec.Descriptor) *testRegistry {
	t.Helper()
	noPasswords(t)
	s := &testRegistry{archive: b, tag: tag}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.host = strings.TrimPrefix(server.URL, "http://")
	return s
}

// noPasswords hides the passwords of the user from the tests.
func noPasswords(t *testing.T) {
	home := t.TempDir()
	for _, name := range []string{"HOME", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"} {
		t.Setenv(name, home)
	}
}

func (s *testRegistry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, ref := filepath.Split(r.URL.Path)
	d := digest.Digest(ref)
	data, ok := s.archive[fileOf(d)]
	switch {
	case r.URL.Path == "/v2/":
	case strings.HasSuffix(kind, "/manifests/") && !strings.Contains(ref, ":"):
		w.Header().Set("Content-Type", s.tag.MediaType)
		w.Write(s.archive[blobFile(s.tag.Digest)])
	case strings.HasSuffix(kind, "/manifests/") && ok:
		first, _, _ := strings.Cut(r.Header.Get("Accept"), ",")
		w.Header().Set("Content-Type", first)
		w.Write(data)
	case strings.HasSuffix(kind, "/blobs/") && ok:
		s.mu.Lock()
		s.asked = append(s.asked, ref+" "+r.Header.Get("Range"))
		intercept := s.intercept
		s.mu.Unlock()
		if intercept == nil || !intercept(d, w, r) {
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(data)))
		}
	default:
		http.NotFound(w, r)
	}
}

// fileOf returns "" for an invalid digest.
func fileOf(d digest.Digest) string {
	if d.Validate() != nil {
		return ""
	}
	return blobFile(d)
}

func (s *testRegistry) setIntercept(intercept func(digest.Digest, http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intercept = intercept
}

// takeAsked returns the requests since the last call.
func (s *testRegistry) takeAsked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

func (s *testRegistry) name() string { return s.host + "/some/image:tag" }

func (s *testRegistry) pull(ctx context.Context, store *Store) (*Pulled, error) {
	return s.pullFor(ctx, store, "")
}

func (s *testRegistry) pullFor(ctx context.Context, store *Store, platform string) (*Pulled, error) {
	var asked []string
	if platform != "" {
		asked = []string{platform}
	}
	return store.Pull(ctx, s.name(), PullOptions{Settings: &registry.Settings{}, Platforms: asked})
}

func (s *testRegistry) mustPull(t *testing.T, store *Store) *Pulled {
	t.Helper()
	pulled, err := s.pull(t.Context(), store)
	testkit.Check(t, err)
	return pulled
}

// noise returns a layer with a file that cannot be compressed.
func noise(name string, size int) []byte {
	data := make([]byte, size)
	rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%-32.32s", name)))).Read(data)
	return tarOf(name, string(data))
}

func layersOf(a archive, manifest ocispec.Descriptor) []ocispec.Descriptor {
	_, layers, err := parseManifest(a[blobFile(manifest.Digest)], manifest.MediaType)
	if err != nil {
		panic(err)
	}
	return layers
}

func TestPull(t *testing.T) {
	b := archive{}
	manifest := b.image(tarOf("a", "one"), tarOf("b", "two"))
	remote := newTestRegistry(t, b, manifest)
	store := newStore(t)
	pulled := remote.mustPull(t, store)
	if !pulled.New || pulled.Digest != manifest.Digest || pulled.Name != remote.name() {
		t.Errorf("pulled %+v", pulled)
	}
	image := mustImage(t, store, remote.name())
	if image.Manifest != manifest.Digest || image.Size != 6 {
		t.Errorf("image %+v", image)
	}
	wantFile(t, store, image, "a", "one")
	wantFile(t, store, image, "b", "two")
	testkit.Equal(t, "a config and two layers are fetched: blobs", len(remote.takeAsked()), 3)
	if again := remote.mustPull(t, store); again.New {
		t.Error("the second pull says that the image is new")
	}
	if asked := remote.takeAsked(); len(asked) > 0 {
		t.Errorf("fetched again: %q", asked)
	}
	byDigest := remote.host + "/some/image@" + manifest.Digest.String()
	at, err := store.Pull(t.Context(), byDigest, PullOptions{Settings: &registry.Settings{}})
	if err != nil || at.Digest != manifest.Digest {
		t.Errorf("by digest: %+v, %v", at, err)
	}
}

func TestPullOnlyWhatIsMissing(t *testing.T) {
	base := tarOf("base", "1")
	b := archive{}
	first := b.image(base, tarOf("a", "1"))
	second := b.image(base, tarOf("b", "1"))
	remote := newTestRegistry(t, b, first)
	store := newStore(t)
	remote.mustPull(t, store)
	remote.takeAsked()
	remote.tag = second
	if pulled := remote.mustPull(t, store); !pulled.New {
		t.Error("another image of the same name is not new")
	}
	shared := layersOf(b, second)[0].Digest.String()
	for _, asked := range remote.takeAsked() {
		if strings.HasPrefix(asked, shared) {
			t.Error("the shared layer is fetched again")
		}
	}
}

func TestPullPlatform(t *testing.T) {
	b := archive{}
	platforms := []string{"linux/amd64", "linux/arm64/v8", "linux/arm/v6", "linux/arm/v7", "linux/s390x"}
	var offers []ocispec.Descriptor
	for _, text := range platforms {
		p, err := parsePlatform(text)
		testkit.Check(t, err)
		offers = append(offers, b.imageFor(p, tarOf("platform", text)))
	}
	remote := newTestRegistry(t, b, b.json(ocispec.MediaTypeImageIndex, indexOf(offers...)))
	store := newStore(t)
	for asked, want := range map[string]string{
		"linux/arm64": "linux/arm64/v8", "linux/arm": "linux/arm/v7", "linux/arm/v6": "linux/arm/v6",
		"linux/s390x": "linux/s390x",
	} {
		pulled, err := remote.pullFor(t.Context(), store, asked)
		if err != nil {
			t.Errorf("%s: %v", asked, err)
			continue
		}
		image := mustImage(t, store, remote.name())
		wantFile(t, store, image, "platform", want)
		testkit.Equal(t, asked+": digest", pulled.Digest, remote.tag.Digest)
	}
	_, err := remote.pullFor(t.Context(), store, "linux/riscv64")
	testkit.WantError(t, "riscv64", err, "only for")
}

// imageFor adds an image for a platform.
func (a archive) imageFor(p ocispec.Platform, layer []byte) ocispec.Descriptor {
	config := configOf(layer)
	config.Platform = p
	d := a.imageOf(config, a.blob(ocispec.MediaTypeImageLayerGzip, testkit.Gzip(layer)))
	d.Platform = &p
	return d
}

func TestPullErrors(t *testing.T) {
	b := archive{}
	manifest := b.image(tarOf("a", "one"))
	remote := newTestRegistry(t, b, manifest)
	store := newStore(t)
	for platform, want := range map[string]string{
		"linux/s390x": "no image for linux/s390x, only for linux/amd64", "nowhere": "unknown platform",
	} {
		_, err := remote.pullFor(t.Context(), store, platform)
		testkit.WantError(t, platform, err, want)
	}
	missing := remote.host + "/some/image@sha256:" + strings.Repeat("0", 64)
	_, err := store.Pull(t.Context(), missing, PullOptions{Settings: &registry.Settings{}})
	if !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("unknown digest: %v", err)
	}
	wantEmpty(t, store)
}

// wantEmpty fails if a failed pull left a file, except in partial.
func wantEmpty(t *testing.T, s *Store) {
	t.Helper()
	wantNone(t, s, "index.json", "blobs/sha256/*", "layers/*", "tmp/*")
}

func wantNone(t *testing.T, s *Store, patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		if left, err := filepath.Glob(s.path(pattern)); err != nil || len(left) > 0 {
			t.Errorf("left over: %q, %v", left, err)
		}
	}
}

func partialSize(s *Store, d digest.Digest) int64 {
	st, err := os.Stat(s.path("partial", d.Encoded()))
	if errors.Is(err, fs.ErrNotExist) {
		return -1
	}
	return st.Size()
}

// An interrupted pull is resumed by the next one.
func TestPullResumes(t *testing.T) {
	b := archive{}
	manifest := b.image(noise("large", 4<<20))
	layer := layersOf(b, manifest)[0]
	remote := newTestRegistry(t, b, manifest)
	store := newStore(t)
	// interrupt the pull after the first MiB
	ctx, interrupt := context.WithCancel(t.Context())
	remote.setIntercept(func(d digest.Digest, w http.ResponseWriter, r *http.Request) bool {
		if d != layer.Digest {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(layer.Size))
		w.Write(b[blobFile(d)][:3<<20])
		w.(http.Flusher).Flush()
		testkit.Within(func() bool { return partialSize(store, layer.Digest) >= 1<<20 || r.Context().Err() != nil })
		interrupt()
		<-r.Context().Done()
		return true
	})
	if _, err := remote.pull(ctx, store); err == nil {
		t.Fatal("no error of an interrupted pull")
	}
	begun := partialSize(store, layer.Digest)
	if begun < 1<<20 {
		t.Fatalf("%d bytes are in partial", begun)
	}
	// pull again
	remote.setIntercept(nil)
	remote.takeAsked()
	remote.mustPull(t, store)
	if asked := remote.takeAsked(); !slices.Contains(asked, fmt.Sprintf("%s bytes=%d-", layer.Digest, begun)) {
		t.Errorf("requests %q, with %d bytes in partial", asked, begun)
	}
	testkit.Equal(t, "bytes left in partial", partialSize(store, layer.Digest), -1)
}

func TestPullSurvivesCut(t *testing.T) {
	b := archive{}
	manifest := b.image(noise("large", 1<<20))
	layer := layersOf(b, manifest)[0]
	remote := newTestRegistry(t, b, manifest)
	cuts := 0
	remote.setIntercept(func(d digest.Digest, w http.ResponseWriter, r *http.Request) bool {
		if d != layer.Digest || cuts == 3 {
			return false
		}
		cuts++
		http.ServeContent(cutAfter{w, 200 << 10}, r, "", time.Time{}, strings.NewReader(string(b[blobFile(d)])))
		return true
	})
	remote.mustPull(t, newStore(t))
	testkit.Equal(t, "cuts", cuts, 3)
}

// cutAfter closes the connection after n bytes.
type cutAfter struct {
	http.ResponseWriter
	n int
}

func (c cutAfter) ReadFrom(r io.Reader) (int64, error) {
	io.CopyN(c.ResponseWriter, r, int64(c.n))
	c.ResponseWriter.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func TestPullVerifiesDigest(t *testing.T) {
	b := archive{}
	manifest := b.image(noise("file", 1<<20))
	layer := layersOf(b, manifest)[0]
	other := testkit.Gzip(noise("evil", 1<<20))
	said := "its descriptor says " + layer.Digest.String()
	for name, sent := range map[string]struct {
		bytes []byte
		want  string // in the error
	}{
		"another layer":  {append(other, make([]byte, max(0, int(layer.Size)-len(other)))...)[:layer.Size], said},
		"no layer":       {make([]byte, layer.Size), said},
		"last byte":      {flipped(b[blobFile(layer.Digest)], -1), said},
		"in the middle":  {flipped(b[blobFile(layer.Digest)], 1<<19), said},
		"first byte":     {flipped(b[blobFile(layer.Digest)], 0), said},
		"same tar":       {flipped(b[blobFile(layer.Digest)], 9), said}, // the operating system in the header of gzip
		"shorter":        {b[blobFile(layer.Digest)][:1<<19], "the registry has only 524288 of the blob's"},
		"more than said": {append(slices.Clone(b[blobFile(layer.Digest)]), 0), "response is longer than the blob"},
	} {
		t.Run(name, func(t *testing.T) {
			bytes := sent.bytes
			remote := newTestRegistry(t, b, manifest)
			store := newStore(t)
			remote.setIntercept(func(d digest.Digest, w http.ResponseWriter, r *http.Request) bool {
				if d == layer.Digest {
					http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(bytes)))
				}
				return d == layer.Digest
			})
			_, err := remote.pull(t.Context(), store)
			testkit.WantError(t, "pull", err, sent.want)
			if sent.want == said && !strings.Contains(hint.Of(err), "pull again") {
				t.Errorf("hint %q", hint.Of(err))
			}
			wantEmpty(t, store)
			remote.setIntercept(nil)
			remote.mustPull(t, store) // the wrong bytes are dropped
		})
	}
}

// TestPullVerifiesConfig: an image config that is not the one of the manifest is refused.
func TestPullVerifiesConfig(t *testing.T) {
	b := archive{}
	manifest := b.image(tarOf("a", "1"))
	config, _, err := parseManifest(b[blobFile(manifest.Digest)], manifest.MediaType)
	testkit.Check(t, err)
	remote := newTestRegistry(t, b, manifest)
	remote.setIntercept(func(d digest.Digest, w http.ResponseWriter, r *http.Request) bool {
		if d == config.Digest {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(flipped(b[blobFile(d)], -1)))
		}
		return d == config.Digest
	})
	store := newStore(t)
	_, err = remote.pull(t.Context(), store)
	testkit.WantError(t, "pull", err, "blob "+config.Digest.String()+": digest is ")
	testkit.WantError(t, "hint", errors.New(hint.Of(err)), "pull again")
	remote.setIntercept(nil)
	remote.mustPull(t, store)
}

func flipped(data []byte, at int) []byte {
	data = slices.Clone(data)
	data[(at+len(data))%len(data)] ^= 1
	return data
}

// A file in partial/ may have any bytes, after a full disk or a power cut.
func TestPullDiscardsCorruptPartial(t *testing.T) {
	b := archive{}
	manifest := b.image(noise("file", 1<<20))
	layer := layersOf(b, manifest)[0]
	right := b[blobFile(layer.Digest)]
	for name, begun := range map[string][]byte{
		"zeros": make([]byte, 1<<19), "one bit": flipped(right, 1000)[:1<<19],
		"complete and wrong": flipped(right, 1000),
		"longer":             append(slices.Clone(right), right...), "complete": right,
	} {
		t.Run(name, func(t *testing.T) {
			remote := newTestRegistry(t, b, manifest)
			store := newStore(t)
			testkit.Check(t, store.Create())
			testkit.Check(t, os.Mkdir(store.path("partial"), 0o700))
			testkit.Check(t, os.WriteFile(store.path("partial", layer.Digest.Encoded()), begun, 0o600))
			remote.mustPull(t, store)
			data, err := os.ReadFile(store.blobPath(layer.Digest))
			if err != nil || digest.FromBytes(data) != layer.Digest {
				t.Errorf("blob of %d bytes, %v", len(data), err)
			}
		})
	}
}

func TestPullVerifiesDiffID(t *testing.T) {
	b := archive{}
	right := tarOf("a", "one")
	manifest := b.imageOf(configOf(tarOf("a", "other")), b.blob(ocispec.MediaTypeImageLayerGzip, testkit.Gzip(right)))
	store := newStore(t)
	_, err := newTestRegistry(t, b, manifest).pull(t.Context(), store)
	testkit.WantError(t, "pull", err, "diff ID")
	wantEmpty(t, store)
}

// A layer of the store is not used for another blob.
func TestPulledKnownLayerNeedsItsBlob(t *testing.T) {
	b := archive{}
	good, evil := tarOf("a", "good"), tarOf("a", "evil")
	remote := newTestRegistry(t, b, b.image(good, evil))
	store := newStore(t)
	remote.mustPull(t, store)
	remote.tag = b.imageOf(configOf(evil), b.blob(ocispec.MediaTypeImageLayerGzip, testkit.Gzip(good)))
	if _, err := remote.pull(t.Context(), store); err == nil {
		t.Error("pulled an image with the blob of one layer and the diff ID of another")
	}
}

func TestPulledIndexDepthLimited(t *testing.T) {
	b := archive{}
	d := b.image(tarOf("a", "one"))
	p := hostPlatform()
	for range maxDepth + 1 {
		d.Platform = &p
		d = b.json(ocispec.MediaTypeImageIndex, indexOf(d))
	}
	store := newStore(t)
	_, err := newTestRegistry(t, b, d).pull(t.Context(), store)
	testkit.WantError(t, "pull", err, "nested deeper")
	wantEmpty(t, store)
}

// Pulls at the same time download each layer once.
func TestPullsAtOnce(t *testing.T) {
	b := archive{}
	manifest := b.image(noise("a", 1<<20), noise("b", 1<<20), noise("c", 1<<20), noise("d", 1<<20))
	remote := newTestRegistry(t, b, manifest)
	store := newStore(t)
	remote.setIntercept(func(d digest.Digest, w http.ResponseWriter, r *http.Request) bool {
		time.Sleep(50 * time.Millisecond) // so that they overlap
		return false
	})
	var both sync.WaitGroup
	for range 3 {
		both.Go(func() {
			if _, err := remote.pull(t.Context(), store); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	count := make(map[string]int)
	for _, asked := range remote.takeAsked() {
		count[asked]++
	}
	for _, l := range layersOf(b, manifest) {
		testkit.Equal(t, fmt.Sprintf("requests for layer %s", l.Digest), count[l.Digest.String()+" "], 1)
	}
	if _, err := store.Image(remote.name()); err != nil {
		t.Error(err)
	}
}

// A pull that is interrupted late leaves complete layers, which the next pull uses
// and prune removes.
func TestPullKeepsLayers(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the retries of a download")
	}
	b := archive{}
	manifest := b.image(noise("a", 1000), noise("b", 1000))
	first, last := layersOf(b, manifest)[0], layersOf(b, manifest)[1]
	remote := newTestRegistry(t, b, manifest)
	store := newStore(t)
	// fail after the first layer is complete
	remote.setIntercept(func(d digest.Digest, w http.ResponseWriter, r *http.Request) bool {
		if d == last.Digest {
			testkit.Within(func() bool {
				_, err := os.Stat(store.blobPath(first.Digest))
				return err == nil || r.Context().Err() != nil
			})
			w.WriteHeader(http.StatusNotFound)
		}
		return d == last.Digest
	})
	for range 2 {
		if _, err := remote.pull(t.Context(), store); err == nil {
			t.Fatal("no error")
		}
	}
	if asked := remote.takeAsked(); count(asked, first.Digest) != 1 {
		t.Errorf("a layer of the store is fetched again: %q", asked)
	}
	// prune, and pull again
	pruned, err := store.Prune(false, nil)
	if err != nil || pruned.Freed == 0 {
		t.Errorf("pruned %+v, %v", pruned, err)
	}
	wantNone(t, store, "blobs/sha256/*", "layers/sha256/*", "partial/*", "tmp/*")
	remote.setIntercept(nil)
	remote.mustPull(t, store)
	if asked := remote.takeAsked(); count(asked, first.Digest) != 1 {
		t.Errorf("after prune: %q", asked)
	}
}

func count(asked []string, d digest.Digest) (n int) {
	for _, a := range asked {
		if strings.HasPrefix(a, d.String()) {
			n++
		}
	}
	return n
}
