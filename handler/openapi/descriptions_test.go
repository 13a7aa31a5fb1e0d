package openapi_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

var update = flag.Bool("update", false, "write descriptions.json anew")

// described is what the comments say of a type.
type described struct {
	Text   string            `json:"text"`
	Fields map[string]string `json:"fields,omitempty"`
	Values []value           `json:"values,omitempty"`
}

type value struct {
	Value string `json:"value"`
	Text  string `json:"text,omitempty"`
}

// TestDescriptions checks that descriptions.json has the comments in the code. With -update
// it writes the file.
func TestDescriptions(t *testing.T) {
	t.Parallel()
	all := map[string]*described{}
	for _, pkg := range []string{"fleet", "ledger", "protocol", "runs"} {
		files, err := filepath.Glob(filepath.Join("..", pkg, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(pkg, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range file.Decls {
				if d, ok := d.(*ast.GenDecl); ok {
					collect(d, pkg, all)
				}
			}
		}
	}
	for name, d := range all {
		if len(d.Fields) == 0 && len(d.Values) == 0 { // it is no type of the API
			delete(all, name)
		}
	}
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(all); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("descriptions.json", want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("descriptions.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("descriptions.json is not what the comments say: go test ./handler/openapi -update")
	}
}

// collect adds the comments of a declaration: of types, of the fields that requests and
// answers have, and of constants that are texts of a type.
func collect(decl *ast.GenDecl, pkg string, to map[string]*described) {
	of := func(name string) *described {
		name = pkg + "." + name
		if to[name] == nil {
			to[name] = &described{}
		}
		return to[name]
	}
	for _, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() {
				d := of(spec.Name.Name)
				if d.Text = plain(spec.Name.Name, decl.Doc.Text()); d.Text == "" {
					d.Text = plain(spec.Name.Name, spec.Doc.Text())
				}
				switch s := spec.Type.(type) {
				case *ast.StructType:
					d.Fields = fields(s)
				case *ast.MapType:
					d.Fields = map[string]string{"": "a map"} // of which the text is all there is to say
				}
			}
		case *ast.ValueSpec:
			typ, ok := spec.Type.(*ast.Ident)
			if !ok || decl.Tok != token.CONST || len(spec.Values) != 1 {
				continue
			}
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if text, err := strconv.Unquote(literal.Value); err == nil && text != "" {
					d := of(typ.Name)
					d.Values = append(d.Values, value{text, strings.TrimSuffix(strings.TrimSpace(spec.Comment.Text()), ".")})
				}
			}
		}
	}
}

var apiTag = regexp.MustCompile(`(query|path):|json:"[a-z]`)

// fields returns the comments of those fields of a struct that the API has.
func fields(of *ast.StructType) map[string]string {
	known := map[string]string{}
	for _, f := range of.Fields.List {
		if f.Tag == nil || !apiTag.MatchString(f.Tag.Value) {
			continue
		}
		comment := f.Doc.Text()
		if comment == "" {
			comment = f.Comment.Text()
		}
		for _, name := range f.Names {
			if text := plain(name.Name, comment); text != "" {
				known[name.Name] = text
			}
		}
	}
	return known
}

var link = regexp.MustCompile(`\[([A-Za-z.]+)\]`)

// plain makes a comment a text for readers who do not see the code: sentences in one
// line, without the name that Go's comments begin with, and without the brackets of links.
func plain(name, comment string) string {
	text := link.ReplaceAllString(strings.Join(strings.Fields(comment), " "), "$1")
	for _, verb := range []string{" is ", " are "} {
		text = strings.TrimPrefix(text, name+verb)
	}
	if rest, ok := strings.CutPrefix(text, name+" "); ok {
		text = "It " + rest
	}
	if text == "" {
		return ""
	}
	letters := []rune(text)
	letters[0] = unicode.ToUpper(letters[0])
	return strings.TrimSuffix(string(letters), ".") + "."
}

// TestPlain shows what a comment becomes.
func TestPlain(t *testing.T) {
	t.Parallel()
	for comment, want := range map[string]string{
		"":                                 "",
		"the name\n":                       "The name.",
		"Run is a run: one pass\nover it.": "A run: one pass over it.",
		"Run may be a [fleet.Run].":        "It may be a fleet.Run.",
	} {
		if got := plain("Run", comment); got != want {
			t.Errorf("%q: %q, want %q", comment, got, want)
		}
	}
}
