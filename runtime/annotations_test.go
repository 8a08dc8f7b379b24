package runtime

import (
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// TestAnnotations: annotations of crun that are not implemented are warned of, others mean
// nothing; one that asks for a virtual machine is refused.
func TestAnnotations(t *testing.T) {
	warnings, err := checkAnnotations(&specs.Spec{Annotations: map[string]string{
		"run.oci.seccomp_bpf_data": "AAAA", "run.oci.systemd.subgroup": "",
		"org.example": "krun", "run.oci.handler": "",
	}})
	testkit.Check(t, err)
	testkit.Equal(t, "warnings", strings.Join(warnings, "\n"),
		"annotations.run.oci.seccomp_bpf_data: ignored: use linux.seccomp\n"+
			"annotations.run.oci.systemd.subgroup: ignored: the container's cgroup is the scope itself")
	_, err = checkAnnotations(&specs.Spec{Annotations: map[string]string{"run.oci.handler": "krun"}})
	testkit.WantError(t, "handler", err, `annotations.run.oci.handler: "krun": not implemented`)
}
