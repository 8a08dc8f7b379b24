package lessons

import (
	"os"
	"os/exec"
	"strings"
)

// Page shows a text in the student's pager: $PAGER, or less. Without one it prints the text.
func (s *Student) Page(text string) error {
	words := strings.Fields(os.Getenv("PAGER"))
	if len(words) == 0 {
		words = []string{"less"}
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		_, err := os.Stdout.WriteString(text)
		return err
	}
	cmd := exec.Command(path, words[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(text), os.Stdout, os.Stderr
	cmd.Env, cmd.SysProcAttr = append(s.env(), "LESSCHARSET=utf-8"), s.attributes()
	return cmd.Run()
}
