package registry

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// paged is a registry whose pages of tags are answered by page, which gets the query.
func paged(page func(w http.ResponseWriter, last string)) http.Handler {
	return with(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/tags/list") {
			return false
		}
		page(w, r.URL.Query().Get("last"))
		return true
	})
}

func TestTagsOfAllPages(t *testing.T) {
	for _, link := range []string{
		`</v2/some/image/tags/list?last=b>; rel="next"`, `<list?last=b>;rel="next"`, `<?last=b>; rel=next`,
	} {
		host := serve(t, paged(func(w http.ResponseWriter, last string) {
			if last == "" {
				w.Header().Set("Link", link)
				io.WriteString(w, `{"name": "some/image", "tags": ["a", "b"]}`)
				return
			}
			io.WriteString(w, `{"tags": ["c"]}`)
		}))
		tags, err := shake(t, host).Tags(t.Context())
		testkit.Check(t, err)
		testkit.Equal(t, link, fmt.Sprint(tags), "[a b c]")
	}
}

func TestHostileTagsRefused(t *testing.T) {
	other := serve(t, with(func(http.ResponseWriter, *http.Request) bool {
		t.Error("another host is asked")
		return false
	}))
	for what, page := range map[string]func(w http.ResponseWriter, last string){
		"another host in the Link header": func(w http.ResponseWriter, _ string) {
			w.Header().Set("Link", "<http://"+other+`/v2/some/image/tags/list>; rel="next"`)
			io.WriteString(w, `{"tags": ["a"]}`)
		},
		"more than 65536 tags": func(w http.ResponseWriter, _ string) {
			w.Header().Set("Link", `<list?last=x>; rel="next"`)
			io.WriteString(w, `{"tags": ["a"`+strings.Repeat(`, "a"`, 1<<12)+`]}`)
		},
		"a page without tags": func(w http.ResponseWriter, _ string) {
			w.Header().Set("Link", `<list?last=x>; rel="next"`)
			io.WriteString(w, `{"tags": null}`)
		},
		"invalid Link header": func(w http.ResponseWriter, _ string) {
			w.Header().Set("Link", "http://x")
			io.WriteString(w, `{"tags": ["a"]}`)
		},
		"list of tags": func(w http.ResponseWriter, _ string) { io.WriteString(w, `<html>`) },
		"unexpected EOF": func(w http.ResponseWriter, _ string) {
			io.WriteString(w, `{"tags": ["`+strings.Repeat("a", maxTagsPage))
		},
		"404 Not Found": func(w http.ResponseWriter, _ string) { w.WriteHeader(http.StatusNotFound) },
	} {
		_, err := shake(t, serve(t, paged(page))).Tags(t.Context())
		testkit.WantError(t, what, err, what)
	}
}
