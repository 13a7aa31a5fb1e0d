package joblib

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// A file says how large a dictionary its decoder needs, up to 4 GiB, and the
// decoder allocates it at once. But no dictionary has to be larger than what
// comes out, which is limited: so the two functions here give the decoder the
// smaller of the two numbers.

// openLZMA opens the older format: five bytes of properties, of which four are
// the dictionary's size, eight of the length.
func openLZMA(data []byte, limit int) (io.Reader, error) {
	if len(data) < lzma.HeaderLen {
		return nil, io.ErrUnexpectedEOF
	}
	header := bytes.Clone(data[:lzma.HeaderLen])
	size := min(binary.LittleEndian.Uint32(header[1:]), uint32(limit))
	binary.LittleEndian.PutUint32(header[1:], size)
	return lzma.ReaderConfig{DictCap: lzma.MinDictCap + limit}.NewReader(
		io.MultiReader(bytes.NewReader(header), bytes.NewReader(data[lzma.HeaderLen:])))
}
