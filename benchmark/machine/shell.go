package machine

// Commands inside. The smallest machine has a shell behind a port; those with a
// disk have sshd.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/minictr/minictr/benchmark"
)

// quote returns a line that a shell splits into argv again.
func quote(argv []string) string {
	words := make([]string, len(argv))
	for i, word := range argv {
		words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return strings.Join(words, " ")
}

// runByShell sends a command line to the shell at a port, which prints the exit
// status in a last line.
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
	output, err := io.ReadAll(conn)
	if err != nil {
		return errors.Join(ctx.Err(), err)
	}
	out, status, ok := bytes.Cut(output, []byte("status="))
	if !ok || string(status) != "0\n" {
		return fmt.Errorf("%s in the machine: status %q\n%s", quote(argv), status, out)
	}
	_, err = stdout.Write(out)
	return err
}

// runBySSH runs a command in a machine made from the box, with its published key.
func runBySSH(ctx context.Context, key, host string, port int, stdout io.Writer, argv []string) error {
	return benchmark.Run(ctx, stdout, "ssh", "-F", "/dev/null", "-i", key, "-p", strconv.Itoa(port),
		"-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
		"vagrant@"+host, quote(argv))
}
