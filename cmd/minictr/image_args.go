package main

// Arguments of the commands that show images: IMAGE, IMAGE@N, IMAGE@N:/path.

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
)

// splitLayer splits IMAGE@N. Without @N, n is 0.
func splitLayer(word string) (image string, n int, err error) {
	at := strings.LastIndexByte(word, '@')
	if at < 0 || strings.Trim(word[at+1:], "0123456789") != "" {
		return word, 0, nil
	}
	n, err = strconv.Atoi(word[at+1:])
	if err != nil || n < 1 {
		return "", 0, hint.New(fmt.Errorf("%q: layers count from 1", word), "minictr layers ls IMAGE")
	}
	return word[:at], n, nil
}

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
