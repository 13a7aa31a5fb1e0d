package openapi

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"strings"

	"github.com/swaggest/jsonschema-go"
	"github.com/swaggest/openapi-go/openapi31"

	"github.com/fleetscore/fleetscore/handler/protocol"
)

// commentsOfCode are the comments of the API's types. A test writes them from the code:
// go test ./handler/openapi -update.
//
//go:embed descriptions.json
var commentsOfCode []byte

// descriptions are the comments of types, by package and name.
type descriptions map[string]description

// description is what the comments say of a type.
type description struct {
	Text   string            `json:"text"`
	Fields map[string]string `json:"fields"`
	Values []struct {        // all that there are, where they are few
		Value string `json:"value"`
		Text  string `json:"text"`
	} `json:"values"`
}

func readDescriptions() (d descriptions, err error) {
	if err = json.Unmarshal(commentsOfCode, &d); err != nil {
		err = fmt.Errorf("descriptions.json: %w", err)
	}
	return d, err
}

// of returns what is said of a type.
func (d descriptions) of(t reflect.Type) description {
	return d[path.Base(t.PkgPath())+"."+t.Name()]
}

// each calls f with the fields of a type that have a tag, embedded ones too, by the
// names that the tag gives them.
func (d descriptions) each(t reflect.Type, tag string, f func(name, text string)) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return
	}
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Anonymous {
			d.each(field.Type, tag, f)
		} else if name, _, _ := strings.Cut(field.Tag.Get(tag), ","); name != "" && name != "-" {
			f(name, d.of(t).Fields[field.Name])
		}
	}
}

// describe gives a type its description, its members those of their fields, and a text
// of few values the list of these.
func (d descriptions) describe(p jsonschema.InterceptSchemaParams) (stop bool, err error) {
	if !p.Processed || !p.Value.IsValid() {
		return false, nil
	}
	of := p.Value.Type()
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	about := d.of(of)
	if about.Text != "" && p.Schema.Description == nil {
		p.Schema.WithDescription(about.Text)
	}
	d.each(of, "json", func(name, text string) {
		if member, ok := p.Schema.Properties[name]; ok && text != "" && member.TypeObject != nil {
			member.TypeObject.WithDescription(text)
		}
	})
	if len(about.Values) == 0 {
		return false, nil
	}
	var told []string
	for _, v := range about.Values {
		p.Schema.Enum = append(p.Schema.Enum, v.Value)
		if v.Text != "" {
			told = append(told, v.Value+": "+v.Text+".")
		}
	}
	p.Schema.WithDescription(strings.Join(append([]string{about.Text}, told...), " "))
	return false, nil
}

// describeParameters gives the parameters of an operation the comments of their fields.
func (d descriptions) describeParameters(spec *openapi31.Spec, o protocol.Operation) {
	operation := operationOf(spec, o)
	for _, tag := range []string{"query", "path"} {
		d.each(o.Request, tag, func(name, text string) {
			for _, p := range operation.Parameters {
				if p.Parameter != nil && p.Parameter.Name == name && text != "" {
					p.Parameter.WithDescription(text)
				}
			}
		})
	}
}
