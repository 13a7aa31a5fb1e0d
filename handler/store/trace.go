package store

import (
	"context"
	"regexp"
	"strings"
	"sync"

	"github.com/fleetscore/fleetscore/handler/telemetry"
)

// traceSQL begins the span of a statement. Its name is that of the conventions for
// databases: the operation and the first table. Parameters are not recorded.
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
	named := v.([2]string)
	ctx, span := telemetry.Start(ctx, strings.TrimSpace(named[0]+" "+named[1]), telemetry.Client)
	span.Text("db.operation.name", named[0])
	span.Text("db.collection.name", named[1])
	return ctx, span
}

// summaries caches the results of [summary] by text. The number of texts is limited
// by [listSizes].
var summaries sync.Map

// operations matches the operation of a statement, and tables the words before a
// table and its name.
var (
	operations = regexp.MustCompile(`\b(?:SELECT|INSERT|UPDATE|DELETE|MERGE)\b`)
	tables     = regexp.MustCompile(`\b(?:FROM|INTO|UPDATE|MERGE|JOIN)\s+(?:\w+\.)?(\w+)`)
)

// summary returns the operation of a statement and the first table that it names.
// The list of a statement, k, is no table.
func summary(text string) (operation, table string) {
	for _, m := range tables.FindAllStringSubmatch(text, -1) {
		if m[1] != "k" {
			table = m[1]
			break
		}
	}
	return operations.FindString(text), table
}
