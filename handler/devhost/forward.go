package devhost

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// errChunked is the error of a request whose body has no length. The host does not forward such
// a body.
var errChunked = errors.New("the client's body is chunked: the host forwards bodies with Content-Length only")

// sendForwarded sends the client's request to the handler, and stores the answer in c. The
// answer may have any status.
func (v *invoker) sendForwarded(ctx context.Context, c *call, id string) error {
	hc := c.http
	if len(hc.r.TransferEncoding) > 0 {
		return errChunked
	}
	req := &request{method: hc.r.Method, target: hc.path + rebuildQuery(hc.r.URL.RawQuery), header: forwardHeader(hc, id), body: hc.body}
	resp, err := v.worker.wire.do(ctx, req)
	if err != nil {
		return err
	}
	header := resp.header.Clone()
	for _, hop := range [...]string{"Connection", "Transfer-Encoding", "Content-Length"} {
		header.Del(hop)
	}
	hc.answer = &answer{resp.status, header, resp.body}
	return nil
}

// forwardHeader returns the header that the host sends to the handler for a client's request. It
// joins repeated fields, drops content headers except Content-Length and Content-Type, and adds
// its own fields.
func forwardHeader(hc *httpCall, id string) []field {
	out := []field{{"Host", hc.r.Host}}
	for _, name := range slices.Sorted(maps.Keys(hc.r.Header)) {
		if !contentHeaders[name] {
			sep := ", "
			if name == "Cookie" {
				sep = "; "
			}
			out = append(out, field{name, strings.Join(hc.r.Header[name], sep)})
		}
	}
	out = joined(out, "X-Azure-Functions-HostVersion", hostVersion, ", ")
	out = joined(out, "X-Azure-Functions-InvocationId", id, ", ")
	out = joined(out, "User-Agent", "Azure-Functions-Host/"+hostVersion, " ")
	if hc.r.ContentLength > 0 || hc.r.ContentLength == 0 && hc.r.Header.Get("Content-Length") != "" {
		out = append(out, field{"Content-Length", strconv.FormatInt(hc.r.ContentLength, 10)})
	}
	if ct := hc.r.Header.Get("Content-Type"); ct != "" && len(hc.body) > 0 {
		out = append(out, field{"Content-Type", ct})
	}
	return out
}

// joined adds a field to a header. If the header has the field, the values are joined with sep.
func joined(header []field, name, value, sep string) []field {
	for i, f := range header {
		if strings.EqualFold(f.name, name) {
			header[i].value += sep + value
			return header
		}
	}
	return append(header, field{name, value})
}

// contentHeaders are the fields that .NET stores with the content. The host does not copy them;
// it sets Content-Type and Content-Length itself.
var contentHeaders = set(`Allow Content-Disposition Content-Encoding Content-Language Content-Length Content-Location
	Content-Md5 Content-Range Content-Type Expires Last-Modified Transfer-Encoding`)

// set returns the set of the words in names.
func set(names string) map[string]bool {
	m := make(map[string]bool)
	for _, n := range strings.Fields(names) {
		m[n] = true
	}
	return m
}

// parameter is a parameter of a query, with all its values.
type parameter struct {
	name   string
	values []string
}

// queryPairs returns the parameters of a query in their order. Parameters whose names differ in
// case only are one parameter.
func queryPairs(raw string) []parameter {
	var out []parameter
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name, value = unescapeQuery(name), unescapeQuery(value)
		i := slices.IndexFunc(out, func(f parameter) bool { return strings.EqualFold(f.name, name) })
		if i < 0 {
			out = append(out, parameter{name, []string{value}})
		} else {
			out[i].values = append(out[i].values, value)
		}
	}
	return out
}

func unescapeQuery(s string) string { return unescape(strings.ReplaceAll(s, "+", "%20")) }

// rebuildQuery returns the query that the host sends: it joins the values of a repeated
// parameter with commas, and writes "=" after each name.
func rebuildQuery(raw string) string {
	var b strings.Builder
	for i, p := range queryPairs(raw) {
		b.WriteByte("?&"[min(i, 1)])
		escapeTo(&b, p.name)
		b.WriteByte('=')
		escapeTo(&b, strings.Join(p.values, ","))
	}
	return b.String()
}

// escapeTo escapes s as .NET's UrlEncoder does. Letters, digits and -._~!$()*,;@ are not
// escaped.
func escapeTo(b *strings.Builder, s string) {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~!$()*,;@", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
}
