package store

import (
	"context"
	"regexp"
	"strings"
	"sync"

	"github.com/fleetscore/fleetscore/handler/telemetry"
)

// traceSQL begins the span of a statement, as the conventions for databases name it:
// the operation and its first table. The values that go with it are not told.
// https://opentelemetry.io/docs/specs/semconv/db/database-spans/
func traceSQL(ctx context.Context, text string) (context.Context, telemetry.Span) {
	if !telemetry.Recording(ctx) {
		return ctx, telemetry.Span{}
	}
	v, ok := summaries.Load(text)
	if !ok {
		operation, table := summary(text)
		v, _ = summaries.LoadOrStore(text, [2]string{operation, table})
	}
	does := v.([2]string)
	ctx, span := telemetry.Start(ctx, strings.TrimSpace(does[0]+" "+does[1]), telemetry.Client)
	span.Text("db.operation.name", does[0])
	span.Text("db.collection.name", does[1])
	return ctx, span
}

// summaries has what [summary] returns, by text. There are only so many texts.
var summaries sync.Map

// operations finds what a statement does, and tables the names after what may come
// before one.
var (
	operations = regexp.MustCompile(`\b(?:SELECT|INSERT|UPDATE|DELETE|MERGE)\b`)
	tables     = regexp.MustCompile(`\b(?:FROM|INTO|UPDATE|MERGE|JOIN)\s+(?:\w+\.)?(\w+)`)
)

// summary returns what a statement does, and the first table that it names. The list of
// a statement, k, is none.
func summary(text string) (operation, table string) {
	for _, m := range tables.FindAllStringSubmatch(text, -1) {
		if m[1] != "k" {
			table = m[1]
			break
		}
	}
	return operations.FindString(text), table
}
