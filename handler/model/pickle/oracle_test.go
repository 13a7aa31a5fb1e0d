package pickle_test

import (
	"bytes"
	"fmt"
	"math/big"
	"strings"
	"testing"

	gopickle "github.com/nlpodyssey/gopickle/pickle"
	"github.com/nlpodyssey/gopickle/types"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// TestAgainstGopickle compares plain data, which CPython wrote in the protocols 2 to 5, with
// what another reader gives.
func TestAgainstGopickle(t *testing.T) {
	for _, data := range []string{
		"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01]q\x02(K\x01G?\xf8\x00\x00\x00\x00\x00\x00M\xe8\x03J\xfe\xff\xff\xff\x8a\x05\x00\x00\x00\x00\x01eX\x01\x00\x00\x00bq\x03NX\x01\x00\x00\x00cq\x04\x88\x89\x86q\x05u.",
		"\x80\x03]q\x00(C\x03xyzq\x01h\x01X\x03\x00\x00\x00\xe2\x82\xacq\x02K\x01K\x02K\x03\x87q\x03h\x03)e.",
		"\x80\x04]\x94(\x8c\x01a\x94h\x01}\x94(\x8c\x01k\x94K\x05\x8c\x01v\x94]\x94ue.",
		"\x80\x05\x96\x03\x00\x00\x00\x00\x00\x00\x00abc\x94K\x07\x8a\x02\x00\xff\x87\x94.",
		"\x80\x04(\x8c\x04long\x94G@\x09!\xfbTD-\x18t\x94.",
	} {
		mine, err := pickle.Read([]byte(data), pickle.Options{})
		if err != nil {
			t.Errorf("%q: %v", data, err)
			continue
		}
		u := gopickle.NewUnpickler(bytes.NewReader([]byte(data)))
		theirs, err := u.Load()
		if err != nil {
			t.Errorf("%q: gopickle: %v", data, err)
			continue
		}
		if got, want := text(mine), oracleText(theirs); got != want {
			t.Errorf("%q: got %s, gopickle %s", data, got, want)
		}
	}
}

// oracleText is text for gopickle's types.
func oracleText(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case *types.List:
		return "[" + oracleTexts(*v) + "]"
	case *types.Tuple:
		return "(" + oracleTexts(*v) + ")"
	case *types.Dict:
		var b strings.Builder
		for _, e := range *v {
			fmt.Fprintf(&b, "%s:%s ", oracleText(e.Key), oracleText(e.Value))
		}
		return "{" + strings.TrimSpace(b.String()) + "}"
	case []byte:
		return fmt.Sprintf("b%q", v)
	case *types.ByteArray:
		return fmt.Sprintf("b%q", []byte(*v))
	case string:
		return fmt.Sprintf("%q", v)
	case *big.Int:
		return v.String()
	}
	return fmt.Sprint(v)
}

func oracleTexts(items []any) string {
	parts := make([]string, len(items))
	for i, v := range items {
		parts[i] = oracleText(v)
	}
	return strings.Join(parts, " ")
}
