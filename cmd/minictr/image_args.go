package main

// Arguments of the commands that show images: IMAGE[@N]:/path. Package subject opens IMAGE[@N].

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/minictr/minictr/hint"
)

// splitPath splits IMAGE[@N]:/path.
func splitPath(word string) (image, path string, err error) {
	at := strings.Index(word, ":/")
	if at < 1 {
		return "", "", hint.New(fmt.Errorf("%q: no path", word), "write IMAGE:/path or IMAGE@N:/path")
	}
	return word[:at], word[at+1:], nil
}

// cleanPath returns name as an absolute path without "." and without a final "/".
func cleanPath(name string) (string, error) {
	if name == "" {
		return "", errors.New("path: must not be empty")
	}
	return path.Clean("/" + name), nil
}
