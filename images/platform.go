package images

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// choose picks, from the manifests of an index, the one for this machine. On
// arm the newest variant is taken first.
func choose(manifests []ocispec.Descriptor) (ocispec.Descriptor, error) {
	for _, variant := range variants(runtime.GOARCH) {
		for _, m := range manifests {
			p := m.Platform
			if p != nil && p.OS == runtime.GOOS && p.Architecture == runtime.GOARCH && (variant == "*" || p.Variant == variant) {
				return m, nil
			}
		}
	}
	if len(manifests) == 1 && manifests[0].Platform == nil {
		return manifests[0], nil
	}
	var have []string
	for _, m := range manifests {
		if p := m.Platform; p != nil && p.OS != "unknown" {
			have = append(have, strings.TrimSuffix(p.OS+"/"+p.Architecture+"/"+p.Variant, "/"))
		}
	}
	slices.Sort(have)
	return ocispec.Descriptor{}, fmt.Errorf("no image for %s/%s, only for %q", runtime.GOOS, runtime.GOARCH, have)
}

func variants(arch string) []string {
	switch arch {
	case "arm":
		return []string{"v7", "v6", "v5", ""}
	case "arm64":
		return []string{"v8", ""}
	}
	return []string{"", "*"}
}
