package validation

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the verdicts of this run into README.md")

// guestEnv is set where the test binary is only to run the programs that lie
// beside it and print the outcomes: in the virtual machine.
const guestEnv = "VALIDATION_GUEST"

// runtimeEnv names another runtime, whose verdicts are only shown.
const runtimeEnv = "VALIDATION_RUNTIME"

func TestMain(m *testing.M) {
	if os.Getenv(guestEnv) == "" {
		os.Exit(m.Run())
	}
	outcomes, err := guest()
	for _, o := range outcomes {
		line, _ := json.Marshal(o)
		fmt.Println(string(line))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "validation:", err)
		os.Exit(1)
	}
}

func guest() ([]outcome, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(executable)
	tab, err := readTable()
	if err != nil {
		return nil, err
	}
	b := &bench{programs: filepath.Join(dir, "programs"), runtime: filepath.Join(dir, "minictr-oci"), scratch: "/tmp", controllers: true}
	return b.all(4, tab.want(inMachine))
}

// buildAll makes the programs, and the runtime unless another one is named.
func buildAll(t *testing.T) (dir, runtimeCommand string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: the programs make containers")
	}
	if runtime.GOARCH != "amd64" {
		t.Skip("the suite has a root filesystem for amd64 alone")
	}
	dir, err := filepath.Abs("../bin/validation")
	if err != nil {
		t.Fatal(err)
	}
	if err := build(dir); err != nil {
		t.Fatal(err)
	}
	if named := os.Getenv(runtimeEnv); named != "" {
		path, err := exec.LookPath(named)
		if err != nil {
			t.Fatal(err)
		}
		return dir, path
	}
	runtimeCommand = filepath.Join(t.TempDir(), "minictr-oci")
	if _, err := execute("..", "go", "build", "-tags=urfave_cli_no_docs", "-o", runtimeCommand, "./cmd/minictr-oci"); err != nil {
		t.Fatal(err)
	}
	return dir, runtimeCommand
}

func TestNatively(t *testing.T) {
	dir, command := buildAll(t)
	tab, err := readTable()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{programs: dir, runtime: command, scratch: t.TempDir()}
	outcomes, err := b.all(6, tab.want(natively))
	if err != nil {
		t.Fatal(err)
	}
	tab.judge(t, outcomes, natively)
}

// inside is run in the virtual machine. Some programs want a second network
// interface, one a profile of AppArmor's.
const inside = `
mkdir /etc; ip link add eth0 type veth peer name eth1
cd /files && cat apparmor >/sys/kernel/security/apparmor/.load && ` + guestEnv + `=1 ./validation.test`

// TestVirtualMachine: where there is a kernel of Debian's and every controller.
func TestVirtualMachine(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: no virtual machine")
	}
	dir, command := buildAll(t)
	tab, err := readTable()
	if err != nil {
		t.Fatal(err)
	}
	run := func(dir, name string, args ...string) string {
		t.Helper()
		output, err := execute(dir, name, args...)
		if err != nil {
			t.Fatal(err)
		}
		return output
	}
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	files := t.TempDir()
	for from, to := range map[string]string{dir: "programs", command: "minictr-oci", executable: "validation.test", readme: readme} {
		run("", "cp", "-r", from, filepath.Join(files, to))
	}
	run("..", "scripts/need", "apparmor")
	run("", "sh", "-c", `apparmor_parser -QKS acme_secure_profile >"$0"`, filepath.Join(files, "apparmor"))
	run("..", "make", "build") // scripts/vm takes the commands along
	t.Setenv("VM_FILES", files)
	t.Setenv("VM_MEMORY", "2048")
	t.Setenv("VM_TIMEOUT", "480")
	output := run("..", "scripts/vm", inside)
	var outcomes []outcome
	for line := range strings.Lines(output) {
		var o outcome
		if json.Unmarshal([]byte(line), &o) == nil {
			outcomes = append(outcomes, o)
		}
	}
	tab.judge(t, outcomes, inMachine)
}
