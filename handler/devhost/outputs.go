package devhost

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/fleetscore/fleetscore/handler/azure"
)

// outputs writes what a reply's Outputs and ReturnValue hold for the bindings.
type outputs struct {
	settings settings
	log      *logger
	base64   bool                           // messageEncoding
	notify   func(connection, queue string) // a message was written
}

// write writes every output that fn binds, one after the other: earlier ones
// stay when a later one fails.
func (o *outputs) write(ctx context.Context, c *call, r *reply) error {
	values := r.outputs
	var ret *binding
	for i, b := range c.fn.outputs {
		if b.Name == "$return" {
			ret = &c.fn.outputs[i]
		}
	}
	if merged, ok := r.value.(members); ok && ret == nil {
		values = append(append(members(nil), merged...), values...)
	}
	for _, b := range c.fn.outputs {
		v, ok := values.get(b.Name)
		if ret != nil && b.Name == ret.Name {
			v, ok = r.value, r.value != nil
		}
		if b.Type != "http" && (!ok || v == nil) {
			continue
		}
		if err := o.one(ctx, c, r, b, v, ok); err != nil {
			return fmt.Errorf("output %s: %w", b.Name, err)
		}
	}
	return nil
}

func (o *outputs) one(ctx context.Context, c *call, r *reply, b binding, v any, present bool) error {
	switch b.Type {
	case "http":
		if c.http == nil {
			return nil
		}
		if !present && r.outputs != nil {
			v, present = members{{"body", r.outputs}}, true // the host's odd default
		}
		return c.http.reply(v, present)
	case "queue":
		return o.queue(ctx, c, b, v)
	}
	return o.blob(ctx, c, b, v)
}

func (o *outputs) queue(ctx context.Context, c *call, b binding, v any) error {
	messages := queueMessages(v, b.DataType)
	o.warn(c, b, v)
	if len(messages) == 0 {
		return nil
	}
	name, err := c.bind(b.QueueName)
	if err != nil {
		return err
	}
	conn, err := o.settings.connection(b.Connection)
	if err != nil {
		return err
	}
	q, err := azure.OpenTriggerQueue(conn, name)
	if err != nil {
		return err
	}
	if err := q.Create(ctx); err != nil {
		return err
	}
	for _, m := range messages {
		text := string([]rune(string(m))) // every byte that is no UTF-8 becomes U+FFFD, as in .NET
		if o.base64 {
			text = base64.StdEncoding.EncodeToString(m)
		}
		if err := q.Put(ctx, text); err != nil {
			return err
		}
	}
	o.notify(conn, name)
	return nil
}

// queueMessages splits a queue output into messages, as the host does: an
// array, or text that is one, is a message per element, objects are indented,
// text that is valid base64 is decoded.
func queueMessages(v any, dataType string) [][]byte {
	if s, ok := v.(string); ok {
		if b, ok := base64Trap(s, dataType); ok {
			return [][]byte{b}
		}
		v = parsed(s)
	}
	list, ok := v.([]any)
	if !ok {
		return [][]byte{[]byte(messageText(v))}
	}
	messages := make([][]byte, len(list))
	for i, e := range list {
		messages[i] = []byte(messageText(e))
	}
	return messages
}

// warn says that text is taken for base64, which may not be meant.
func (o *outputs) warn(c *call, b binding, v any) {
	s, _ := v.(string)
	if raw, ok := base64Trap(s, b.DataType); ok && s != "" {
		o.log.out.Warn(fmt.Sprintf("output %s: the text %.40q is valid base64: the host writes its %d bytes instead", b.Name, s, len(raw)),
			"category", "Function."+c.fn.name, "remedy", "to send text, put it in an array; for bytes, leave it")
	}
}

// base64Trap returns the bytes of a top-level string output that is valid
// base64, intended or by accident.
func base64Trap(s, dataType string) ([]byte, bool) {
	if dataType == "binary" {
		return nil, false
	}
	clean := strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' || r == '\r' || r == '\n' {
			return -1
		}
		return r
	}, s)
	b, err := base64.StdEncoding.DecodeString(clean)
	return b, err == nil
}

// parsed returns the value of text that is a JSON object or array, else text.
func parsed(s string) any {
	if t := strings.TrimSpace(s); strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[") {
		if v, err := decodeFirst([]byte(t)); err == nil {
			return v
		}
	}
	return s
}

func messageText(v any) string {
	if text, ok := scalarText(v); ok {
		return text
	}
	if v == nil {
		return ""
	}
	return indented(v)
}

func (o *outputs) blob(ctx context.Context, c *call, b binding, v any) error {
	path, err := c.bind(b.Path)
	if err != nil {
		return err
	}
	container, name, ok := strings.Cut(path, "/")
	if !ok {
		return fmt.Errorf("path %q is not container/name", path)
	}
	conn, err := o.settings.connection(b.Connection)
	if err != nil {
		return err
	}
	blobs, err := azure.OpenHostBlobs(conn)
	if err != nil {
		return err
	}
	data, dataErr := blobBytes(v, b.DataType)
	return errors.Join(blobs.Put(ctx, container, name, data, nil), dataErr)
}

// blobBytes is the content of a blob output: integers, floats and booleans as
// .NET's raw bytes; a date-like string fails, and leaves an empty blob.
func blobBytes(v any, dataType string) ([]byte, error) {
	switch v := v.(type) {
	case string:
		if b, ok := base64Trap(v, dataType); ok {
			return b, nil
		}
		if _, ok := dateText(v); ok {
			return nil, errors.New("the host fails on a date-like string for a blob: send it as base64")
		}
		return []byte(v), nil
	case bool:
		if v {
			return []byte{1}, nil
		}
		return []byte{0}, nil
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return binary.LittleEndian.AppendUint32(nil, uint32(n)), nil
		}
		f, err := v.Float64()
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(f)), err
	}
	return []byte(compact(v)), nil
}

var bindingName = regexp.MustCompile(`\{([A-Za-z_][\w.-]*)\}`)

// bind fills {name} in a queue's name or a blob's path from the metadata.
func (c *call) bind(template string) (string, error) {
	var err error
	out := bindingName.ReplaceAllStringFunc(template, func(m string) string {
		value, ok := c.bindingData(m[1 : len(m)-1])
		if !ok {
			err = fmt.Errorf("no value for named parameter '%s'", m[1:len(m)-1])
		}
		return value
	})
	return out, err
}

func (c *call) bindingData(name string) (string, bool) {
	if strings.EqualFold(name, "rand-guid") {
		return uuid.NewString(), true
	}
	for _, o := range [...]*object{&c.lifted, &c.meta} {
		for i, k := range o.keys {
			if !strings.EqualFold(k, name) {
				continue
			}
			var text string
			if json.Unmarshal(o.values[i], &text) != nil {
				return "", false
			}
			var inner string
			if json.Unmarshal([]byte(text), &inner) == nil {
				return inner, true
			}
			return text, true
		}
	}
	return "", false
}
