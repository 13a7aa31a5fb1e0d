package lightgbm

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

func number(text string, least, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%w: %.40q is no integer from %d to %d", errMalformed, text, least, most)
	}
	return n, nil
}

// integers appends the integers of a line, which must be n.
func integers(dst []int, text []byte, n int) ([]int, error) {
	for range n {
		var item []byte
		item, text = field(text)
		v, err := strconv.ParseInt(string(item), 10, 64)
		if err != nil {
			return dst, fmt.Errorf("%w: %.40q is no integer", errMalformed, item)
		}
		dst = append(dst, int(v))
	}
	return dst, surplus(text)
}

// floats appends the numbers of a line, which must be n.
func floats(dst []float64, text []byte, n int) ([]float64, error) {
	for range n {
		var item []byte
		item, text = field(text)
		v, err := strconv.ParseFloat(string(item), 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return dst, fmt.Errorf("%w: %.40q is no number", errMalformed, item)
		}
		dst = append(dst, v)
	}
	return dst, surplus(text)
}

// field returns the first word of a line, and the rest.
func field(text []byte) (item, rest []byte) {
	item, rest, _ = bytes.Cut(bytes.TrimLeft(text, " "), []byte(" "))
	return item, rest
}

// surplus returns an error if there are words left in a line.
func surplus(text []byte) error {
	if len(bytes.TrimSpace(text)) > 0 {
		return fmt.Errorf("%w: there are more numbers than there should be", errMalformed)
	}
	return nil
}
