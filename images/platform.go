package images

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// hostPlatform returns the platform of this machine.
func hostPlatform() ocispec.Platform {
	return ocispec.Platform{OS: runtime.GOOS, Architecture: runtime.GOARCH}
}

// parsePlatform parses os/arch or os/arch/variant; "" is this machine.
func parsePlatform(text string) (ocispec.Platform, error) {
	if text == "" {
		return hostPlatform(), nil
	}
	part := strings.Split(text, "/")
	if len(part) < 2 || len(part) > 3 || slices.Contains(part, "") {
		err := fmt.Errorf("unknown platform %q", text)
		return ocispec.Platform{}, hint.New(err, "write os/arch[/variant], as in linux/arm64 or linux/arm/v7")
	}
	p := ocispec.Platform{OS: part[0], Architecture: part[1]}
	if len(part) == 3 {
		p.Variant = part[2]
	}
	return p, nil
}

// Check returns an error if the image is not for a platform, os/arch or
// os/arch/variant. "" is this machine.
func (i *Image) Check(platform string) error {
	want, err := parsePlatform(platform)
	if err != nil {
		return err
	}
	has := i.Config.Platform
	if has.OS != want.OS || has.Architecture != want.Architecture || want.Variant != "" && has.Variant != want.Variant {
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
			p := m.Platform
			if p == nil || p.OS != want.OS || p.Architecture != want.Architecture {
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
