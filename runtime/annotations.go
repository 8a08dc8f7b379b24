package runtime

import (
	"fmt"
	"slices"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Annotations are the caller's, and unknown ones mean nothing (runtime-spec, config.md,
// "Annotations"). Those of crun (crun(1)) that change the container, and that are not
// implemented, are known here, so that none is ignored without a word.

// handler is crun's annotation that runs the program in a virtual machine or an interpreter.
const handler = "run.oci.handler"

// keepGroups is crun's annotation that leaves a process the caller's groups.
const keepGroups = "run.oci.keep_original_groups"

// ignored says what to do instead of an annotation. With podman the image sets annotations,
// too: by those of hooks it would choose a file of the host, and by keepGroups join root's groups.
var ignored = map[string]string{
	keepGroups:                        "use process.user.additionalGids",
	"run.oci.hooks.stdout":            "let the hook open its file itself",
	"run.oci.hooks.stderr":            "let the hook open its file itself",
	"run.oci.delegate-cgroup":         "name that cgroup in linux.cgroupsPath",
	"run.oci.mount_context_type":      "the type is context",
	"run.oci.pidfd_receiver":          "use the flag --pidfd-socket",
	"run.oci.seccomp.plugins":         "there are no plugins",
	"run.oci.seccomp.receiver":        "use linux.seccomp.listenerPath",
	"run.oci.seccomp_bpf_data":        "use linux.seccomp",
	"run.oci.systemd.force_cgroup_v1": "cgroup v1 is not supported",
	"run.oci.systemd.subgroup":        "the container's cgroup is the scope itself",
}

// checkAnnotations returns a warning for each annotation that is ignored. A handler is an
// error: the container would lack the isolation that it asks for.
func checkAnnotations(spec *specs.Spec) (warnings []string, err error) {
	if name := spec.Annotations[handler]; name != "" {
		return nil, hint.New(fmt.Errorf("annotations.%s: %q: not implemented", handler, name),
			"leave out the annotation, or use crun")
	}
	for name := range spec.Annotations {
		if instead, ok := ignored[name]; ok {
			warnings = append(warnings, fmt.Sprintf("annotations.%s: ignored: %s", name, instead))
		}
	}
	slices.Sort(warnings)
	return warnings, nil
}
