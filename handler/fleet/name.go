package fleet

import (
	"fmt"
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName is the longest name of a device or sensor, in characters (Unicode code
// points).
const MaxName = 128

// ValidName returns an error if s cannot be the name of a device, a sensor or a device
// model. A name is UTF-8 text of 1 to [MaxName] characters without control
// characters. It does not begin or end with a blank. It does not begin with =, +, -
// or @, because a spreadsheet would read it as a formula. Names are compared
// bytewise: they are case-sensitive, and are not normalized. The error wraps
// [ErrInvalid].
func ValidName(s string) error {
	first, last, n := rune(0), rune(0), 0
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			return fmt.Errorf("%w: name %s is not UTF-8 at byte %d", ErrInvalid, shown(s), i)
		case unicode.IsControl(r):
			return fmt.Errorf("%w: name %s has the control character %U at byte %d", ErrInvalid, shown(s), r, i)
		}
		if i == 0 {
			first = r
		}
		last = r
		n++
	}
	switch {
	case n == 0:
		return fmt.Errorf("%w: the name is empty", ErrInvalid)
	case n > MaxName:
		return fmt.Errorf("%w: name %s has %d characters, more than %d", ErrInvalid, shown(s), n, MaxName)
	case unicode.IsSpace(first) || unicode.IsSpace(last):
		return fmt.Errorf("%w: name %s begins or ends with a blank", ErrInvalid, shown(s))
	case strings.ContainsRune("=+-@", first):
		return fmt.Errorf("%w: name %s begins with %q, which makes it a formula in spreadsheets: begin it with a letter or digit", ErrInvalid, shown(s), first)
	}
	return nil
}

// shown quotes the first 80 characters of a name for an error text.
func shown(s string) string { return fmt.Sprintf("%.80q", s) }

// maxPercent is the length of the longest percent-encoded form of a name. Two such
// names and a run's id fit into the name of a blob, which may have 1,024 characters.
const maxPercent = 440

const compact = "%~" // the beginning of the other form; a percent-encoded name never has it

// EncodeName returns the form of a name for the names of blobs and files. Bytes
// outside A-Z, a-z, 0-9, '.', '_' and '-' are written %XX. So are a dot at the
// beginning or end, and a '_' at the beginning. Different names have different forms,
// and no form begins with '_'.
//
// A form longer than 440 characters, such as that of 49 Chinese characters, is too
// long for the names of blobs. Its place is taken by %~ and a number in base 62. The
// digits of this number in base 1,114,112 are the name's code points.
func EncodeName(s string) string {
	const hex = "0123456789ABCDEF"
	if plainName(s) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if plainByte(s, i) {
			b.WriteByte(s[i])
		} else {
			b.WriteByte('%')
			b.WriteByte(hex[s[i]>>4])
			b.WriteByte(hex[s[i]&15])
		}
	}
	if b.Len() <= maxPercent {
		return b.String()
	}
	n := new(big.Int)
	for _, r := range s {
		n.Mul(n, codePoints).Add(n, big.NewInt(int64(r)))
	}
	return compact + n.Text(62)
}

var codePoints = big.NewInt(utf8.MaxRune + 1)

// DecodeName returns the name whose encoded form is s: see [EncodeName]. The error
// wraps [ErrInvalid] if there is none.
func DecodeName(s string) (string, error) {
	name := s
	if digits, ok := strings.CutPrefix(s, compact); ok {
		name = expand(digits)
	} else if strings.Contains(s, "%") {
		name = unescape(s)
	}
	if EncodeName(name) != s {
		return "", fmt.Errorf("%w: %s is not the encoded form of a name: every byte outside A-Z, a-z, 0-9, '.', '_' and '-' is written %%XX, and a '.' or '_' at the beginning too", ErrInvalid, shown(s))
	}
	return name, ValidName(name)
}

// unescape replaces each %XX by its byte. It keeps a % without two digits.
func unescape(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if high, low := hexDigit(s[i+1]), hexDigit(s[i+2]); high >= 0 && low >= 0 {
				b = append(b, byte(high<<4|low))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

func hexDigit(c byte) int { return strings.IndexByte("0123456789ABCDEF", c) }

// expand decodes the digits of the compact form. It returns "" if there are too many.
func expand(digits string) string {
	const longest = MaxName * 4 // a code point takes less than 3.4 digits
	n, ok := new(big.Int).SetString(digits[:min(len(digits), longest+1)], 62)
	if !ok || len(digits) > longest || n.Sign() < 0 {
		return ""
	}
	var runes []rune
	for r := new(big.Int); n.Sign() > 0; {
		n.DivMod(n, codePoints, r)
		runes = append([]rune{rune(r.Int64())}, runes...)
	}
	return string(runes)
}

func plainName(s string) bool {
	for i := range len(s) {
		if !plainByte(s, i) {
			return false
		}
	}
	return true
}

func plainByte(s string, i int) bool {
	switch c := s[i]; {
	case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-':
		return true
	case c == '_':
		return i > 0
	default:
		return c == '.' && i > 0 && i < len(s)-1
	}
}
