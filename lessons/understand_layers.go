package lessons

import (
	"path/filepath"
	"strings"
)

// checkLayers: the file "password" has the text of the file that the third layer covers.
func checkLayers(w *Work) error {
	root, err := rootFiles()
	if err != nil {
		return err
	}
	file := filepath.Join(w.Dir, "password")
	text, err := readBelow(w.Dir, "password")
	if err != nil {
		return missing("the directory of image.tar: minictr lesson check 16 DIRECTORY", "%s: does not exist", file)
	}
	switch got, want := strings.TrimSpace(text), password(root); {
	case got == "":
		return missing("a container sees all layers at once: minictr layers --help", "%s: is empty", file)
	case got != want:
		return missing("/srv/password has 12 characters; minictr layers why lesson /srv/password",
			"%s: this is not the password", file)
	}
	return nil
}
