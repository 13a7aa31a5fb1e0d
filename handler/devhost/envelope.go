package devhost

import (
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// envelope fills c for the handler as the host does without forwarding.
func (hc *httpCall) envelope(c *call) {
	var req, query, headers, params object
	var metaQuery, metaHeaders object
	pairs := queryPairs(hc.r.URL.RawQuery)
	for _, p := range pairs {
		query.set(p.name, once(strings.Join(p.values, ",")))
		metaQuery.set(p.name, once(p.values[len(p.values)-1]))
	}
	for _, h := range clientHeader(hc.r) {
		list := make([]any, len(h.values))
		for i, v := range h.values {
			list[i] = v
		}
		headers.set(h.name, appendValue(nil, list, -1))
		metaHeaders.set(h.name, once(strings.Join(h.values, ",")))
	}
	for _, p := range hc.params {
		if p.value == nil {
			params.set(p.name, []byte("null"))
		} else {
			params.set(p.name, once(*p.value))
		}
	}
	req.set("Url", once("http://"+hc.r.Host+hc.r.RequestURI))
	req.set("Method", once(hc.r.Method))
	req.set("Query", query.appendTo(nil))
	req.set("Headers", headers.appendTo(nil))
	req.set("Params", params.appendTo(nil))
	req.set("Identities", []byte("["+identity(hc.identity)+"]"))
	if len(hc.body) > 0 {
		req.set("Body", once(hc.bodyText()))
	}
	c.data = req.appendTo(nil)

	for _, p := range pairs {
		if !strings.EqualFold(p.name, "code") { // the key
			c.meta.set(p.name, twice(p.values[len(p.values)-1]))
		}
	}
	for _, p := range hc.params {
		if p.value != nil {
			c.meta.set(p.name, twice(*p.value))
		}
	}
	if jsonType(hc.r.Header.Get("Content-Type")) {
		if v, err := decodeFirst(hc.body); err == nil {
			lift(&c.meta, v)
		}
	}
	c.meta.set("Query", metaQuery.appendTo(nil))
	c.meta.set("Headers", metaHeaders.appendTo(nil))
}

// bodyText is the body as text; base64 for octets and multipart.
func (hc *httpCall) bodyText() string {
	t, _, _ := mime.ParseMediaType(hc.r.Header.Get("Content-Type"))
	if t == "application/octet-stream" || strings.HasPrefix(t, "multipart/") {
		return base64.StdEncoding.EncodeToString(hc.body)
	}
	return string(hc.body)
}

// identity is the caller as .NET serializes it: anonymous, or the level of the
// key it showed.
func identity(level string) string {
	const tail = `"Label":null,"Name":null,"NameClaimType":"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name","RoleClaimType":"http://schemas.microsoft.com/ws/2008/06/identity/claims/role"}`
	if level == "" {
		return `{"AuthenticationType":null,"IsAuthenticated":false,"Actor":null,"BootstrapContext":null,"Claims":[],` + tail
	}
	claim := func(kind, value string) string {
		return `{"Issuer":"LOCAL AUTHORITY","OriginalIssuer":"LOCAL AUTHORITY","Properties":{},"Type":"http://schemas.microsoft.com/2017/07/functions/claims/` + kind +
			`","Value":"` + value + `","ValueType":"http://www.w3.org/2001/XMLSchema#string"}`
	}
	keyID := map[string]string{"Admin": "master", "Function": "default"}[level]
	return `{"AuthenticationType":"WebJobsAuthLevel","IsAuthenticated":true,"Actor":null,"BootstrapContext":null,"Claims":[` +
		claim("authlevel", level) + "," + claim("invoke", "true") + "," + claim("keyid", keyID) + "]," + tail
}

// reply makes the client's answer of an http output.
func (hc *httpCall) reply(v any, present bool) error {
	if !present {
		hc.answer = &answer{status: http.StatusNoContent}
		return nil
	}
	out, ok := v.(members)
	if !ok {
		return errors.New("an http output must be an object with statusCode, headers and body")
	}
	a := &answer{status: http.StatusOK, header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}}
	if code, ok := out.getFold("statusCode"); ok {
		if n, err := strconv.Atoi(fmt.Sprint(code)); err == nil && n >= 100 && n <= 999 {
			a.status = n
		}
	}
	if h, ok := out.getFold("headers"); ok {
		list, _ := h.(members)
		for _, m := range list {
			text, ok := scalarText(m.value)
			if !ok {
				return fmt.Errorf("header %s of an http output must be a scalar", m.name)
			}
			if strings.EqualFold(m.name, "Content-Type") {
				text = withCharset(text)
			}
			a.header.Set(m.name, text)
		}
	}
	body, _ := out.getFold("body")
	if text, ok := scalarText(body); ok {
		a.body = []byte(text)
	} else if body != nil {
		a.body = []byte(indented(body))
	}
	hc.answer = a
	return nil
}

// withCharset adds the charset that ASP.NET's formatters add.
func withCharset(contentType string) string {
	t, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["charset"] != "" || !strings.HasPrefix(t, "text/") && t != "application/json" {
		return contentType
	}
	return contentType + "; charset=utf-8"
}
