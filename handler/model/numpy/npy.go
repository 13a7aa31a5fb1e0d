package numpy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// npyMagic is the beginning of a file that numpy.save wrote.
const npyMagic = "\x93NUMPY"

// maxHeader is the size of the largest header of an .npy file, in bytes. Numpy has the same
// limit.
const maxHeader = 10_000

// ReadNPY returns the array in a file that numpy.save wrote
// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). The array's Data
// is a part of file. An array of Python objects would contain a pickle, and is refused.
func ReadNPY(file []byte) (*Array, error) {
	header, data, err := splitNPY(file)
	if err != nil {
		return nil, err
	}
	described, err := parseLiteral(header)
	if err != nil {
		return nil, fmt.Errorf("the header of an .npy file: %w", err)
	}
	d, ok := described.(*pickle.Dict)
	if !ok {
		return nil, errors.New("the header of an .npy file is no dict")
	}
	descr, _ := d.Get("descr")
	t, err := parseDescr(descr)
	if err != nil {
		return nil, err
	}
	dims, _ := d.Get("shape")
	shape, err := ParseShape(dims)
	if err != nil {
		return nil, err
	}
	fortran, _ := d.Get("fortran_order")
	a, err := New(t, shape, fortran == any(true), data)
	return &a, err
}

// Pickled returns the pickle in a file that numpy.save wrote of an array of Python
// objects, as it makes of a model or a dict; nil of other files.
func Pickled(file []byte) []byte {
	header, data, err := splitNPY(file)
	if err != nil {
		return nil
	}
	described, err := parseLiteral(header)
	if err != nil {
		return nil
	}
	if d, ok := described.(*pickle.Dict); ok {
		if descr, _ := d.Get("descr"); descr == any("|O") {
			return data
		}
	}
	return nil
}

// splitNPY returns the header and the data.
func splitNPY(file []byte) (header string, data []byte, err error) {
	rest, ok := bytes.CutPrefix(file, []byte(npyMagic))
	if !ok || len(rest) < 6 {
		return "", nil, errors.New("this is no .npy file")
	}
	size := int64(binary.LittleEndian.Uint16(rest[2:]))
	switch version := rest[0]; version {
	case 1:
		rest = rest[4:]
	case 2, 3:
		size, rest = int64(binary.LittleEndian.Uint32(rest[2:])), rest[6:]
	default:
		return "", nil, fmt.Errorf("version %d of .npy files is not supported", version)
	}
	if size > maxHeader || size > int64(len(rest)) {
		return "", nil, fmt.Errorf("the header of an .npy file claims %d bytes", size)
	}
	return string(rest[:size]), rest[size:], nil
}

// parseDescr returns the type in the header's 'descr': a code, '<f8' for instance, or a list
// of the fields of a record.
func parseDescr(v any) (DType, error) {
	if code, ok := v.(string); ok {
		return parseCode(code)
	}
	list, ok := v.(*pickle.List)
	if !ok {
		return DType{}, errors.New("an .npy file without its dtype")
	}
	record := DType{Kind: 'V'}
	for _, item := range list.Items {
		pair, ok := item.(*pickle.Tuple)
		if !ok || len(pair.Items) != 2 {
			return DType{}, errors.New("arrays inside a numpy record are not supported")
		}
		name, ok1 := pair.Items[0].(string)
		code, ok2 := pair.Items[1].(string)
		if !ok1 || !ok2 {
			return DType{}, errors.New("numpy records inside records are not supported")
		}
		t, err := parseCode(code)
		if err != nil && !(name == "" && t.Kind == 'V') { // bytes between the fields
			return DType{}, err
		}
		if name != "" {
			record.Fields = append(record.Fields, Field{name, record.Size, t})
		}
		record.Size += t.Size
	}
	return record, record.check()
}

// parseCode returns the type of a code. A code is the byte order, the kind, and the size. The
// size of 'U' is in characters.
func parseCode(code string) (DType, error) {
	if len(code) < 3 {
		return DType{}, fmt.Errorf("dtype %.20q is not supported", code)
	}
	size, err := strconv.Atoi(code[2:])
	if err != nil || size < 0 || size > 1<<20 {
		return DType{}, fmt.Errorf("dtype %.20q is not supported", code)
	}
	t := DType{Kind: code[1], Size: size, Big: code[0] == '>'}
	if t.Kind == 'U' {
		t.Size *= bytesOfChar
	}
	if t.Kind == 'O' {
		return t, errors.New("an .npy file of Python objects is not supported")
	}
	return t, t.check()
}

// literal parses the Python literals of a header: dicts, tuples, lists, strings, integers and
// bools.
type literal struct {
	text  string
	depth int
}

// maxLiteral is the largest depth of containers inside one another.
const maxLiteral = 8

func parseLiteral(text string) (any, error) {
	l := &literal{text: text}
	v, err := l.value()
	if err == nil && l.next() != 0 {
		err = fmt.Errorf("%.20q follows", l.text)
	}
	return v, err
}

// next skips blanks and returns the next byte without reading it, or 0 at the end.
func (l *literal) next() byte {
	l.text = strings.TrimLeft(l.text, " \n\t")
	if l.text == "" {
		return 0
	}
	return l.text[0]
}

func (l *literal) value() (any, error) {
	switch c := l.next(); {
	case c == '{':
		return l.dict()
	case c == '(':
		items, err := l.items(')')
		return &pickle.Tuple{Items: items}, err
	case c == '[':
		items, err := l.items(']')
		return &pickle.List{Items: items}, err
	case c == '\'' || c == '"':
		end := strings.IndexByte(l.text[1:], c)
		if end < 0 || strings.Contains(l.text[:end+1], `\`) {
			return nil, errors.New("a string without its end")
		}
		s := l.text[1 : end+1]
		l.text = l.text[end+2:]
		return s, nil
	}
	end := strings.IndexAny(l.text, " ,:)]}")
	word := l.text
	if end >= 0 {
		word = l.text[:end]
	}
	l.text = l.text[len(word):]
	switch word {
	case "True":
		return true, nil
	case "False":
		return false, nil
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(word, "L"), 10, 64) // Python 2 writes 3L
	if err != nil {
		return nil, fmt.Errorf("%.20q is not expected", word)
	}
	return n, nil
}

// items reads values up to the closing bracket.
func (l *literal) items(closing byte) (items []any, err error) {
	if l.depth++; l.depth > maxLiteral {
		return nil, fmt.Errorf("%w: nested over %d deep", pickle.ErrLimit, maxLiteral)
	}
	defer func() { l.depth-- }()
	for l.text = l.text[1:]; l.next() != closing; {
		v, err := l.value()
		if err != nil {
			return nil, err
		}
		items = append(items, v)
		if err := l.comma(closing); err != nil {
			return nil, err
		}
	}
	l.text = l.text[1:]
	return items, nil
}

func (l *literal) comma(closing byte) error {
	switch l.next() {
	case ',':
		l.text = l.text[1:]
	case closing:
	default:
		return fmt.Errorf("a comma is missing before %.20q", l.text)
	}
	return nil
}

func (l *literal) dict() (any, error) {
	if l.depth++; l.depth > maxLiteral {
		return nil, fmt.Errorf("%w: nested over %d deep", pickle.ErrLimit, maxLiteral)
	}
	defer func() { l.depth-- }()
	d := new(pickle.Dict)
	for l.text = l.text[1:]; l.next() != '}'; {
		key, err := l.value()
		if err == nil && l.next() != ':' {
			err = errors.New("a key without its value")
		}
		if err != nil {
			return nil, err
		}
		l.text = l.text[1:]
		v, err := l.value()
		if err == nil {
			err = l.comma('}')
		}
		if err != nil {
			return nil, err
		}
		d.Entries = append(d.Entries, pickle.Entry{Key: key, Value: v})
	}
	l.text = l.text[1:]
	return d, nil
}
