package mapping

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ocf"
)

// maxUnpacked is the largest size of a decompressed event, in bytes: sixteen times what Event
// Hubs accepts.
const maxUnpacked = 16 << 20

// mayBePacked reports whether body may need [unpack]. An event in JSON begins with a bracket
// and does not.
func mayBePacked(body []byte) bool { return len(body) > 0 && body[0] != '{' && body[0] != '[' }

// unpack decompresses a body in gzip, zlib or deflate, and converts UTF-16 to UTF-8. It
// recognises them by the first bytes; deflate has no such sign and is tried if body is not
// UTF-8. The result is true if body was changed.
func unpack(body []byte) ([]byte, bool, error) {
	var in io.Reader
	var err error
	switch {
	case bytes.HasPrefix(body, []byte{0x1f, 0x8b}):
		if in, err = gzip.NewReader(bytes.NewReader(body)); err != nil {
			return nil, true, fmt.Errorf("%w: gzip: %w", fleet.ErrInvalid, err)
		}
		plain, err := inflate("gzip", in)
		return plain, true, err
	case bytes.HasPrefix(body, []byte(ocf.Magic)):
		return body, false, nil
	case bytes.HasPrefix(body, []byte{0xff, 0xfe}), bytes.HasPrefix(body, []byte{0xfe, 0xff}):
		return fromUTF16(body), true, nil
	case len(body) > 2 && body[0]&0x0f == 8 && binary.BigEndian.Uint16(body)%31 == 0:
		if in, err = zlib.NewReader(bytes.NewReader(body)); err == nil {
			if plain, err := inflate("zlib", in); err == nil || !utf8.Valid(body) {
				return plain, true, err
			}
		}
	}
	if !utf8.Valid(body) {
		// Only if it decompresses without an error is it deflate.
		if plain, err := inflate("deflate", flate.NewReader(bytes.NewReader(body))); err == nil {
			return plain, true, nil
		}
	}
	return body, false, nil
}

// inflate reads all of in, up to maxUnpacked bytes. Format is for the error.
func inflate(format string, in io.Reader) ([]byte, error) {
	plain, err := io.ReadAll(io.LimitReader(in, maxUnpacked+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", fleet.ErrInvalid, format, err)
	}
	if len(plain) > maxUnpacked {
		return nil, fmt.Errorf("%w: %s: it has more than %d MB, decompressed", fleet.ErrInvalid, format, maxUnpacked>>20)
	}
	return plain, nil
}

// fromUTF16 converts UTF-16, which begins with a byte order mark, to UTF-8.
func fromUTF16(body []byte) []byte {
	var order binary.ByteOrder = binary.LittleEndian
	if body[0] == 0xfe {
		order = binary.BigEndian
	}
	units := make([]uint16, 0, len(body)/2)
	for body = body[2:]; len(body) > 1; body = body[2:] {
		units = append(units, order.Uint16(body))
	}
	return []byte(string(utf16.Decode(units)))
}

// records reads an event that is an Avro object container file. Each record becomes an
// object. The members of Avro's JSON have no fixed order, so the objects are maps, whose
// members are read in the order of their names.
func records(body []byte) ([]document, error) {
	file, err := ocf.New(bytes.NewReader(body), maxUnpacked)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", fleet.ErrInvalid, err)
	}
	var all []document
	left := maxUnpacked
	for record, err := range file.Records() {
		if err != nil {
			return nil, fmt.Errorf("%w: %w", fleet.ErrInvalid, err)
		}
		text, err := file.JSON(record)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", fleet.ErrInvalid, err)
		}
		if left -= len(text); left < 0 {
			return nil, fmt.Errorf("%w: its records have more than %d MB as JSON", fleet.ErrInvalid, maxUnpacked>>20)
		}
		docs := documents(text, true)
		for i := range docs {
			docs[i].raw = body
		}
		all = append(all, docs...)
	}
	return all, nil
}
