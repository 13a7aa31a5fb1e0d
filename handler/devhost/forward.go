package devhost

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// forwards reports whether requests to fn reach the handler as they are: with
// enableForwardingHttpRequest, and exactly one http output besides the trigger.
func (v *invoker) forwards(fn *function) bool {
	return v.forward && fn.trigger.Type == "httpTrigger" && len(fn.outputs) == 1 && fn.outputs[0].Type == "http"
}

// errChunked: the host doesn't forward bodies without a length.
var errChunked = errors.New("the client's body is chunked: the host forwards bodies with Content-Length only")

// sendForwarded sends the client's request to the handler and keeps its answer,
// whatever its status.
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

// forwardHeader is the client's header as the host passes it on: Kestrel's
// order, repeated fields joined, content fields but two dropped, the host's
// own added or joined.
func forwardHeader(hc *httpCall, id string) []field {
	var out []field
	for _, h := range clientHeader(hc.r) {
		if !contentHeaders[h.name] {
			sep := ", "
			if h.name == "Cookie" {
				sep = "; "
			}
			out = append(out, field{h.name, strings.Join(h.values, sep)})
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

func joined(header []field, name, value, sep string) []field {
	for i, f := range header {
		if strings.EqualFold(f.name, name) {
			header[i].value += sep + value
			return header
		}
	}
	return append(header, field{name, value})
}

type fields struct {
	name   string
	values []string
}

// clientHeader returns r's header in the order in which Kestrel lists it: the
// fields it looks for first, the others it knows by name, Content-Length, and
// last those it doesn't know. (Their own order is lost in net/http; here they
// are sorted.)
func clientHeader(r *http.Request) []fields {
	var first, known, unknown []fields
	add := func(name string, values []string) {
		switch {
		case name == "Accept" || name == "Connection" || name == "Host" || name == "User-Agent":
			first = append(first, fields{name, values})
		case kestrelKnows[name]:
			if lower := strings.ToLower(name); lower == "traceparent" || lower == "tracestate" || lower == "baggage" {
				name = lower
			}
			known = append(known, fields{name, values})
		case name == "Content-Length":
		case name == "X-Functions-Key":
			unknown = append(unknown, fields{"x-functions-key", values})
		case name == "X-Azure-Functions-Invocationid":
			unknown = append(unknown, fields{"X-Azure-Functions-InvocationId", values})
		case name == "X-Request-Id":
			unknown = append(unknown, fields{"X-Request-ID", values})
		default:
			unknown = append(unknown, fields{name, values})
		}
	}
	for name, values := range r.Header {
		add(name, values)
	}
	add("Host", []string{r.Host})
	byName := func(a, b fields) int { return strings.Compare(strings.ToLower(a.name), strings.ToLower(b.name)) }
	slices.SortFunc(first, byName)
	slices.SortFunc(known, byName)
	slices.SortFunc(unknown, byName)
	all := append(first, known...)
	if len(r.TransferEncoding) > 0 {
		all = append(all, fields{"Transfer-Encoding", r.TransferEncoding})
	} else if v := r.Header.Values("Content-Length"); len(v) > 0 {
		all = append(all, fields{"Content-Length", v})
	}
	return append(all, unknown...)
}

// kestrelKnows are the request fields that Kestrel keeps apart from the rest.
var kestrelKnows = set(`Accept-Charset Accept-Encoding Accept-Language Access-Control-Request-Headers
	Access-Control-Request-Method Allow Authorization Baggage Cache-Control Content-Encoding Content-Language
	Content-Location Content-Md5 Content-Range Content-Type Cookie Correlation-Context Date Expect Expires From
	If-Match If-Modified-Since If-None-Match If-Range If-Unmodified-Since Keep-Alive Last-Modified Max-Forwards
	Origin Pragma Proxy-Authorization Range Referer Request-Id Te Traceparent Tracestate Trailer Translate Upgrade
	Upgrade-Insecure-Requests Via Warning`)

// contentHeaders are the fields that .NET keeps with the content, which the
// host doesn't copy; Content-Type and Content-Length it sets itself.
var contentHeaders = set(`Allow Content-Disposition Content-Encoding Content-Language Content-Length Content-Location
	Content-Md5 Content-Range Content-Type Expires Last-Modified Transfer-Encoding`)

func set(names string) map[string]bool {
	m := make(map[string]bool)
	for _, n := range strings.Fields(names) {
		m[n] = true
	}
	return m
}

// queryPairs returns the parameters in their order, repeated ones together.
func queryPairs(raw string) []fields {
	var out []fields
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name, value = unescapeQuery(name), unescapeQuery(value)
		i := slices.IndexFunc(out, func(f fields) bool { return strings.EqualFold(f.name, name) })
		if i < 0 {
			out = append(out, fields{name, []string{value}})
		} else {
			out[i].values = append(out[i].values, value)
		}
	}
	return out
}

func unescapeQuery(s string) string { return unescape(strings.ReplaceAll(s, "+", "%20")) }

// rebuildQuery writes the query anew, as the host does: repeated parameters
// joined by commas, every one with "=".
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

// escapeTo escapes as .NET's UrlEncoder: letters, digits and -._~!$()*,;@ stay.
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
