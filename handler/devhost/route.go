package devhost

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// route is the template of an HTTP function, such as runs/{id}/jobs or
// {*path}, with the methods it takes.
type route struct {
	fn       *function
	template string
	segments []segment
}

// segment is a literal or a parameter of a route.
type segment struct {
	literal    string
	param      string // empty for a literal
	optional   bool
	catchAll   bool
	constraint *regexp.Regexp
}

// param is a route parameter's value; nil where an optional one is missing.
type param struct {
	name  string
	value *string
}

// constraints are those of ASP.NET's that a person is likely to use.
var constraints = map[string]*regexp.Regexp{
	"":      nil,
	"int":   regexp.MustCompile(`^[+-]?\d{1,10}$`),
	"long":  regexp.MustCompile(`^[+-]?\d{1,19}$`),
	"bool":  regexp.MustCompile(`^(?i:true|false)$`),
	"alpha": regexp.MustCompile(`^[A-Za-z]*$`),
	"guid":  regexp.MustCompile(`^[0-9A-Fa-f]{8}-?([0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}$`),
}

// newRoute parses the template of fn under prefix; without one it is the
// function's name.
func newRoute(fn *function, prefix string) (*route, error) {
	template := fn.name
	if fn.trigger.Route != nil {
		template = *fn.trigger.Route
	}
	r := &route{fn: fn, template: strings.Trim(prefix+"/"+template, "/")}
	if strings.HasPrefix(template, "/") {
		return nil, fmt.Errorf("function %s: route %q must not begin with a slash", fn.name, template)
	}
	parts := strings.Split(r.template, "/")
	for i, p := range parts {
		s, err := parseSegment(p)
		if err == nil && s.catchAll && i != len(parts)-1 {
			err = fmt.Errorf("%q must be the last segment", p)
		}
		if err != nil {
			return nil, fmt.Errorf("function %s: route %q: %w", fn.name, template, err)
		}
		r.segments = append(r.segments, s)
	}
	return r, nil
}

var segmentForm = regexp.MustCompile(`^\{(\*{0,2})([A-Za-z_]\w*)(?::([a-z]+))?(\?)?\}$`)

func parseSegment(p string) (segment, error) {
	if !strings.ContainsAny(p, "{}") {
		return segment{literal: p}, nil
	}
	m := segmentForm.FindStringSubmatch(p)
	if m == nil {
		return segment{}, fmt.Errorf("devhost does not play the segment %q; use {name}, {name?}, {name:int} or {*name}", p)
	}
	c, ok := constraints[m[3]]
	if !ok {
		return segment{}, fmt.Errorf("devhost does not play the constraint %q", m[3])
	}
	return segment{param: m[2], catchAll: m[1] != "", optional: m[4] != "", constraint: c}, nil
}

// takes reports whether the route takes the method: all, if none is named.
func (r *route) takes(method string) bool {
	return len(r.fn.trigger.Methods) == 0 || slices.ContainsFunc(r.fn.trigger.Methods, func(m string) bool {
		return strings.EqualFold(m, method)
	})
}

// match returns the parameters of an escaped path, if the route takes it. Case
// doesn't count, nor does a slash at the end.
func (r *route) match(path string) ([]param, bool) {
	var parts []string
	if path = strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/"); path != "" {
		parts = strings.Split(path, "/")
	}
	var params []param
	for i, s := range r.segments {
		if s.catchAll {
			rest := unescape(strings.Join(parts[min(i, len(parts)):], "/"))
			if rest == "" {
				return append(params, param{s.param, nil}), true
			}
			return append(params, param{s.param, &rest}), true
		}
		if i >= len(parts) {
			if !s.optional {
				return nil, false
			}
			params = append(params, param{s.param, nil})
			continue
		}
		value := unescape(parts[i])
		switch {
		case s.param == "" && !strings.EqualFold(s.literal, value):
			return nil, false
		case s.param != "" && (value == "" || s.constraint != nil && !s.constraint.MatchString(value)):
			return nil, false
		case s.param != "":
			params = append(params, param{s.param, &value})
		}
	}
	return params, len(parts) <= len(r.segments)
}

// unescape leaves an escape that is none as it is.
func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}
