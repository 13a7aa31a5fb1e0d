// Package fleettest has names of devices and sensors as the field writes them, and
// as somebody would who means harm: every surface is tested with them.
package fleettest

import "strings"

// Names are valid, and no two are equal.
var Names = []string{
	// Of IoT Hub, OPC UA, MQTT, Sparkplug, Modbus and building automation.
	"pump-1", "7", "007", "1.0", "1e5", "A-._~%*?!(),:=@$'#", "device.%_*?!(),:=@$'#-", "$edgeAgent", "ns=2;s=Line1.Temp", "nsu=http://acme.com/UA/;i=85",
	"site/line/pump", "/site//line/", "spBv1.0/Plant 1/DDATA/Edge/Pump", "40001:3", "AHU-3.SupplyAirTemp [°C]", "urn:dev:mac:0024befffe804ff1",
	// Of languages, and of characters that are easily lost.
	"Pumpe Süd 3", "Насос №5", "ポンプ＝１", "泵房/一号泵", "مضخة", "é", "e\u0301", "pompe\u00a0nº\u20281", "👩‍🔧 line", "zero\u200bwidth", "bidi\u202egnp", "\ufeffmark", "last\uffff", "\ufffebefore", "\ufffd",
	// Of different case alone.
	"Pump", "pump", "PUMP", "pumP",
	// That mean something to a file system, a shell, SQL, CSV, JSON, XML, HTML, printf and to us.
	".", "..", "...", ".hidden", "trailing.", "../../etc/passwd", `C:\Line\1`, "NUL", "con.txt", "manifest.json", "a|b>c&d;e`f`", "'; DROP TABLE dbo.sensors; --", "%' OR 1 LIKE '", "N'x'",
	"a,b", `say "when"`, `"`, ";", `{"device":1}`, "[1]", "null", "true", "NaN", "<script>alert(1)</script>", "&amp;", "]]>", "%s%d%n", `\u0000\n`, "%00", "%2F", "%252F", "100%", "%~1", "%", "~",
	"_fleet", "_", "default", "default.pkl", "m.pkl", "m.joblib", "x.csv", "model_a_b", "a@previous", "devices.csv",
	// Of the greatest length, of one, two, three and four bytes a character.
	strings.Repeat("x", 128), strings.Repeat("ü", 128), strings.Repeat("泵", 128), strings.Repeat("😀", 128), strings.Repeat("'", 128), strings.Repeat("<", 128),
}

// Invalid are no names.
var Invalid = []string{
	"", " ", " a", "a ", "a\u00a0", "\u3000a", "a\x00", "a\tb", "a\n", "\x7f", "a\u0085b", "=1+1", "+1", "-1", "@SUM(1)", "\xff", "a\xc3", "a\xed\xa0\x80",
	strings.Repeat("x", 129), strings.Repeat("😀", 129),
}
