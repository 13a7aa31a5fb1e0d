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

// maxUnpacked bounds what an event may be when it is decompressed: sixteen times
// what Event Hubs takes.
const maxUnpacked = 16 << 20

// packed reports whether body may be something else than text as it is: most
// events begin with a bracket.
func packed(body []byte) bool { return len(body) > 0 && body[0] != '{' && body[0] != '[' }

// unpack decompresses body, by what it begins with: gzip, zlib, or deflate
// where it is no text; and writes UTF-16 as UTF-8. It reports whether it did any
// of it.
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
		// Nothing says that it is deflate but that it is, and to the last byte.
		if plain, err := inflate("deflate", flate.NewReader(bytes.NewReader(body))); err == nil {
			return plain, true, nil
		}
	}
	return body, false, nil
}

func inflate(by string, in io.Reader) ([]byte, error) {
	plain, err := io.ReadAll(io.LimitReader(in, maxUnpacked+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", fleet.ErrInvalid, by, err)
	}
	if len(plain) > maxUnpacked {
		return nil, fmt.Errorf("%w: %s: it has more than %d MB, decompressed", fleet.ErrInvalid, by, maxUnpacked>>20)
	}
	return plain, nil
}

// fromUTF16 writes UTF-16, which begins with a byte order mark, as UTF-8.
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

// records reads an event that is a file of Avro, each record as JSON. Its
// members come in any order: as maps, which are read in that of their names.
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
