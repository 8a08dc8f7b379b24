package config

// A label is a note about a container, for its users and for filters; an annotation is one
// in its OCI config, for hooks and for other programs that read the config.

import (
	"fmt"
	"maps"
	"strings"
)

// mergeLabels returns the labels of the image, of --label-file and of --label; a later one
// wins.
func mergeLabels(o *Options, image map[string]string, host Host) (map[string]string, error) {
	all := map[string]string{}
	maps.Copy(all, image)
	for _, file := range o.LabelFiles {
		err := host.readPairs("--label-file", file, func(name, value string, _ bool) { all[name] = value })
		if err != nil {
			return nil, err
		}
	}
	for _, word := range o.Labels {
		name, value, _ := strings.Cut(word, "=")
		if name == "" {
			return nil, fmt.Errorf("--label %q: no name", word)
		}
		all[name] = value
	}
	return all, nil
}

// setAnnotations sets the annotations of --annotation.
func (b *builder) setAnnotations() error {
	for _, word := range b.o.Annotations {
		name, value, _ := strings.Cut(word, "=")
		if name == "" || strings.ContainsRune(word, 0) {
			return fmt.Errorf("--annotation %q: not NAME=VALUE", word)
		}
		if b.spec.Annotations == nil {
			b.spec.Annotations = map[string]string{}
		}
		b.spec.Annotations[name] = value
	}
	return nil
}
