package main

// Arguments of the commands that look into images: IMAGE, IMAGE@N,
// IMAGE@N:/path, and flags, which may stand behind them.

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/urfave/cli/v2"
)

// words are the command's arguments, n of them or, for -1, at least one. Flags
// may stand behind them too, unlike those of run, whose words are a command's.
func words(c *cli.Context, n int, what string) ([]string, error) {
	var words []string
	for rest := c.Args().Slice(); len(rest) > 0; {
		word := rest[0]
		rest = rest[1:]
		flag := strings.TrimLeft(word, "-")
		if flag == word || flag == "" {
			words = append(words, word)
			continue
		}
		used, err := setFlag(c, flag, rest)
		if err != nil {
			return nil, usage(c, err, true)
		}
		rest = rest[used:]
	}
	if n >= 0 && len(words) != n || len(words) == 0 {
		return nil, usage(c, fmt.Errorf("%s: it takes %s", strings.TrimPrefix(c.Command.HelpName, "minictr "), what), true)
	}
	return words, nil
}

// setFlag sets name or name=value, by the first name of the flag, and says how many
// words it took besides.
func setFlag(c *cli.Context, flag string, rest []string) (used int, err error) {
	flag, value, given := strings.Cut(flag, "=")
	for _, f := range c.Command.Flags {
		if !slices.Contains(f.Names(), flag) {
			continue
		}
		if takes, ok := f.(cli.DocGenerationFlag); !given && ok && !takes.TakesValue() {
			value, given = "true", true
		}
		if !given && len(rest) == 0 {
			return 0, fmt.Errorf("flag needs an argument: --%s", flag)
		}
		if !given {
			value, used = rest[0], 1
		}
		return used, c.Set(f.Names()[0], value)
	}
	return 0, fmt.Errorf("flag provided but not defined: --%s", flag)
}

// splitLayer parts IMAGE@N. Without @N, n is 0.
func splitLayer(word string) (image string, n int, err error) {
	at := strings.LastIndexByte(word, '@')
	if at < 0 || strings.Trim(word[at+1:], "0123456789") != "" {
		return word, 0, nil
	}
	n, err = strconv.Atoi(word[at+1:])
	if err != nil || n < 1 {
		return "", 0, hint.New(fmt.Errorf("%q: no such layer", word), "layers are numbered from 1, the lowest; minictr layers ls shows them")
	}
	return word[:at], n, nil
}

// splitPath parts IMAGE[@N]:/path.
func splitPath(word string) (image, path string, err error) {
	at := strings.Index(word, ":/")
	if at < 1 {
		return "", "", hint.New(fmt.Errorf("%q: no path in it", word), "write IMAGE:/path or IMAGE@N:/path")
	}
	return word[:at], word[at+1:], nil
}

// cleanPath is a path from the root, without "." and with no "/" at its end.
func cleanPath(name string) (string, error) {
	if name == "" {
		return "", errors.New("the path is empty")
	}
	return path.Clean("/" + name), nil
}
