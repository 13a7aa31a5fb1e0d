package protocol

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// The host's envelopes are delimited, not unmarshalled: three quarters of a batch
// of events is metadata that nobody reads.

var errSyntax = errors.New("not JSON")

// lenient takes what encoding/json takes: a name given twice, and text that is
// not UTF-8, whose bytes become U+FFFD.
var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// elements calls f with each element of the JSON array b.
func elements(b []byte, f func(raw []byte) error) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(b), lenient...)
	err := items(d, jsontext.KindBeginArray, func() error {
		raw, err := value(d, b)
		if err != nil {
			return err
		}
		return f(raw)
	})
	if err != nil {
		return err
	}
	return atEnd(d)
}

// members calls f with the name of each member of the object that d is to read.
// f reads the value.
func members(d *jsontext.Decoder, f func(name string) error) error {
	return items(d, jsontext.KindBeginObject, func() error {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		return f(name.String())
	})
}

// items calls f before each item of the array or object that d is to read.
func items(d *jsontext.Decoder, begin jsontext.Kind, f func() error) error {
	switch first, err := d.ReadToken(); {
	case err != nil:
		return err
	case first.Kind() != begin:
		return errSyntax
	}
	for {
		switch d.PeekKind() {
		case jsontext.KindEndObject, jsontext.KindEndArray:
			_, err := d.ReadToken()
			return err
		}
		if err := f(); err != nil {
			return err
		}
	}
}

// atEnd reports an error if anything follows what d has read.
func atEnd(d *jsontext.Decoder) error {
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return errSyntax
	}
	return nil
}

// value returns the next value of b, which d reads: a part of b.
func value(d *jsontext.Decoder, b []byte) ([]byte, error) {
	raw, err := d.ReadValue()
	if err != nil {
		return nil, err
	}
	end := d.InputOffset()
	return b[end-int64(len(raw)) : end], nil
}

// unquote returns the text of the JSON string raw: a part of raw itself where
// that has no escapes. Half a surrogate pair becomes U+FFFD, as in encoding/json.
func unquote(raw []byte) ([]byte, error) {
	if len(raw) >= 2 && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 && bytes.IndexByte(raw[1:], '"') == len(raw)-2 {
		return raw[1 : len(raw)-1], nil
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(raw), lenient...)
	token, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	if token.Kind() != jsontext.KindString {
		return nil, errSyntax
	}
	text := []byte(token.String())
	return text, atEnd(d)
}
