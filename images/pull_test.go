package images

import (
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

	"github.com/minictr/minictr/images/registry"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A testRegistry is a registry that serves an archive, whatever the name, and notes
// what it was asked for. Tags are the annotated names of index.json.
type testRegistry struct {
	archive
	tag  ocispec.Descriptor // what each tag means
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

// noPasswords keeps the passwords of whoever tests out of the tests.
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
		spoil := s.intercept
		s.mu.Unlock()
		if spoil == nil || !spoil(d, w, r) {
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(data)))
		}
	default:
		http.NotFound(w, r)
	}
}

// fileOf is blobFile for what may be no digest.
func fileOf(d digest.Digest) string {
	if d.Validate() != nil {
		return ""
	}
	return blobFile(d)
}

func (s *testRegistry) setIntercept(spoil func(digest.Digest, http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intercept = spoil
}

// forget returns what was asked for, and begins anew.
func (s *testRegistry) takeAsked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

func (s *testRegistry) name() string { return s.host + "/some/image:tag" }

func (s *testRegistry) pull(ctx context.Context, store *Store) (*Pulled, error) {
	return store.Pull(ctx, s.name(), PullOptions{Settings: &registry.Settings{}})
}

func (s *testRegistry) mustPull(t *testing.T, store *Store) *Pulled {
	t.Helper()
	pulled, err := s.pull(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	return pulled
}

// noise is a layer of a file that does not compress.
func noise(t testing.TB, name string, size int) []byte {
	t.Helper()
	data := make([]byte, size)
	random := rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%-32.32s", name))))
	random.Read(data)
	return tarOf(t, map[string]string{name: string(data)})
}

func layersOf(t testing.TB, b archive, manifest ocispec.Descriptor) []ocispec.Descriptor {
	t.Helper()
	_, layers, err := parseManifest(b[blobFile(manifest.Digest)], manifest.MediaType)
	if err != nil {
		t.Fatal(err)
	}
	return layers
}

func readLayerFile(t *testing.T, s *Store, image *Image, name string) string {
	t.Helper()
	f, err := s.Layers().Open(image.Layers, name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestPull(t *testing.T) {
	b := archive{}
	manifest := b.image(t, tarOf(t, map[string]string{"a": "one"}), tarOf(t, map[string]string{"b": "two"}))
	remote := newTestRegistry(t, b, manifest)
	store := newStore(t)
	pulled := remote.mustPull(t, store)
	if !pulled.New || pulled.Digest != manifest.Digest || pulled.Name != remote.name() {
		t.Errorf("pulled %+v", pulled)
	}
	image, err := store.Image(remote.name())
	if err != nil {
		t.Fatal(err)
	}
	if image.Manifest != manifest.Digest || readLayerFile(t, store, image, "a")+readLayerFile(t, store, image, "b") != "onetwo" || image.Size != 6 {
		t.Errorf("image %+v", image)
	}
	if n := len(remote.takeAsked()); n != 3 {
		t.Errorf("%d blobs fetched, want a config and two layers", n)
	}
	if again := remote.mustPull(t, store); again.New {
		t.Error("the second pull says that the image is new")
	}
	if asked := remote.takeAsked(); len(asked) > 0 {
		t.Errorf("fetched though they are here: %q", asked)
	}
	at, err := store.Pull(t.Context(), remote.host+"/some/image@"+manifest.Digest.String(), PullOptions{Settings: &registry.Settings{}})
	if err != nil || at.Digest != manifest.Digest {
		t.Errorf("by digest: %+v, %v", at, err)
	}
}

func TestPullOnlyWhatIsMissing(t *testing.T) {
	base := tarOf(t, map[string]string{"base": "1"})
	b := archive{}
	first := b.image(t, base, tarOf(t, map[string]string{"a": "1"}))
	second := b.image(t, base, tarOf(t, map[string]string{"b": "1"}))
	remote := newTestRegistry(t, b, first)
	store := newStore(t)
	remote.mustPull(t, store)
	remote.takeAsked()
	remote.tag = second
	if pulled := remote.mustPull(t, store); !pulled.New {
		t.Error("another image under the name, and it is not new")
	}
	shared := layersOf(t, b, second)[0].Digest.String()
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
		if err != nil {
			t.Fatal(err)
		}
		offers = append(offers, b.imageFor(t, p, tarOf(t, map[string]string{"platform": text})))
	}
	index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: offers}
	index.SchemaVersion = 2
	remote := newTestRegistry(t, b, b.json(t, ocispec.MediaTypeImageIndex, index))
	store := newStore(t)
	for asked, want := range map[string]string{
		"linux/arm64": "linux/arm64/v8", "linux/arm": "linux/arm/v7", "linux/arm/v6": "linux/arm/v6", "linux/s390x": "linux/s390x",
	} {
		pulled, err := store.Pull(t.Context(), remote.name(), PullOptions{Settings: &registry.Settings{}, Platform: asked})
		if err != nil {
			t.Errorf("%s: %v", asked, err)
			continue
		}
		image, err := store.Image(remote.name())
		if err != nil {
			t.Fatal(err)
		}
		if got := readLayerFile(t, store, image, "platform"); got != want || pulled.Digest != remote.tag.Digest {
			t.Errorf("%s: the image for %s, digest %s", asked, got, pulled.Digest)
		}
	}
	_, err := store.Pull(t.Context(), remote.name(), PullOptions{Settings: &registry.Settings{}, Platform: "linux/riscv64"})
	if err == nil || !strings.Contains(err.Error(), "only for") {
		t.Errorf("riscv64: %v", err)
	}
}

// imageFor makes an image whose config says its platform.
func (b archive) imageFor(t testing.TB, p ocispec.Platform, layer []byte) ocispec.Descriptor {
	t.Helper()
	config := configOf(layer)
	config.Platform = p
	d := b.json(t, ocispec.MediaTypeImageManifest, manifestOf(b.json(t, ocispec.MediaTypeImageConfig, config), b.blob(ocispec.MediaTypeImageLayerGzip, gzipped(t, layer))))
	d.Platform = &p
	return d
}

func TestPullErrors(t *testing.T) {
	b := archive{}
	manifest := b.image(t, tarOf(t, map[string]string{"a": "one"}))
	remote := newTestRegistry(t, b, manifest)
	store := newStore(t)
	for platform, want := range map[string]string{"linux/s390x": "no image for linux/s390x, only for linux/amd64", "linux": "unknown platform"} {
		_, err := store.Pull(t.Context(), remote.name(), PullOptions{Settings: &registry.Settings{}, Platform: platform})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", platform, err)
		}
	}
	_, err := store.Pull(t.Context(), remote.host+"/some/image@sha256:"+strings.Repeat("0", 64), PullOptions{Settings: &registry.Settings{}})
	if !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("unknown digest: %v", err)
	}
	wantEmpty(t, store)
}

// wantEmpty: nothing of a failed pull can be seen, or lies in blobs or layers.
func wantEmpty(t *testing.T, s *Store) {
	t.Helper()
	for _, pattern := range []string{"index.json", "blobs/sha256/*", "layers/*", "tmp/*"} {
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

// A pull that was interrupted goes on where it stopped, in another process.
func TestPullGoesOn(t *testing.T) {
	b := archive{}
	manifest := b.image(t, noise(t, "large", 4<<20))
	layer := layersOf(t, b, manifest)[0]
	remote := newTestRegistry(t, b, manifest)
	store := newStore(t)
	ctx, interrupt := context.WithCancel(t.Context())
	remote.setIntercept(func(d digest.Digest, w http.ResponseWriter, r *http.Request) bool {
		if d != layer.Digest {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(layer.Size))
		w.Write(b[blobFile(d)][:3<<20])
		w.(http.Flusher).Flush()
		for partialSize(store, layer.Digest) < 1<<20 && r.Context().Err() == nil {
			time.Sleep(time.Millisecond)
		}
		interrupt()
		<-r.Context().Done()
		return true
	})
	if _, err := remote.pull(ctx, store); err == nil {
		t.Fatal("no error, though it was interrupted")
	}
	begun := partialSize(store, layer.Digest)
	if begun < 1<<20 {
		t.Fatalf("%d bytes are kept", begun)
	}
	remote.setIntercept(nil)
	remote.takeAsked()
	remote.mustPull(t, store)
	if asked := remote.takeAsked(); !slices.Contains(asked, fmt.Sprintf("%s bytes=%d-", layer.Digest, begun)) {
		t.Errorf("asked for %q, and %d bytes were here", asked, begun)
	}
	if n := partialSize(store, layer.Digest); n != -1 {
		t.Errorf("%d bytes are left in partial", n)
	}
}

func TestPullSurvivesCut(t *testing.T) {
	b := archive{}
	manifest := b.image(t, noise(t, "large", 1<<20))
	layer := layersOf(t, b, manifest)[0]
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
	if cuts != 3 {
		t.Errorf("%d cuts", cuts)
	}
}

// cutAfter ends the connection after some bytes.
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
	manifest := b.image(t, noise(t, "file", 1<<20))
	layer := layersOf(t, b, manifest)[0]
	other := gzipped(t, noise(t, "evil", 1<<20))
	for name, bytes := range map[string][]byte{
		"another layer":  append(other, make([]byte, max(0, int(layer.Size)-len(other)))...)[:layer.Size],
		"no layer":       make([]byte, layer.Size),
		"last byte":      flipped(b[blobFile(layer.Digest)], -1),
		"in the middle":  flipped(b[blobFile(layer.Digest)], 1<<19),
		"same tar":       flipped(b[blobFile(layer.Digest)], 9), // gzip's name of a system
		"shorter":        b[blobFile(layer.Digest)][:1<<19],
		"more than said": append(slices.Clone(b[blobFile(layer.Digest)]), 0),
	} {
		t.Run(name, func(t *testing.T) {
			remote := newTestRegistry(t, b, manifest)
			store := newStore(t)
			remote.setIntercept(func(d digest.Digest, w http.ResponseWriter, r *http.Request) bool {
				if d == layer.Digest {
					http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(bytes)))
				}
				return d == layer.Digest
			})
			if _, err := remote.pull(t.Context(), store); err == nil {
				t.Error("no error")
			}
			wantEmpty(t, store)
			remote.setIntercept(nil)
			remote.mustPull(t, store) // the wrong bytes are not gone on with
		})
	}
}

func flipped(data []byte, at int) []byte {
	data = slices.Clone(data)
	data[(at+len(data))%len(data)] ^= 1
	return data
}

// What lies in partial/ may be anything: a disk that was full, a power cut.
func TestPullDiscardsCorruptPartial(t *testing.T) {
	b := archive{}
	manifest := b.image(t, noise(t, "file", 1<<20))
	layer := layersOf(t, b, manifest)[0]
	right := b[blobFile(layer.Digest)]
	for name, begun := range map[string][]byte{
		"zeros": make([]byte, 1<<19), "one bit": flipped(right, 1000)[:1<<19], "all, and wrong": flipped(right, 1000),
		"more": append(slices.Clone(right), right...), "all": right,
	} {
		t.Run(name, func(t *testing.T) {
			remote := newTestRegistry(t, b, manifest)
			store := newStore(t)
			if err := store.create(); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(store.path("partial"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(store.path("partial", layer.Digest.Encoded()), begun, 0o600); err != nil {
				t.Fatal(err)
			}
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
	right := tarOf(t, map[string]string{"a": "one"})
	config := b.json(t, ocispec.MediaTypeImageConfig, configOf(tarOf(t, map[string]string{"a": "other"})))
	manifest := b.json(t, ocispec.MediaTypeImageManifest, manifestOf(config, b.blob(ocispec.MediaTypeImageLayerGzip, gzipped(t, right))))
	store := newStore(t)
	_, err := newTestRegistry(t, b, manifest).pull(t.Context(), store)
	if err == nil || !strings.Contains(err.Error(), "diff ID") {
		t.Errorf("error %v", err)
	}
	wantEmpty(t, store)
}

// A layer that is here under its diff ID is not taken for another blob's.
func TestPulledKnownLayerNeedsItsBlob(t *testing.T) {
	b := archive{}
	good, evil := tarOf(t, map[string]string{"a": "good"}), tarOf(t, map[string]string{"a": "evil"})
	remote := newTestRegistry(t, b, b.image(t, good, evil))
	store := newStore(t)
	remote.mustPull(t, store)
	config := b.json(t, ocispec.MediaTypeImageConfig, configOf(evil))
	remote.tag = b.json(t, ocispec.MediaTypeImageManifest, manifestOf(config, b.blob(ocispec.MediaTypeImageLayerGzip, gzipped(t, good))))
	if _, err := remote.pull(t.Context(), store); err == nil {
		t.Error("the blob of one layer and the diff ID of another make an image")
	}
}

func TestPulledIndexDepthLimited(t *testing.T) {
	b := archive{}
	d := b.image(t, tarOf(t, map[string]string{"a": "one"}))
	p := hostPlatform()
	for range maxDepth + 1 {
		d.Platform = &p
		index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{d}}
		index.SchemaVersion = 2
		d = b.json(t, ocispec.MediaTypeImageIndex, index)
	}
	store := newStore(t)
	_, err := newTestRegistry(t, b, d).pull(t.Context(), store)
	if err == nil || !strings.Contains(err.Error(), "nested deeper") {
		t.Errorf("error %v", err)
	}
	wantEmpty(t, store)
}

// Two pulls at once share the work.
func TestTwoPulls(t *testing.T) {
	b := archive{}
	manifest := b.image(t, noise(t, "a", 1<<20), noise(t, "b", 1<<20), noise(t, "c", 1<<20), noise(t, "d", 1<<20))
	remote := newTestRegistry(t, b, manifest)
	store := newStore(t)
	remote.setIntercept(func(d digest.Digest, w http.ResponseWriter, r *http.Request) bool {
		time.Sleep(50 * time.Millisecond) // so that they meet
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
	for _, l := range layersOf(t, b, manifest) {
		if n := count[l.Digest.String()+" "]; n != 1 {
			t.Errorf("layer %s was fetched %d times", l.Digest, n)
		}
	}
	if _, err := store.Image(remote.name()); err != nil {
		t.Error(err)
	}
}

// A pull that is interrupted late leaves whole layers, which are not fetched
// again, and which prune removes.
func TestPullKeepsLayers(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the retries of a download")
	}
	b := archive{}
	manifest := b.image(t, noise(t, "a", 1000), noise(t, "b", 1000))
	first, last := layersOf(t, b, manifest)[0], layersOf(t, b, manifest)[1]
	remote := newTestRegistry(t, b, manifest)
	store := newStore(t)
	fail := func(d digest.Digest, w http.ResponseWriter, r *http.Request) bool {
		if d == last.Digest {
			for _, err := os.Stat(store.blobPath(first.Digest)); err != nil && r.Context().Err() == nil; _, err = os.Stat(store.blobPath(first.Digest)) {
				time.Sleep(time.Millisecond)
			}
			w.WriteHeader(http.StatusNotFound)
		}
		return d == last.Digest
	}
	remote.setIntercept(fail)
	for range 2 {
		if _, err := remote.pull(t.Context(), store); err == nil {
			t.Fatal("no error")
		}
	}
	if asked := remote.takeAsked(); count(asked, first.Digest) != 1 {
		t.Errorf("the layer that is here is fetched again: %q", asked)
	}
	pruned, err := store.Prune(false)
	if err != nil || pruned.Freed == 0 {
		t.Errorf("pruned %+v, %v", pruned, err)
	}
	wantNoBlobs(t, store)
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

func wantNoBlobs(t *testing.T, s *Store) {
	t.Helper()
	for _, pattern := range []string{"blobs/sha256/*", "layers/sha256/*", "partial/*", "tmp/*"} {
		if left, err := filepath.Glob(s.path(pattern)); err != nil || len(left) > 0 {
			t.Errorf("left over: %q, %v", left, err)
		}
	}
}
