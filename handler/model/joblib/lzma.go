package joblib

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// A file says how large a dictionary its decoder needs, up to 4 GiB, and the decoder allocates
// it at once. But no dictionary needs to be larger than the decompressed data, which is
// limited. So openLZMA and openXZ limit the dictionary too.

// openLZMA opens the older format, .lzma. Its header has a byte of properties, the size of
// the dictionary in four bytes, and the length in eight bytes.
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
