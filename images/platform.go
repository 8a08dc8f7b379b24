package images

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/minictr/minictr/hint"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// hostPlatform returns the platform of this machine.
func hostPlatform() ocispec.Platform {
	return ocispec.Platform{OS: runtime.GOOS, Architecture: runtime.GOARCH}
}

// parsePlatform parses a platform as docker does: os/arch, os/arch/variant, or one of os
// and arch, the other being this machine's. x86_64, aarch64, armhf and the like are other
// names of architectures. "" is this machine.
func parsePlatform(text string) (ocispec.Platform, error) {
	if text == "" {
		return hostPlatform(), nil
	}
	p, err := platforms.Parse(text)
	if err == nil && p.OSVersion != "" {
		err = errors.New("versions of an operating system are not supported")
	}
	if err != nil {
		err = fmt.Errorf("unknown platform %w", err)
		return ocispec.Platform{}, hint.New(err, "write os/arch[/variant], as in linux/arm64 or linux/arm/v7")
	}
	return p, nil
}

// normalize gives the names in an index or a config their usual form. It adds no variant.
func normalize(p ocispec.Platform) ocispec.Platform {
	n := platforms.Normalize(p)
	if p.Variant == "" && n.Architecture == p.Architecture {
		n.Variant = ""
	}
	return n
}

// runs reports whether an image for a platform runs where want is asked for.
func runs(want, has ocispec.Platform) bool {
	has = normalize(has)
	return has.OS == want.OS && has.Architecture == want.Architecture &&
		(want.Variant == "" || slices.Contains(variants(want), has.Variant))
}

// Check returns an error if the image is not for a platform, os/arch or
// os/arch/variant. "" is this machine.
func (i *Image) Check(platform string) error {
	want, err := parsePlatform(platform)
	if err != nil {
		return err
	}
	if has := i.Config.Platform; !runs(want, has) {
		return fmt.Errorf("image is for %s, not for %s", platformName(has), platformName(want))
	}
	return nil
}

// choosePlatform returns the manifest of an index for a platform; on arm, the one
// for the newest variant that runs there.
func choosePlatform(want ocispec.Platform, manifests []ocispec.Descriptor) (ocispec.Descriptor, error) {
	// the best variant
	for _, variant := range variants(want) {
		for _, m := range manifests {
			if m.Platform == nil {
				continue
			}
			p := normalize(*m.Platform)
			if p.OS != want.OS || p.Architecture != want.Architecture {
				continue
			}
			if variant == "*" || p.Variant == variant {
				return m, nil
			}
		}
	}
	if len(manifests) == 1 && manifests[0].Platform == nil {
		return manifests[0], nil
	}
	// none: list the others
	var have []string
	for _, m := range manifests {
		if p := m.Platform; p != nil && p.OS != "unknown" {
			have = append(have, platformName(*p))
		}
	}
	slices.Sort(have)
	return ocispec.Descriptor{}, fmt.Errorf("no image for %s, only for %q", platformName(want), have)
}

func platformName(p ocispec.Platform) string {
	return strings.TrimSuffix(p.OS+"/"+p.Architecture+"/"+p.Variant, "/")
}

// variants returns the variants that a platform runs, the best first; "*" is any.
func variants(p ocispec.Platform) []string {
	all := []string{"", "*"}
	switch p.Architecture {
	case "arm":
		all = []string{"v7", "v6", "v5", ""}
	case "arm64":
		all = []string{"v8", ""}
	}
	if at := slices.Index(all, p.Variant); p.Variant != "" && at >= 0 {
		return all[at:]
	}
	if p.Variant != "" {
		return []string{p.Variant}
	}
	return all
}
