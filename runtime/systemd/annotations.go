package systemd

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	sd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
)

// Annotation is the prefix of annotations that set a property of the scope, with a value in
// the text format of GVariant: "org.systemd.property.TimeoutStopUSec": "uint64 5000000".
const Annotation = "org.systemd.property."

// annotated returns the properties that annotations of the config set, as runc does: names
// are letters, at least three, and NameSec is NameUSec in seconds.
func annotated(annotations map[string]string) (list []sd.Property, err error) {
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		name, ok := strings.CutPrefix(key, Annotation)
		if !ok {
			continue
		}
		if len(name) < 3 || strings.Trim(name, letters) != "" {
			return nil, fmt.Errorf("annotations: %s: not the name of a property", key)
		}
		value, err := dbus.ParseVariant(annotations[key], dbus.Signature{})
		if short, seconds := strings.CutSuffix(name, "Sec"); err == nil && seconds && !strings.HasSuffix(name, "USec") {
			name = short + "USec"
			value, err = microseconds(value)
		}
		if err != nil {
			return nil, fmt.Errorf("annotations: %s: %q: %w", key, annotations[key], err)
		}
		list = append(list, sd.Property{Name: name, Value: value})
	}
	return list, nil
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// microseconds converts a number of seconds of any type.
func microseconds(v dbus.Variant) (dbus.Variant, error) {
	const million = 1000000
	var n uint64
	switch value := v.Value().(type) {
	case float64:
		n = uint64(value * million)
	case int32:
		n = uint64(value) * million
	case uint32:
		n = uint64(value) * million
	case int64:
		n = uint64(value) * million
	case uint64:
		n = value * million
	default:
		return v, fmt.Errorf("not a number of seconds")
	}
	return dbus.MakeVariant(n), nil
}
