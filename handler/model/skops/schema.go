package skops

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// A JSON value is nil, a bool, a json.Number, a string, a list or an object.
type (
	list   []any
	object []member
	member struct {
		key   string
		value any
	}
)

// get returns a member, or nil. If there are several with the same key, it returns the last.
func (o object) get(key string) any {
	for i := len(o) - 1; i >= 0; i-- {
		if o[i].key == key {
			return o[i].value
		}
	}
	return nil
}

// text returns a string member, or "".
func (o object) text(key string) string {
	s, _ := o.get(key).(string)
	return s
}

// Limits of the schema.
const (
	maxDepth  = 300 // JSON objects and lists inside one another
	sizeValue = 48  // bytes that a value takes from the budget
)

// parse parses JSON and keeps the order of the members of objects.
func parse(data []byte, budget *pickle.Budget) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	p := parser{d, budget}
	v, err := p.value(0)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("more than one value")
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = pickle.ErrTruncated
	}
	return v, err
}

type parser struct {
	*json.Decoder
	budget *pickle.Budget
}

func (p parser) value(depth int) (any, error) {
	t, err := p.Token()
	if err != nil {
		return nil, err
	}
	if err := p.budget.Take(sizeValue); err != nil {
		return nil, err
	}
	open, ok := t.(json.Delim)
	if !ok {
		if s, ok := t.(string); ok {
			return t, p.budget.Take(len(s))
		}
		return t, nil
	}
	if depth == maxDepth {
		return nil, fmt.Errorf("%w: nested over %d deep", pickle.ErrLimit, maxDepth)
	}
	if open == '[' {
		return p.list(depth)
	}
	return p.object(depth)
}

func (p parser) list(depth int) (any, error) {
	l := list{}
	for p.More() {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		l = append(l, v)
	}
	_, err := p.Token()
	return l, err
}

func (p parser) object(depth int) (any, error) {
	o := object{}
	for p.More() {
		key, err := p.Token()
		if err != nil {
			return nil, err
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		name, _ := key.(string)
		o = append(o, member{name, v})
	}
	_, err := p.Token()
	return o, err
}

// scalar returns the value of a JsonNode: None, a bool, a number or a string, in the form of
// Python's json.dumps.
func scalar(text string) (any, error) {
	switch text {
	case "null":
		return nil, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "NaN":
		return math.NaN(), nil
	case "Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	}
	if len(text) > 0 && text[0] == '"' {
		var s string
		err := json.Unmarshal([]byte(text), &s)
		return s, err
	}
	return number(text)
}

// number parses an int64, *big.Int or float64.
func number(text string) (any, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	if len(text) > pickle.MaxLong {
		return nil, fmt.Errorf("%w: a number of %d digits", pickle.ErrLimit, len(text))
	}
	if n, ok := new(big.Int).SetString(text, 10); ok {
		return n, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("%.40q is no JSON value", text)
	}
	return f, nil
}
