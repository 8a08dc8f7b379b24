package machine

// Commands inside. The smallest machine has a shell behind a port, for whoever
// comes; those with a disk have sshd.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"

	"github.com/minictr/minictr/benchmark"
)

// quote makes a line of which a shell makes argv again.
func quote(argv []string) string {
	words := make([]string, len(argv))
	for i, word := range argv {
		words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return strings.Join(words, " ")
}

// runByShell runs a command in a machine where a shell waits at a port: it is
// sent the line, and says in a last line how the command ended.
func runByShell(ctx context.Context, address string, stdout io.Writer, argv []string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if _, err := fmt.Fprintf(conn, "%s </dev/null; echo \"status=$?\"; exit\n", quote(argv)); err != nil {
		return err
	}
	said, err := io.ReadAll(conn)
	if err != nil {
		return errors.Join(ctx.Err(), err)
	}
	out, status, ok := bytes.Cut(said, []byte("status="))
	if !ok || string(status) != "0\n" {
		return fmt.Errorf("%s in the machine: status %s\n%s", quote(argv), strconv.Quote(string(status)), out)
	}
	_, err = stdout.Write(out)
	return err
}

// sshTo is a command that logs in to a machine made from the box, with the key
// that everybody knows.
func sshTo(ctx context.Context, key, host string, port int, argv []string) *exec.Cmd {
	return exec.CommandContext(ctx, "ssh", "-F", "/dev/null", "-i", key, "-p", strconv.Itoa(port),
		"-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
		"vagrant@"+host, quote(argv))
}

// do runs a command of the host that has to succeed.
func do(cmd *exec.Cmd, stdout io.Writer) error {
	cmd.SysProcAttr = benchmark.Tied()
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = stdout, &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, stderr.Bytes())
	}
	return nil
}

func failure(cmd *exec.Cmd, err error) error {
	return fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
}
