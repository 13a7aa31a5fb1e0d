// Package notation knows how people and machines write what belongs to a
// reading: the words for a value that is missing, and the names of fields.
package notation

import (
	"strings"
	"unicode"
)

// missingWords say, in lower case, that there is no value: of pandas, of
// spreadsheets, of historians (PI's digital states) and of people.
var missingWords = map[string]bool{
	"": true, "nan": true, "-nan": true, "null": true, "none": true, "nil": true, "na": true, "n/a": true, "<na>": true, "nat": true, "undefined": true,
	"inf": true, "-inf": true, "+inf": true, "infinity": true, "-infinity": true, "?": true, "-": true, "--": true, "---": true, ".": true, "*": true,
	"#n/a": true, "#na": true, "#nv": true, "#value!": true, "#div/0!": true, "#wert!": true, "1.#ind": true, "-1.#ind": true, "1.#qnan": true, "1.#inf": true, "-1.#inf": true,
	"bad": true, "bad input": true, "bad data": true, "bad value": true, "bad quality": true, "bad output": true, "no data": true, "nodata": true, "no value": true, "no result": true,
	"no sample": true, "no good data": true, "not connect": true, "not connected": true, "not available": true, "unavailable": true, "missing": true, "invalid": true, "unknown": true, "error": true, "err": true,
	"fail": true, "failed": true, "fault": true, "offline": true, "i/o timeout": true, "io timeout": true, "timeout": true, "calc failed": true, "comm fail": true, "pt created": true,
	"shutdown": true, "scan off": true, "scan timeout": true, "out of serv": true, "configure": true, "intf shut": true, "under range": true, "over range": true, "equip fail": true, "arc off-line": true,
	"doubtful": true, "uncertain": true, "overflow": true, "underflow": true, "k.a.": true, "keine daten": true, "fehlt": true, "ungültig": true, "fehler": true, "störung": true,
}

// Missing reports whether a text says that there is no value: empty, NaN, "Bad",
// "null" and the like, in any case.
func Missing[Text string | []byte](s Text) bool {
	if len(s) > 16 {
		return false
	}
	if missingWords[string(s)] {
		return true
	}
	return missingWords[strings.ToLower(string(s))]
}

// Plain is a field's name in lower case without the blanks, underscores and the
// like that people set in it.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("_-./", r) || !unicode.IsPrint(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}
