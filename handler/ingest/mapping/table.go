package mapping

// table gathers the readings in a table: {"columns": [name, …], "rows": [[value, …], …]}. Each
// row is read as an object. The result is false if o is no table.
func (g *gatherer) table(o *members, in scope) bool {
	columns, _ := o.get("columns")
	names := columnNames(columns)
	var rows []any
	for _, key := range []string{"rows", "values", "data"} {
		if v, ok := o.get(key); ok && rows == nil {
			rows, _ = v.([]any)
		}
	}
	if names == nil || len(rows) == 0 {
		return false
	}
	for _, row := range rows {
		if _, ok := row.([]any); !ok {
			return false
		}
	}
	in, _ = g.head(o, in)
	if index, _ := o.get("index"); g.pick(&members{names, make([]any, len(names))}, timeKind, nil) < 0 { // the index of pandas' to_json(orient="split") may be the times
		if times, ok := index.([]any); ok && len(times) == len(rows) && isMoment("t", times[0]) {
			for i, row := range rows {
				if values := row.([]any); len(values) == len(names) {
					rows[i] = append([]any{times[i]}, values...)
				}
			}
			names = append([]string{"ts"}, names...)
		}
	}
	for _, row := range rows {
		values := row.([]any)
		if len(values) != len(names) {
			g.refuse("a row has %d values, and there are %d columns", len(values), len(names))
			continue
		}
		g.object(&members{names, values}, in)
	}
	return true
}

// columnNames returns the names in a list of strings, or of objects with a name. It is nil if
// v is no such list, or a name stands in it twice.
func columnNames(v any) []string {
	list, _ := v.([]any)
	var names []string
	seen := make(map[string]bool, len(list))
	for _, v := range list {
		if o, ok := objectOf(v); ok {
			v = first(o, "name", o, "ColumnName", o, "Name")
		}
		name, ok := v.(string)
		if !ok || seen[name] {
			return nil
		}
		seen[name] = true
		names = append(names, name)
	}
	return names
}
