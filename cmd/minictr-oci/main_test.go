package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/rogpeppe/go-internal/testscript"
)

// The command line is tested as it is used: this test binary, run under the
// name minictr-oci, is minictr-oci. What an engine types and sees is written
// down in testdata/script, to be read as a manual.
//
// A script finds these words besides testscript's own:
//
//	bundle DIR [PATCH]    make a bundle: busybox, and what minictr-oci spec writes,
//	                      without a terminal, changed by a JSON merge patch (RFC 7386)
//	exec oci WORD…        minictr-oci with a root of the script's own, and with files
//	                      for standard streams: a container keeps those it is given
//	await ID STATUS       wait until state says so
//	exec await-file FILE  wait until it is there
//
// and the conditions of testkit.Condition.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"minictr-oci": main})
}

const ociWrapper = `#!/bin/sh
minictr-oci --root "$WORK/root" "$@" </dev/null >"$WORK/.out" 2>"$WORK/.err"
code=$?
cat "$WORK/.out"
cat "$WORK/.err" >&2
exit $code
`

func TestScript(t *testing.T) {
	testkit.NeedRoot(t)
	testscript.Run(t, testscript.Params{
		Dir:       "testdata/script",
		Setup:     setUpScript,
		Cmds:      map[string]func(*testscript.TestScript, bool, []string){"bundle": makeBundle, "await": await},
		Condition: testkit.Condition,
	})
}

func setUpScript(e *testscript.Env) error {
	bin := filepath.Join(e.WorkDir, ".bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return err
	}
	e.Setenv("PATH", bin+":"+e.Getenv("PATH"))
	oci := filepath.Join(bin, "oci")
	e.Defer(func() { removeAll(e, oci) })
	awaitFile := []byte("#!/bin/sh\nuntil [ -e \"$1\" ]; do sleep 0.02; done\n")
	return errors.Join(os.WriteFile(oci, []byte(ociWrapper), 0o755), os.WriteFile(filepath.Join(bin, "await-file"),
		awaitFile, 0o755))
}

// removeAll removes the containers that the script has left.
func removeAll(e *testscript.Env, oci string) {
	run := func(args ...string) string {
		cmd := exec.Command(oci, args...)
		cmd.Env = e.Vars
		out, err := cmd.Output()
		if err != nil {
			e.T().Log(err)
		}
		return string(out)
	}
	for id := range strings.FieldsSeq(run("list", "--quiet")) {
		run("delete", "--force", id)
	}
	if mount, err := cgroup.Mount(); err == nil {
		os.Remove(filepath.Join(mount, testGroup())) // the last script can
	}
}

func makeBundle(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 || len(args) > 2 {
		ts.Fatalf("usage: bundle DIR [PATCH]")
	}
	patch := "{}"
	if len(args) == 2 {
		patch = os.Expand(ts.ReadFile(args[1]), ts.Getenv)
	}
	dir := ts.MkAbs(args[0])
	group := filepath.Base(ts.Getenv("WORK")) + "-" + filepath.Base(dir) // unique among the tests
	ts.Check(writeBundle(dir, group, patch))
}

// testGroup is the parent cgroup of this run of the tests.
func testGroup() string { return "minictr-test-" + strconv.Itoa(os.Getpid()) }

// writeBundle makes a bundle in dir, whose container sleeps in a cgroup of that name.
func writeBundle(dir, group, patch string) error {
	err := testkit.Root(filepath.Join(dir, "rootfs"), "dev proc sys tmp", "sh sleep true cat tail")
	var config any
	for _, change := range []string{
		string(defaultConfig),
		`{"process": {"terminal": false, "args": ["sleep", "1000"]}, "linux": {"cgroupsPath": "/` + testGroup() + `/` +
			group + `"}}`,
		patch,
	} {
		var fields any
		err = errors.Join(err, json.Unmarshal([]byte(change), &fields))
		config = merge(config, fields)
	}
	data, failed := json.Marshal(config)
	return errors.Join(err, failed, os.WriteFile(filepath.Join(dir, "config.json"), data, 0o644))
}

// merge is a JSON merge patch, RFC 7386.
func merge(target, patch any) any {
	fields, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	merged, ok := target.(map[string]any)
	if !ok {
		merged = map[string]any{}
	}
	for name, value := range fields {
		if value == nil {
			delete(merged, name)
		} else {
			merged[name] = merge(merged[name], value)
		}
	}
	return merged
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await ID STATUS")
	}
	var state struct{ Status string }
	if !testkit.Within(func() bool {
		ts.Check(ts.Exec("oci", "state", args[0]))
		ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &state))
		return state.Status == args[1]
	}) {
		ts.Fatalf("%s is %s, want %s", args[0], state.Status, args[1])
	}
}
