package images

import (
	"fmt"
	"strings"
)

// splitWords splits a text into words, as an instruction of a Dockerfile has them: spaces
// separate, quotes and backslashes keep what follows, $NAME and ${NAME} are looked up.
func splitWords(text string, lookUp func(string) string) ([]string, error) {
	l := &lexer{text: text, lookUp: lookUp}
	var words []string
	for l.skip(" \t\n"); l.text != ""; l.skip(" \t\n") {
		word, err := l.word(" \t\n")
		if err != nil {
			return nil, err
		}
		words = append(words, word)
	}
	return words, nil
}

// expand is splitWords for a text that is one word, whatever spaces it has.
func expand(text string, lookUp func(string) string) (string, error) {
	return (&lexer{text: text, lookUp: lookUp}).word("")
}

// lexer reads words from the front of a text.
type lexer struct {
	text   string
	lookUp func(string) string
}

func (l *lexer) skip(chars string) { l.text = strings.TrimLeft(l.text, chars) }

// next takes a byte.
func (l *lexer) next() byte {
	b := l.text[0]
	l.text = l.text[1:]
	return b
}

// word reads up to one of the bytes in end.
func (l *lexer) word(end string) (string, error) {
	var word strings.Builder
	quote := byte(0)
	for l.text != "" && (quote != 0 || !strings.Contains(end, l.text[:1])) {
		switch b := l.next(); {
		case b == quote:
			quote = 0
		case quote == 0 && (b == '\'' || b == '"'):
			quote = b
		case b == '\\' && quote != '\'' && l.text != "" && (quote == 0 || strings.Contains(`"$\`, l.text[:1])):
			word.WriteByte(l.next())
		case b == '$' && quote != '\'':
			value, err := l.variable()
			if err != nil {
				return "", err
			}
			word.WriteString(value)
		default:
			word.WriteByte(b)
		}
	}
	if quote != 0 {
		return "", fmt.Errorf("no closing %c", quote)
	}
	return word.String(), nil
}

// variable reads what follows a $.
func (l *lexer) variable() (string, error) {
	braces := strings.HasPrefix(l.text, "{")
	if braces {
		l.next()
	}
	n := 0
	for n < len(l.text) && isNameByte(l.text[n]) {
		n++
	}
	name := l.text[:n]
	l.text = l.text[n:]
	switch {
	case braces && (name == "" || !strings.HasPrefix(l.text, "}")):
		return "", fmt.Errorf("${%s…: only $NAME and ${NAME} are supported", name)
	case braces:
		l.next()
	case name == "":
		return "$", nil
	}
	return l.lookUp(name), nil
}

func isNameByte(b byte) bool {
	return b == '_' || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}
