package proc

import (
	"fmt"
	"io"
	"slices"
)

// Change is a fact that differs between two views: one that was added (Before is nil), one
// that was removed (After is nil), or one with another value.
type Change struct{ Before, After *Fact }

// Changes returns what differs between the facts of a process before and after: removed
// facts where they stood, the others in the order of after.
func Changes(before, after []Fact) (list []Change) {
	find := func(all []Fact, f *Fact) int {
		return slices.IndexFunc(all, func(o Fact) bool { return o.Section == f.Section && o.Name == f.Name })
	}
	for i := range before {
		if find(after, &before[i]) < 0 {
			list = append(list, Change{Before: &before[i]})
		}
	}
	for i := range after {
		switch k := find(before, &after[i]); {
		case k < 0:
			list = append(list, Change{After: &after[i]})
		case before[k].Value != after[i].Value:
			list = append(list, Change{&before[k], &after[i]})
		}
	}
	slices.SortStableFunc(list, func(a, b Change) int {
		return slices.Index(sections, a.section()) - slices.Index(sections, b.section())
	})
	return list
}

func (c *Change) section() string {
	if c.After != nil {
		return c.After.Section
	}
	return c.Before.Section
}

// PrintChanges writes changes as a table: + was added, - was removed, → has another value.
func PrintChanges(w io.Writer, list []Change) error {
	var facts []Fact
	for _, c := range list {
		switch {
		case c.Before == nil:
			facts = append(facts, Fact{c.After.Section, "+ " + c.After.Name, c.After.Value})
		case c.After == nil:
			facts = append(facts, Fact{c.Before.Section, "- " + c.Before.Name, c.Before.Value})
		default:
			facts = append(facts, Fact{c.After.Section, "  " + c.After.Name, c.Before.Value + " → " + c.After.Value})
		}
	}
	if facts == nil {
		_, err := fmt.Fprintln(w, "nothing has changed")
		return err
	}
	return Print(w, facts)
}
