package devhost

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sort"
	"strings"
)

// httpExchange is a call of the recorded client.
type httpExchange struct {
	Request struct {
		Method  string            `json:"method"`
		Path    string            `json:"path"`
		Headers map[string]string `json:"headers"`
		Body    *string           `json:"body"`
	} `json:"request"`
	Response *struct {
		Status  int         `json:"status"`
		Headers [][2]string `json:"headers"`
		Body    string      `json:"body"`
	} `json:"response"`
}

// bytes is the request as the recorded client sent it. Bodies that the record
// could not hold as text are known.
func (x httpExchange) bytes(addr, key string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", x.Request.Method, strings.ReplaceAll(x.Request.Path, "<functions-key>", key), addr)
	names := make([]string, 0, len(x.Request.Headers))
	ends := true
	for name := range x.Request.Headers {
		names = append(names, name)
		ends = ends && !strings.EqualFold(name, "Connection")
	}
	sort.Strings(names)
	chunked := false
	for _, name := range names {
		value := strings.ReplaceAll(x.Request.Headers[name], "<functions-key>", key)
		if strings.EqualFold(name, "Content-Length") {
			continue
		}
		chunked = chunked || strings.EqualFold(name, "Transfer-Encoding")
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	if ends {
		b.WriteString("Connection: close\r\n")
	}
	body := ""
	if x.Request.Body != nil {
		body = *x.Request.Body
	}
	switch {
	case body == "(200 kB)":
		body = `{"big":"` + strings.Repeat("x", 200000) + `"}`
	case strings.Contains(body, "\uFFFD"):
		body = "\x00\x01\x02\xFF\xFE"
	}
	switch {
	case chunked:
		fmt.Fprintf(&b, "\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	case x.Request.Body != nil || x.Request.Headers["Content-Length"] != "":
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	default:
		b.WriteString("\r\n")
	}
	return b.String()
}

// call sends x and compares the answer with the recorded one.
func (p *replay) call(x httpExchange) {
	p.t.Helper()
	if strings.HasPrefix(x.Request.Path, "/admin") || strings.Contains(x.Request.Path, "/items/") {
		return // not played
	}
	_, key := p.host.Keys()
	addr := strings.TrimPrefix(p.host.URL(), "http://")
	conn, err := net.Dial("tcp4", addr)
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, x.bytes(addr, key)); err != nil {
		p.t.Fatal(err)
	}
	name := x.Request.Method + " " + x.Request.Path
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: x.Request.Method})
	if err != nil {
		p.t.Errorf("%s: %v", name, err)
		return
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Errorf("%s: %v", name, err)
	}
	if x.Response == nil {
		return
	}
	if resp.StatusCode != x.Response.Status {
		p.t.Errorf("%s: status %d, recorded %d", name, resp.StatusCode, x.Response.Status)
	}
	if want := mask(x.Response.Body); strings.ToValidUTF8(mask(string(body)), "\uFFFD") != want && ofFunction(x) {
		p.t.Errorf("%s: body %.300q, recorded %.300q", name, body, want)
	}
	var want, got []string
	for _, h := range x.Response.Headers {
		if !framing[strings.ToLower(h[0])] {
			want = append(want, strings.ToLower(h[0])+": "+h[1])
		}
	}
	for n, values := range resp.Header {
		for _, v := range values {
			if !framing[strings.ToLower(n)] {
				got = append(got, strings.ToLower(n)+": "+v)
			}
		}
	}
	diff(p.t, "response header of "+name, want, got)
}

// framing are the fields that say how a reply was sent, or when.
var framing = map[string]bool{"content-length": true, "transfer-encoding": true, "connection": true, "keep-alive": true, "date": true, "cache-control": true, "pragma": true}

// ofFunction reports whether the body is the function's: not the host's own page.
func ofFunction(x httpExchange) bool {
	return x.Request.Path != "/" && !strings.HasSuffix(x.Request.Path, "/gz")
}
