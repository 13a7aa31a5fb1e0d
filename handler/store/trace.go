package store

import (
	"context"
	"regexp"
	"strings"

	"github.com/fleetscore/fleetscore/handler/telemetry"
)

// traceSQL begins the span of a statement, as the conventions for databases name it:
// the operation and its first table. The values that go with it are not told.
// https://opentelemetry.io/docs/specs/semconv/db/database-spans/
func traceSQL(ctx context.Context, text string) (context.Context, telemetry.Span) {
	ctx, span := telemetry.Start(ctx, "SQL", telemetry.Client)
	if !span.Recording() {
		return ctx, span
	}
	operation, table := summary(text)
	span.Rename(strings.TrimSpace(operation + " " + table))
	span.Text("db.operation.name", operation)
	span.Text("db.collection.name", table)
	return ctx, span
}

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
