package minictr_test

import (
	"go/ast"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// TestReadable: each package has a doc.go with its reading order, no type has too many
// methods to be known, and the files of a package can be read one after the other, for
// few of them need each other.
func TestReadable(t *testing.T) {
	const maxMethods, maxCycle = 50, 12
	config := packages.Config{Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles |
		packages.NeedImports | packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo}
	list, err := packages.Load(&config, "./...")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		name := strings.TrimPrefix(strings.TrimPrefix(p.PkgPath, module), "/")
		if len(p.Errors) > 0 {
			t.Errorf("%s: %v", name, p.Errors[0])
		}
		if !tool(name) && !slices.ContainsFunc(p.GoFiles, isDoc) && len(p.GoFiles) > 2 {
			t.Errorf("%s: no doc.go", name)
		}
		for _, n := range p.Types.Scope().Names() {
			if named, ok := p.Types.Scope().Lookup(n).Type().(*types.Named); ok && named.NumMethods() > maxMethods {
				t.Errorf("%s.%s: %d methods, want at most %d", name, n, named.NumMethods(), maxMethods)
			}
		}
		for _, c := range cycles(p) {
			if len(c) > maxCycle {
				t.Errorf("%s: %d files form one cycle, want at most %d: %v", name, len(c), maxCycle, c)
			}
		}
	}
}

func isDoc(file string) bool { return filepath.Base(file) == "doc.go" }

// cycles returns the groups of files of a package in which each uses, directly or not, a
// function, method, type or variable of every other.
func cycles(p *packages.Package) (groups [][]string) {
	reach := map[string]map[string]bool{}
	for i, file := range p.Syntax {
		uses := map[string]bool{}
		ast.Inspect(file, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			o := p.TypesInfo.Uses[id]
			if o == nil || o.Pkg() != p.Types {
				return true
			}
			if _, function := o.(*types.Func); function || o.Parent() == p.Types.Scope() {
				uses[filepath.Base(p.Fset.Position(o.Pos()).Filename)] = true
			}
			return true
		})
		reach[filepath.Base(p.CompiledGoFiles[i])] = uses
	}

	// the transitive closure (Warshall)
	for via := range reach {
		for from := range reach {
			if reach[from][via] {
				for to := range reach[via] {
					reach[from][to] = true
				}
			}
		}
	}
	seen := map[string]bool{}
	for file := range reach {
		var group []string
		for other := range reach {
			if !seen[other] && reach[file][other] && reach[other][file] {
				group = append(group, other)
			}
		}
		for _, other := range group {
			seen[other] = true
		}
		groups = append(groups, group)
	}
	return groups
}
