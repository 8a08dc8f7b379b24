package container

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// NewID returns a random container ID as docker's: 64 hexadecimal digits.
func NewID() string {
	var b [32]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// IsID reports whether a name has the form of a container ID.
func IsID(name string) bool { return len(name) == 64 && strings.Trim(name, "0123456789abcdef") == "" }
