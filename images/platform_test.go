package images

import (
	"runtime"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A platform has the names that docker takes.
func TestPlatformNames(t *testing.T) {
	for text, want := range map[string]string{
		"arm64": "linux/arm64", "aarch64": "linux/arm64", "linux/aarch64": "linux/arm64",
		"linux/arm64/v8": "linux/arm64/v8",
		"x86_64":         "linux/amd64", "linux/x86-64": "linux/amd64", "Linux/AMD64": "linux/amd64",
		"i386":  "linux/386",
		"armhf": "linux/arm", "linux/armel": "linux/arm/v6", "linux/arm/7": "linux/arm/v7", "arm": "linux/arm",
		"windows/amd64": "windows/amd64", "linux": "linux/" + runtime.GOARCH, "": "linux/" + runtime.GOARCH,
		"linux/riscv64": "linux/riscv64", "macos/arm64": "darwin/arm64", "linux/amd64/v3": "linux/amd64/v3",
	} {
		p, err := parsePlatform(text)
		if err != nil || platformName(p) != want {
			t.Errorf("%q is %s, %v; want %s", text, platformName(p), err, want)
		}
	}
	for _, text := range []string{"nowhere", "linux/", "/amd64", "linux/*", "a/b/c/d", "windows(10.0)/amd64", " "} {
		if p, err := parsePlatform(text); err == nil {
			t.Errorf("%q is taken for %s", text, platformName(p))
		}
	}
}

// An image runs where docker would run it, whatever name its config has for that.
func TestImageRunsOnPlatform(t *testing.T) {
	for _, tt := range []struct {
		want, arch, variant string
		runs                bool
	}{
		{"arm64", "arm64", "", true}, {"linux/arm64/v8", "arm64", "", true}, {"arm64", "arm64", "v8", true},
		{"linux/x86_64", "x86_64", "", true}, {"amd64", "arm64", "", false},
		{"linux/arm/v7", "arm", "v6", true}, {"linux/arm/v6", "arm", "v7", false}, {"arm", "arm", "", true},
	} {
		image := &Image{}
		image.Config.Platform = ocispec.Platform{OS: "linux", Architecture: tt.arch, Variant: tt.variant}
		testkit.Equal(t, tt.want+" on "+tt.arch+tt.variant, image.Check(tt.want) == nil, tt.runs)
	}
}

// FuzzPlatform parses any platform: the result, spelt out, is parsed to the same.
func FuzzPlatform(f *testing.F) {
	for _, seed := range []string{"arm64", "linux/arm/v7", "Linux/X86_64", "windows(1)/amd64", "armhf", "a/b/c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePlatform(text)
		if err != nil {
			return
		}
		again, err := parsePlatform(platformName(p))
		if err != nil || platformName(again) != platformName(p) {
			t.Fatalf("%q is %s, and that is %s, %v", text, platformName(p), platformName(again), err)
		}
	})
}
