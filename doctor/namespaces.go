package doctor

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/minictr/minictr/runtime/walk"
	"golang.org/x/sys/unix"
)

// checkNamespaces makes one namespace of each kind that every container has.
func checkNamespaces(string) []Finding {
	kinds := []struct {
		name string
		flag uint64
	}{
		{"mount", unix.CLONE_NEWNS}, {"pid", unix.CLONE_NEWPID}, {"network", unix.CLONE_NEWNET},
		{"uts", unix.CLONE_NEWUTS}, {"ipc", unix.CLONE_NEWIPC}, {"cgroup", unix.CLONE_NEWCGROUP},
	}
	var made []string
	for _, k := range kinds {
		if err := trySteps(call.Unshare(k.flag)); err != nil {
			return []Finding{failed("namespaces", Error, fmt.Errorf("%s: %w", k.name, err),
				"each container has a "+k.name+" namespace",
				"use a kernel with CONFIG_NAMESPACES and all kinds of them")}
		}
		made = append(made, k.name)
	}
	return []Finding{{Name: "namespaces", Status: OK, Found: strings.Join(made, ", ")}}
}

// checkUserNamespaces makes a process in a user namespace.
func checkUserNamespaces(string) []Finding {
	err := trySteps(slices.Concat(waitingChild(unix.CLONE_NEWUSER, ""), endChild())...)
	if err == nil {
		return []Finding{{Name: "user namespaces", Status: OK, Found: "user"}}
	}
	advice := "use a kernel with CONFIG_USER_NS"
	if limit, _ := os.ReadFile("/proc/sys/user/max_user_namespaces"); strings.TrimSpace(string(limit)) == "0" {
		advice = "sysctl -w user.max_user_namespaces=15000"
	}
	return []Finding{failed("user namespaces", Warning, err, "--userns", advice)}
}

// restrictions are settings of distributions that keep other users than root from making
// user namespaces, and the value that forbids.
var restrictions = [][2]string{
	{"kernel.unprivileged_userns_clone", "0"},
	{"kernel.apparmor_restrict_unprivileged_userns", "1"},
}

// checkUnprivileged reads the settings that concern programs without privileges.
func checkUnprivileged(string) []Finding {
	for _, r := range restrictions {
		text, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(r[0], ".", "/"))
		if err == nil && strings.TrimSpace(string(text)) == r[1] {
			return []Finding{{Name: "user namespaces of other users", Status: Warning, Found: r[0] + "=" + r[1],
				Without: "user namespaces of programs without privileges, in containers too; minictr needs none",
				Hint:    "sysctl -w " + r[0] + "=" + map[string]string{"0": "1", "1": "0"}[r[1]]}}
		}
	}
	return []Finding{{Name: "user namespaces of other users", Status: OK, Found: "not restricted"}}
}

// checkSubordinateIDs lists the ranges that subuid(5) gives to users: --userns takes one that
// nobody else has.
func checkSubordinateIDs(string) []Finding {
	f := Finding{Name: "subordinate ids", Status: OK, Found: "none given: any range from 65536 on is free for --userns"}
	text, err := os.ReadFile("/etc/subuid")
	if list := strings.Fields(string(text)); err == nil && len(list) > 0 {
		f.Found = "/etc/subuid gives " + strings.Join(list, ", ")
	}
	return []Finding{f}
}

// failed returns the finding of a try that failed. The hint is the failed step's own, if it
// has one.
func failed(name string, status Status, err error, without, advice string) Finding {
	f := Finding{Name: name, Status: status, Found: err.Error(), Without: without, Hint: advice}
	var step *walk.Error
	if errors.As(err, &step) {
		f.Found = step.Step.Call() + ": " + step.Errno.Error()
	}
	if text := hint.Of(err); text != "" {
		f.Hint = text
	}
	if errors.Is(err, unix.EPERM) && status == Error {
		f.Hint = "this process may not: it is itself in a container or sandbox that forbids it"
	}
	return f
}
