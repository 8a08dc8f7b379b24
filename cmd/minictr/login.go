package main

import (
	"bufio"
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

var loginCommand = &cli.Command{
	Name:      "login",
	Usage:     "remember a password for a registry, where docker remembers it",
	UsageText: "minictr login [FLAGS] [REGISTRY]   (without one: " + dockerHub + ")",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "username", Aliases: []string{"u"}, Usage: "log in as `USER`"},
		&cli.StringFlag{Name: "password", Aliases: []string{"p"}, Usage: "log in with `PASSWORD`, which others can see in the list of processes"},
		&cli.BoolFlag{Name: "password-stdin", Usage: "read the password from standard input"},
		tlsFlag,
	},
	Action: login,
}

var logoutCommand = &cli.Command{
	Name:      "logout",
	Usage:     "forget the password for a registry",
	ArgsUsage: "[REGISTRY]",
	Action:    logout,
}

// registryArgument is the only argument, or Docker Hub.
func registryArgument(c *cli.Context) (string, error) {
	if c.NArg() > 1 {
		return "", fmt.Errorf("%s: one registry is to be named, not %d", c.Command.Name, c.NArg())
	}
	if c.NArg() == 0 {
		return dockerHub, nil
	}
	return c.Args().First(), nil
}

func login(c *cli.Context) error {
	host, err := registryArgument(c)
	if err != nil {
		return err
	}
	settings, err := registrySettings(c)
	if err != nil {
		return err
	}
	user, password, err := credentials(c)
	if err != nil {
		return err
	}
	ctx, stop := interruptible(c)
	defer stop()
	if err := settings.Login(ctx, host, user, password); err != nil {
		return fmt.Errorf("login %s: %w", host, err)
	}
	fmt.Println("Login Succeeded")
	return nil
}

// credentials come from flags, from standard input, or from who sits there.
func credentials(c *cli.Context) (user, password string, err error) {
	user, password = c.String("username"), c.String("password")
	switch {
	case c.Bool("password-stdin"):
		if user == "" || password != "" {
			return "", "", errors.New("login: --password-stdin goes with --username, and without --password")
		}
		text, err := io.ReadAll(io.LimitReader(os.Stdin, 1<<20))
		return user, strings.TrimRight(string(text), "\r\n"), err
	case user != "" && password != "":
		return user, password, nil
	}
	terminal, err := console.ConsoleFromFile(os.Stdin)
	if err != nil {
		return "", "", hint.New(errors.New("login: standard input is no terminal to ask at"), "minictr login -u USER --password-stdin <FILE")
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

// askSecretly reads a line that the terminal does not show.
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
	host, err := registryArgument(c)
	if err != nil {
		return err
	}
	if err := registry.Logout(host); err != nil {
		return fmt.Errorf("logout %s: %w", host, err)
	}
	fmt.Println("Removing login credentials for", host)
	return nil
}
