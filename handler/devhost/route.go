package devhost

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// route is the route of an HTTP function: literal segments, and perhaps {*name} as the last one,
// which stands for any number of segments.
type route struct {
	fn       *function
	literals []string
	rest     bool // the route ends with {*name}
}

// newRoute parses the route of fn, which begins with prefix. The default route is the function's
// name.
func newRoute(fn *function, prefix string) (*route, error) {
	template := fn.name
	if fn.trigger.Route != nil {
		template = *fn.trigger.Route
	}
	r := &route{fn: fn, literals: strings.Split(strings.Trim(prefix+"/"+template, "/"), "/")}
	last := len(r.literals) - 1
	if p := r.literals[last]; strings.HasPrefix(p, "{*") && strings.HasSuffix(p, "}") {
		r.rest, r.literals = true, r.literals[:last]
	}
	if strings.HasPrefix(template, "/") || strings.ContainsAny(strings.Join(r.literals, ""), "{}") {
		return nil, fmt.Errorf("function %s: devhost does not support the route %q: use literal segments, without a slash before them, and {*name} as the last", fn.name, template)
	}
	return r, nil
}

// takes reports whether the function accepts the method. It accepts all if function.json names
// none.
func (r *route) takes(method string) bool {
	return len(r.fn.trigger.Methods) == 0 || slices.ContainsFunc(r.fn.trigger.Methods, func(m string) bool {
		return strings.EqualFold(m, method)
	})
}

// match reports whether an escaped path matches the route. Case does not matter, nor does a slash
// at the end.
func (r *route) match(path string) bool {
	parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/"), "/")
	if len(parts) < len(r.literals) || len(parts) > len(r.literals) && !r.rest {
		return false
	}
	for i, literal := range r.literals {
		if !strings.EqualFold(literal, unescape(parts[i])) {
			return false
		}
	}
	return true
}

// unescape unescapes a segment of a path. A segment with a wrong escape stays as it is.
func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}
