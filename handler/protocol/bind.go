package protocol

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// maxRequest bounds the body of a forwarded request.
const maxRequest = 1 << 20

// binder fills a request struct. It is made once for each route.
type binder struct {
	params, queries map[string]int // name → index of the field
}

// newBinder reads the tags of Req. See [Route] for what they may be.
func newBinder[Req any]() binder {
	t := reflect.TypeFor[Req]()
	b := binder{params: map[string]int{}, queries: map[string]int{}}
	for i := range t.NumField() {
		f := t.Field(i)
		param, query := f.Tag.Get("path"), f.Tag.Get("query")
		if param == "" && query == "" {
			continue
		}
		if f.Tag.Get("json") != "-" {
			panic(fmt.Sprintf("protocol: field %s of %v needs json:\"-\": the body could set it", f.Name, t))
		}
		if !settable(f.Type) {
			panic(fmt.Sprintf("protocol: field %s of %v is of no type that a parameter can have", f.Name, t))
		}
		if param != "" {
			b.params[param] = i
		} else {
			b.queries[query] = i
		}
	}
	return b
}

// bind fills *req from the body, the query and the path. Its errors wrap
// fleet.ErrInvalid or are echo's, with a status below 500.
func (b binder) bind(c echo.Context, req any) error {
	v := reflect.ValueOf(req).Elem()
	r := c.Request()
	if r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
		if err := bindBody(r, req); err != nil {
			return err
		}
	}
	if err := b.bindQuery(r, v); err != nil {
		return err
	}
	for name, i := range b.params {
		if strings.Contains(c.Param(name), "/") {
			return echo.ErrNotFound // echo's last parameter takes all the rest
		}
		text, err := param(c, name)
		if err == nil {
			err = set(v.Field(i), text)
		}
		if err != nil {
			return fmt.Errorf("%w: path parameter %s: %v", fleet.ErrInvalid, name, err)
		}
	}
	return nil
}

// param returns a path parameter, unescaped. If the path has escapes such as %2F, echo
// matches the escaped path, and the parameter is escaped too.
func param(c echo.Context, name string) (string, error) {
	if c.Request().URL.RawPath == "" {
		return c.Param(name), nil
	}
	return url.PathUnescape(c.Param(name))
}

// bindQuery fills the query parameters. The host leaves the caller's key in
// the query, as code. It writes the query anew by .NET's UrlEncoder, which leaves
// semicolons as they are; url.ParseQuery would refuse them, and names of OPC UA
// nodes have them.
func (b binder) bindQuery(r *http.Request, v reflect.Value) error {
	query, err := url.ParseQuery(strings.ReplaceAll(r.URL.RawQuery, ";", "%3B"))
	if err != nil {
		return fmt.Errorf("%w: query: %v", fleet.ErrInvalid, err)
	}
	for name, values := range query {
		i, ok := b.queries[name]
		if !ok {
			if name == "code" {
				continue
			}
			return fmt.Errorf("%w: there is no query parameter %.40q here", fleet.ErrInvalid, name)
		}
		// The host joins the values of a repeated parameter in the same way.
		if err := set(v.Field(i), strings.Join(values, ",")); err != nil {
			return fmt.Errorf("%w: query parameter %s: %v", fleet.ErrInvalid, name, err)
		}
	}
	return nil
}

// bindBody fills req from a JSON body; an empty body is an empty object.
func bindBody(r *http.Request, req any) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	switch {
	case err != nil:
		return fmt.Errorf("%w: body: %v", fleet.ErrInvalid, err)
	case len(body) > maxRequest:
		return echo.NewHTTPError(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes", maxRequest))
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return echo.NewHTTPError(http.StatusUnsupportedMediaType, "send JSON, with Content-Type: application/json; the body is {} where there is nothing to say")
	}
	if len(body) == 0 {
		return nil
	}
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(req); err != nil {
		return fmt.Errorf("%w: body: %s", fleet.ErrInvalid, bodyFault(err))
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("%w: body: there is text after the JSON", fleet.ErrInvalid)
	}
	return nil
}

// bodyFault returns a text for the sender of a body that says what is wrong with it.
func bodyFault(err error) string {
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		return fmt.Sprintf("member %s cannot be a JSON %s", wrong.Field, wrong.Value)
	case errors.As(err, &wrong):
		return fmt.Sprintf("a JSON object is wanted, not a JSON %s", wrong.Value)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "the JSON ends too soon"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// settable reports whether [set] knows the type t.
func settable(t reflect.Type) bool {
	if reflect.PointerTo(t).Implements(textUnmarshaler) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64:
		return true
	case reflect.Slice:
		return t.Elem().Kind() == reflect.String
	}
	return false
}

// set parses text into the field v.
func set(v reflect.Value, text string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%.40q is neither true nor false", text)
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%.40q is not a whole number in range", text)
		}
		v.SetInt(n)
	case reflect.Slice:
		setList(v, text)
	}
	return nil
}

// setList sets a list of strings from text, in which commas separate them. Empty text is
// the empty list.
func setList(v reflect.Value, text string) {
	if text == "" {
		return
	}
	parts := strings.Split(text, ",")
	list := reflect.MakeSlice(v.Type(), len(parts), len(parts))
	for i, part := range parts {
		list.Index(i).SetString(part)
	}
	v.Set(list)
}
