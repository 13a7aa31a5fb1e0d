package sklearn

import (
	"slices"
	"strconv"
	"strings"
)

// nameClasses gives the classes the names of the bundle's LabelEncoder of which they
// are the codes. An encoder of a column, such as that of a machine's type, is none.
func (b *bundle) nameClasses(e *element) error {
	if e.classes == nil {
		return nil
	}
	var found []columns
	for _, c := range b.encoders {
		if !b.ofColumn(c.key) && c.renamed(e.classes.names) != nil {
			found = append(found, c)
		}
	}
	ofTarget := func(c columns) bool {
		return slices.ContainsFunc(keyWords(c.key), func(w string) bool { return slices.Contains(targetWords, w) && w != "label" })
	}
	if len(found) > 1 && slices.ContainsFunc(found, ofTarget) {
		found = slices.DeleteFunc(found, func(c columns) bool { return !ofTarget(c) })
	}
	for i := 1; i < len(found); i++ {
		if !slices.Equal(found[i].renamed(e.classes.names), found[0].renamed(e.classes.names)) {
			return b.refuse("whether "+quoted(found[0].key)+" or "+quoted(found[i].key)+" has the names of the classes is not clear", "keep the one of the target alone, or call it \"target_encoder\"")
		}
	}
	if len(found) == 0 {
		return nil
	}
	renamed := *e.classes
	renamed.names = found[0].renamed(e.classes.names)
	e.classes = &renamed
	b.take(found[0].key, "class names")
	return nil
}

// renamed returns the names of classes that are codes, nil if they are not those of an
// encoder. Classes that were not met in training may be missing, but of two classes
// an encoder of more names is one of a column.
func (c columns) renamed(codes []string) []string {
	names := make([]string, len(codes))
	for i, code := range codes {
		at, err := strconv.Atoi(code)
		if err != nil || at < 0 || at >= len(c.names) || len(codes) < 3 && len(codes) != len(c.names) {
			return nil
		}
		names[i] = c.names[at]
	}
	return names
}

// ofColumn reports whether the key of an encoder names one of the columns, as le_type
// names "Type".
func (b *bundle) ofColumn(key string) bool {
	words := slices.DeleteFunc(keyWords(key), func(w string) bool {
		return slices.Contains([]string{"le", "label", "encoder", "enc", "encoders", "pkl", "joblib", "pickle"}, w)
	})
	name := strings.Join(words, "_")
	return name != "" && slices.ContainsFunc(b.names, func(column string) bool { return strings.Join(keyWords(column), "_") == name })
}
