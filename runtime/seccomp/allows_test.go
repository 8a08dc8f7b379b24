package seccomp

import (
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"
)

// Of Docker's profile: what is allowed with some arguments only is not allowed.
func TestAllows(t *testing.T) {
	f := mustCompile(t, Default("amd64", nil), "amd64")
	for name, want := range map[string]bool{
		"read": true, "write": true, "execve": true, "personality": false, "bpf": false, "socket": false,
		"no_such_call": false,
	} {
		if got := f.Allows("amd64", name); got != want {
			t.Errorf("Allows(%s) = %v", name, got)
		}
	}
}

// For sections made from a seed: what is allowed is never refused.
func FuzzAllows(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 15))
		goarch := []string{"amd64", "arm64"}[r.IntN(2)]
		s := randomSection(r)
		filter := mustCompile(t, s, goarch)
		for range 200 {
			d := randomCall(r, s)
			name := Name(goarch, int(d.nr))
			native, ok := Number(goarch, name)
			if !ok || d.arch != number(goarch, native).arch {
				continue
			}
			word := run(filter.Program, d)
			allowed := strictness(word) >= strictness(unix.SECCOMP_RET_LOG)
			if !allowed && filter.Allows(goarch, name) {
				t.Fatalf("%s: %s is allowed, and %+v returns %s\n%s", goarch, name, d, returnText(word), filter)
			}
		}
	})
}
