package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/containerd/console"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images/registry"
	"github.com/urfave/cli/v2"
)

const dockerHub = "docker.io"

const stdinPassword = "-" // as the value of --password, as in docker

var loginCommand = &cli.Command{
	Name:      "login",
	Usage:     "log in to a registry",
	ArgsUsage: "[REGISTRY]",
	Description: "REGISTRY is HOST[:PORT], by default " + dockerHub + ". The password is stored where\n" +
		"docker stores it, for docker as well.\n\n" + registryFiles,
	Flags: []cli.Flag{
		&cli.StringFlag{
			Name: "password", Aliases: []string{"p"},
			Usage: "`PASSWORD` password, which other users can see in the list of processes; - for standard input",
		},
		&cli.BoolFlag{Name: "password-stdin", Usage: "read the password from standard input"},
		tlsFlag,
		&cli.StringFlag{Name: "username", Aliases: []string{"u"}, Usage: "`USER` user name"},
	},
	Action: login,
}

var logoutCommand = &cli.Command{
	Name:      "logout",
	Usage:     "log out of a registry",
	ArgsUsage: "[REGISTRY]",
	Action:    logout,
}

// registryArgument returns the argument, or Docker Hub.
func registryArgument(c *cli.Context) string { return cmp.Or(c.Args().First(), dockerHub) }

func login(c *cli.Context) (err error) {
	host := registryArgument(c)
	settings, err := registrySettings(c)
	if err != nil {
		return err
	}
	user, password, err := credentials(c)
	if err != nil {
		return err
	}
	ctx, stop := interruptible(c)
	defer stop(&err)
	if err := settings.Login(ctx, host, user, password); err != nil {
		return fmt.Errorf("login %s: %w", host, err)
	}
	fmt.Println("Login Succeeded")
	return nil
}

// credentials returns user and password: from flags, standard input or the terminal.
func credentials(c *cli.Context) (user, password string, err error) {
	user, password = c.String("username"), c.String("password")
	fromStdin := c.Bool("password-stdin")
	if password == stdinPassword {
		fromStdin, password = true, ""
	}
	switch {
	case fromStdin:
		if user == "" || password != "" {
			return "", "", errors.New("login: --password-stdin needs --username, and excludes --password")
		}
		text, err := io.ReadAll(io.LimitReader(os.Stdin, 1<<20))
		if password = strings.TrimRight(string(text), "\r\n"); err == nil && password == "" {
			err = errors.New("login: the password on standard input is empty")
		}
		return user, password, err
	case user != "" && password != "":
		return user, password, nil
	}
	// Ask on the terminal for what the flags do not give.
	terminal, err := console.ConsoleFromFile(os.Stdin)
	if err != nil {
		return "", "", hint.New(errors.New("login: standard input is not a terminal"),
			"minictr login -u USER --password-stdin <FILE")
	}
	in := bufio.NewReader(os.Stdin)
	if user == "" {
		fmt.Fprint(os.Stderr, "Username: ")
		if user, err = in.ReadString('\n'); err != nil {
			return "", "", err
		}
	}
	if password == "" {
		password, err = askSecretly(terminal, in)
	}
	return strings.TrimSpace(user), password, err
}

// askSecretly reads a line without echo.
func askSecretly(terminal console.Console, in *bufio.Reader) (string, error) {
	fmt.Fprint(os.Stderr, "Password: ")
	if err := terminal.DisableEcho(); err != nil {
		return "", err
	}
	line, err := in.ReadString('\n')
	fmt.Fprintln(os.Stderr)
	return strings.TrimRight(line, "\r\n"), errors.Join(err, terminal.Reset())
}

func logout(c *cli.Context) error {
	host := registryArgument(c)
	if err := registry.Logout(host); err != nil {
		return fmt.Errorf("logout %s: %w", host, err)
	}
	fmt.Println("Removing login credentials for", registry.Host(host))
	return nil
}
