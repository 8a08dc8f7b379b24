package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Limits of a list of tags.
const (
	maxTagsPage = 4 << 20 // bytes
	maxTags     = 1 << 16
)

// Tags returns the tags of the repository. The list comes in pages: the header Link
// (RFC 8288) of each has the URL of the next.
func (r *Repository) Tags(ctx context.Context) (tags []string, err error) {
	page, err := url.Parse(r.url("tags", "list"))
	for err == nil && page != nil && len(tags) <= maxTags {
		var more []string
		if more, page, err = r.tagsPage(ctx, page); err == nil {
			tags = append(tags, more...)
		}
	}
	switch {
	case err != nil:
		return nil, err
	case len(tags) > maxTags:
		return nil, fmt.Errorf("registry %s: more than %d tags", hostName(r.name.RegistryStr()), maxTags)
	}
	return tags, nil
}

// tagsPage returns the tags of a page, and the URL of the next, or nil.
func (r *Repository) tagsPage(ctx context.Context, page *url.URL) (tags []string, next *url.URL, err error) {
	answer, err := r.get(ctx, page.String(), http.Header{}, http.StatusOK)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	var list struct{ Tags []string }
	if err = json.NewDecoder(io.LimitReader(answer.Body, maxTagsPage)).Decode(&list); err == nil {
		next, err = nextPage(page, answer.Header.Get("Link"))
	}
	if err == nil && next != nil && len(list.Tags) == 0 {
		err = errors.New("a page without tags names another")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("registry %s: list of tags: %w", hostName(r.name.RegistryStr()), err)
	}
	return list.Tags, next, nil
}

// nextPage returns the target of a Link header, <URL>; rel="next", or nil. It must be in
// the same registry, which would else choose whom minictr asks.
func nextPage(page *url.URL, link string) (*url.URL, error) {
	if link == "" {
		return nil, nil
	}
	target, rest, found := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	if !found || !strings.HasPrefix(link, "<") {
		return nil, fmt.Errorf("invalid Link header %q", link)
	}
	if rest = strings.ReplaceAll(rest, " ", ""); rest != `;rel="next"` && rest != ";rel=next" {
		return nil, fmt.Errorf("invalid Link header %q", link)
	}
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	next := page.ResolveReference(u)
	if next.Host != page.Host || next.User != nil {
		return nil, fmt.Errorf("another host in the Link header: %s", next.Host)
	}
	next.Scheme = page.Scheme // a registry behind a proxy may not know it
	return next, nil
}
