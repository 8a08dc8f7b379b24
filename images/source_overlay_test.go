package images

import (
	"archive/tar"
	"bytes"
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/layers/index"
	"github.com/minictr/minictr/layers/stack"
	"github.com/opencontainers/go-digest"
)

// A stack is the kernel's overlay of the unpacked layers. The layers are random: a few
// names are files, directories, links, whiteouts and opaque directories by turns. A
// stack refuses what load refuses.
func TestStackIsOverlay(t *testing.T) {
	if testing.Short() {
		t.Skip("stacks some 150 random layers")
	}
	testkit.NeedRoot(t)
	s := newStore(t)
	refused := 0
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 0))
		var tars [][]byte
		for range 4 {
			data := randomLayer(random)
			for random.IntN(40) > 0 && !stacks(t, data) { // otherwise most are refused
				data = randomLayer(random)
			}
			tars = append(tars, data)
		}
		archive := writeTemp(t, dockerArchive(fmt.Sprintf("x:%d", seed), tars...).tar())
		_, loaded := s.Load(t.Context(), archive, LoadOptions{})
		src := openImage(t, archive, "")
		stacked, err := stack.New(indexesOf(t, src)...)
		if (loaded == nil) != (err == nil) {
			t.Errorf("seed %d: load says %v, stack says %v", seed, loaded, err)
		}
		if loaded != nil || err != nil {
			refused++
			continue
		}
		var ids []digest.Digest
		for _, l := range src.Layers {
			ids = append(ids, l.DiffID)
		}
		root := mountOverlay(t, s, s.Layers().Visible(ids))
		before := t.Failed()
		compare(t, listTree(t, fmt.Sprintf("/proc/self/fd/%d", root)), listStack(stacked))
		if t.Failed() && !before {
			t.Errorf("seed %d", seed)
		}
		testkit.Equal(t, fmt.Sprintf("seed %d: bytes of the tree", seed), stacked.Root.Size(), stacked.Visible())
	}
	if refused > 20 {
		t.Errorf("%d of 40 images are refused: too few are compared", refused)
	}
}

func stacks(t *testing.T, layer []byte) bool {
	t.Helper()
	x, err := index.Read(t.Context(), bytes.NewReader(layer))
	if err != nil {
		return false
	}
	_, err = stack.New(x)
	return err == nil
}

// randomLayer returns a layer of some entries with few names.
func randomLayer(random *rand.Rand) []byte {
	pick := func() string {
		name := ""
		for range 1 + random.IntN(3) {
			name = path.Join(name, string('a'+rune(random.IntN(3))))
		}
		return name
	}
	var entries []testkit.Entry
	for range 3 + random.IntN(6) {
		h := tar.Header{Name: pick(), Mode: int64(0o600 + random.IntN(64)), Uid: random.IntN(3)}
		h.ModTime = time.Unix(int64(random.IntN(1<<30)), 0)
		body := ""
		switch random.IntN(12) {
		case 0, 1, 2:
			h.Typeflag = tar.TypeDir
		case 3:
			h.Typeflag, h.Linkname = tar.TypeSymlink, "/"+pick()
		case 4:
			h.Typeflag, h.Linkname = tar.TypeLink, pick()
		case 5, 6:
			h.Name = path.Join(path.Dir(h.Name), ".wh."+path.Base(h.Name))
		case 7:
			h.Name = path.Join(h.Name, ".wh..wh..opq")
		default:
			body = strings.Repeat("\x00", random.IntN(100))
		}
		entries = append(entries, testkit.Entry{Header: h, Body: body})
	}
	return testkit.Tar(entries...)
}
