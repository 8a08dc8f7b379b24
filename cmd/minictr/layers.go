package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/layers/index"
	"github.com/minictr/minictr/layers/stack"
	"github.com/urfave/cli/v2"
)

var layersCommand = &cli.Command{
	Name:  "layers",
	Usage: "look into images, layer by layer",
	Description: "IMAGE is an image in the store, an archive of docker's or OCI's, compressed or\n" +
		"not, or an OCI layout in a folder; FILE:NAME is one of several in an archive.\n" +
		"IMAGE@N is the stack of its layers 1 (the lowest) to N.\n\n" +
		"Control bytes in names are printed escaped, as in Go. In JSON a name is a\n" +
		"string, or, where it is not UTF-8, an object: {\"base64\": \"…\"}.",
	Subcommands: []*cli.Command{
		layersLsCommand, layersTreeCommand, layersDiffCommand, layersCatCommand,
		layersExtractCommand, layersWhyCommand, layersWasteCommand, layersDeletedCommand,
	},
	Action: func(c *cli.Context) error {
		if !c.Args().Present() {
			return cli.ShowSubcommandHelp(c)
		}
		return hint.New(fmt.Errorf("layers %q: no such command", c.Args().First()), "minictr layers --help lists them")
	},
}

var jsonFlag = &cli.BoolFlag{Name: "json", Usage: "print JSON"}

// subject is an image that is looked into, up to layer n.
type subject struct {
	*images.Source
	word    string // as it was typed, without @N
	n       int
	indexes []*index.Index
	steps   []string // the instruction of each layer
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

// lookAt opens IMAGE[@N]. Its indexes are not read yet. Close it.
func lookAt(c *cli.Context, word string) (*subject, error) {
	image, n, err := splitLayer(word)
	if err != nil {
		return nil, err
	}
	store, err := images.Open(c.String("root"))
	if err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err == nil {
		cache = filepath.Join(cache, "minictr", "layers")
	}
	src, err := store.Look(c.Context, image, cache)
	if err != nil {
		return nil, err
	}
	s := &subject{Source: src, word: image, n: n, steps: make([]string, len(src.Layers))}
	for _, step := range src.Steps() {
		if step.Layer > 0 {
			s.steps[step.Layer-1] = step.Instruction()
		}
	}
	if n > len(src.Layers) {
		src.Close()
		return nil, hint.New(fmt.Errorf("%q: the image has %d layers", word, len(src.Layers)), "minictr layers ls "+image+" shows them")
	}
	if n == 0 {
		s.n = len(src.Layers)
	}
	return s, nil
}

// lookInto is lookAt with all indexes.
func lookInto(c *cli.Context, word string) (*subject, error) {
	s, err := lookAt(c, word)
	if err != nil {
		return nil, err
	}
	if s.indexes, err = s.Indexes(c.Context); err != nil {
		s.Close()
		return nil, fmt.Errorf("read image %s: %w", s.word, err)
	}
	return s, nil
}

// stack of the layers from one to another, both counted from 1.
func (s *subject) stack(from, to int) (*stack.Stack, error) {
	t, err := stack.New(s.indexes[from-1 : to]...)
	if err != nil {
		err = fmt.Errorf("stack layers of %s: %w", s.word, err)
	}
	return t, err
}

func (s *subject) open(layer int) (io.ReadCloser, error) { return s.Layers[layer-1].Open() }

func (s *subject) step(layer int) string { return s.steps[layer-1] }

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

// setFlag sets name or name=value, and says how many words it took besides.
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
		return used, c.Set(flag, value)
	}
	return 0, fmt.Errorf("flag provided but not defined: --%s", flag)
}

// splitPath parts IMAGE[@N]:/path.
func splitPath(word string) (image, path string, err error) {
	at := strings.Index(word, ":/")
	if at < 1 {
		return "", "", hint.New(fmt.Errorf("%q: no path in it", word), "write IMAGE:/path or IMAGE@N:/path")
	}
	return word[:at], word[at+1:], nil
}

// name is a path or a link's target: any bytes. See layersCommand.
type name string

func (n name) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(n)) {
		return marshal(string(n))
	}
	return marshal(map[string]string{"base64": base64.StdEncoding.EncodeToString([]byte(n))})
}

// String is the name as a terminal may show it.
func (n name) String() string {
	quoted := strconv.Quote(string(n))
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

func marshal(v any) ([]byte, error) {
	var b strings.Builder
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	err := out.Encode(v)
	return []byte(strings.TrimSuffix(b.String(), "\n")), err
}

func printJSON(v any) error {
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(v)
}

// table prints rows; the first is their heading.
func table(rows [][]string) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 1, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

func humanSize(n int64) string { return units.HumanSizeWithPrecision(float64(n), 3) }

// oneLine is an instruction in a table.
func oneLine(text string, whole bool) string {
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); !whole && len(r) > 60 {
		text = string(r[:59]) + "…"
	}
	return name(text).String()
}

var wholeFlag = &cli.BoolFlag{Name: "no-trunc", Usage: "whole digests and instructions"}

func short(digest string, whole bool) string {
	if whole || len(digest) < 19 {
		return digest
	}
	return digest[7:19]
}

// cleanPath is a path from the root, without "." and with no "/" at its end.
func cleanPath(path string) (string, error) {
	if path == "" {
		return "", errors.New("the path is empty")
	}
	return filepath.Clean("/" + path), nil
}
