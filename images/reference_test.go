package images

import (
	"strings"
	"testing"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/testkit"
)

func TestNames(t *testing.T) {
	for _, tt := range []struct{ short, full, familiar, repository, tag string }{
		{"ubuntu", "docker.io/library/ubuntu:latest", "ubuntu:latest", "ubuntu", "latest"},
		{"ubuntu:24.04", "docker.io/library/ubuntu:24.04", "ubuntu:24.04", "ubuntu", "24.04"},
		{"docker.io/ubuntu", "docker.io/library/ubuntu:latest", "ubuntu:latest", "ubuntu", "latest"},
		{"index.docker.io/library/ubuntu", "docker.io/library/ubuntu:latest", "ubuntu:latest", "ubuntu", "latest"},
		{"owner/name", "docker.io/owner/name:latest", "owner/name:latest", "owner/name", "latest"},
		{"ghcr.io/owner/name:v1", "ghcr.io/owner/name:v1", "ghcr.io/owner/name:v1", "ghcr.io/owner/name", "v1"},
		{"localhost/x", "localhost/x:latest", "localhost/x:latest", "localhost/x", "latest"},
		{"localhost:5000/x:y", "localhost:5000/x:y", "localhost:5000/x:y", "localhost:5000/x", "y"},
	} {
		full, err := Normalize(tt.short)
		if err != nil || full != tt.full {
			t.Errorf("%s: %s, %v", tt.short, full, err)
			continue
		}
		familiar := Familiar(full)
		if repository, tag := Split(familiar); familiar != tt.familiar || repository != tt.repository || tag != tt.tag {
			t.Errorf("%s: %s, %s, %s", tt.short, familiar, repository, tag)
		}
	}
	for _, bad := range []string{"", "UPPER", "a b", "a:b:c", "../x", "x@sha256:1", "a\nb", "a\x1b[31m", "/"} {
		if full, err := Normalize(bad); err == nil {
			t.Errorf("%q is taken for %q", bad, full)
		}
	}
}

// An upper-case letter is a frequent mistake, and the right name is known.
func TestUpperCaseNameHint(t *testing.T) {
	for short, lower := range map[string]string{
		"BB": "bb", "Owner/Name:V1": "owner/name:V1", "localhost:5000/Some/x": "localhost:5000/some/x",
		"Ubuntu@sha256:" + strings.Repeat("0", 64): "ubuntu@sha256:" + strings.Repeat("0", 64),
	} {
		_, err := Normalize(short)
		testkit.WantError(t, short, err, "repository names are in lower case")
		testkit.Equal(t, short, hint.Of(err), "write "+lower)
	}
	if _, err := Normalize("A B"); err == nil || strings.Contains(err.Error(), "lower case") {
		t.Errorf("A B: %v", err)
	}
}

// FuzzReference normalizes any name: the result is printable and normal, and so is that
// of its familiar form.
func FuzzReference(f *testing.F) {
	for _, seed := range []string{
		"ubuntu", "a/b:c", "localhost:5000/x@sha256:0123", "docker.io/library/library/x", "index.docker.io/x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, short string) {
		full, err := Normalize(short)
		if err != nil {
			return
		}
		for _, r := range full {
			if r <= ' ' || r > '~' {
				t.Fatalf("%q has %q in it", full, r)
			}
		}
		for _, name := range []string{full, Familiar(full)} {
			if again, err := Normalize(name); err != nil || again != full {
				t.Fatalf("%q became %q, and then %q, %v", short, full, again, err)
			}
		}
	})
}
