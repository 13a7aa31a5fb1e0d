package tabular

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/notation"
)

// oriented returns the rows of an object that holds a whole table. ok is false if it holds none.
// These forms are read; the words after them are the "orient" of pandas' to_json:
//
//	{"columns": [name, …], "index": [time, …], "data": [[value, …], …]}   split
//	{"name": {"0": value, …}, …}, {"name": {"time": value, …}, …}         columns
//	{"time": {"name": value, …}, …}                                       index
//	{"schema": …, "data": [{…}, …]}                                       table
//	{"device": …, "data": [{…}, …]}                                       members that hold for all rows
//	{"time": [time, …], "name": [value, …], …}                            lists of equal length
//	{"name": [{"ts": time, "value": value}, …], …}                        a list for each sensor
func (o Options) oriented(object map[string]any) (rows []map[string]any, ok bool, err error) {
	if names, data := textsOf(object["columns"]), firstList(object, "data", "rows", "values"); names != nil && data != nil {
		rows, err = o.split(names, data, object["index"])
		return rows, true, err
	}
	if rows, ok = o.keyed(object); ok {
		return rows, true, nil
	}
	if rows, ok, err = o.lists(object); ok {
		return rows, true, err
	}
	return o.objects(object)
}

// split makes rows of lists of values. If no column is a time, the index has the times.
func (o Options) split(names []string, data []any, index any) ([]map[string]any, error) {
	times, _ := index.([]any)
	if o.hasTime(names) || len(times) != len(data) {
		times = nil
	}
	rows := make([]map[string]any, 0, len(data))
	for i, d := range data {
		values, _ := d.([]any)
		if len(values) != len(names) {
			return nil, fmt.Errorf("%w: row %d has %d values, and there are %d columns", fleet.ErrInvalid, i, len(values), len(names))
		}
		row := make(map[string]any)
		for j, name := range names {
			row[name] = values[j]
		}
		if times != nil {
			row[o.timeName()] = times[i]
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// keyed makes rows of an object of objects that all have the same members. If the outer names
// are times, each inner object is a row. Otherwise each is a column. ok is false if object
// has another form.
func (o Options) keyed(object map[string]any) ([]map[string]any, bool) {
	var keys []string
	outer := slices.Sorted(maps.Keys(object))
	inner := make([]map[string]any, len(outer))
	for i, name := range outer {
		values, is := object[name].(map[string]any)
		if !is || len(values) == 0 || keys != nil && len(values) != len(keys) {
			return nil, false
		}
		if keys == nil {
			keys = slices.Sorted(maps.Keys(values))
		}
		for _, k := range keys {
			switch values[k].(type) {
			case map[string]any, []any:
				return nil, false
			}
			if _, same := values[k]; !same {
				return nil, false
			}
		}
		inner[i] = values
	}
	if len(outer) == 0 {
		return nil, false
	}
	var rows []map[string]any
	if o.areTimes(outer) {
		for i, at := range outer {
			row := maps.Clone(inner[i])
			row[o.timeName()] = at
			rows = append(rows, row)
		}
		return rows, true
	}
	withTime := o.hasTime(outer)
	if !withTime && !o.areTimes(keys) || withTime && !areNumbers(keys) {
		return nil, false
	}
	slices.SortFunc(keys, func(a, b string) int {
		x, errX := strconv.Atoi(a)
		y, errY := strconv.Atoi(b)
		if errX != nil || errY != nil {
			return 0
		}
		return cmp.Compare(x, y)
	})
	for _, k := range keys {
		row := make(map[string]any)
		for i, name := range outer {
			row[name] = inner[i][k]
		}
		if !withTime {
			row[o.timeName()] = k
		}
		rows = append(rows, row)
	}
	return rows, true
}

// lists makes rows of lists of equal length, one of them of times. Members that are no lists are
// the same in each row. ok is false if object has another form.
func (o Options) lists(object map[string]any) ([]map[string]any, bool, error) {
	var names []string
	n, at := 0, ""
	for _, name := range slices.Sorted(maps.Keys(object)) {
		list, is := object[name].([]any)
		if !is {
			continue
		}
		for _, v := range list {
			switch v.(type) {
			case map[string]any, []any:
				return nil, false, nil
			}
		}
		names = append(names, name)
		if o.hasTime([]string{name}) {
			n, at = len(list), name
		}
	}
	if at == "" {
		return nil, false, nil
	}
	rows := make([]map[string]any, n)
	for i := range rows {
		rows[i] = maps.Clone(object)
	}
	for _, name := range names {
		list := object[name].([]any)
		if len(list) != n {
			return nil, true, fmt.Errorf("%w: %.40q has %d elements, and %.40q has %d: each value needs its time", fleet.ErrInvalid, name, len(list), at, n)
		}
		for i, v := range list {
			rows[i][name] = v
		}
	}
	return rows, true, nil
}

// objects makes rows of lists of objects. Each object is a row, with the members beside the list
// added. Of several lists, each must have the name of a sensor, and objects with values and
// times. ok is false if object has another form.
func (o Options) objects(object map[string]any) (rows []map[string]any, ok bool, err error) {
	var lists []string
	for _, name := range slices.Sorted(maps.Keys(object)) {
		list, is := object[name].([]any)
		if !is || len(list) == 0 {
			continue
		}
		for _, v := range list {
			if _, is := v.(map[string]any); !is {
				return nil, false, nil
			}
		}
		if _, schema := object["schema"].(map[string]any); schema && name != "data" {
			continue
		}
		lists = append(lists, name)
	}
	for _, name := range lists {
		for _, v := range object[name].([]any) {
			row := make(map[string]any)
			for k, v := range object {
				switch v.(type) {
				case map[string]any, []any:
				default:
					row[k] = v
				}
			}
			maps.Copy(row, v.(map[string]any))
			if _, holder := slices.BinarySearch(sortedHolders, notation.Plain(name)); !holder && usual(plainNames(row), sensorNames, nil) == none && usual(plainNames(row), valueNames, nil) != none {
				row["sensor"] = name
			} else if len(lists) > 1 {
				return nil, false, nil
			}
			rows = append(rows, row)
		}
	}
	return rows, len(lists) > 0, nil
}

var sortedHolders = slices.Sorted(slices.Values(holders))

// plainNames returns the names of the columns in a row, as [notation.Plain] writes them.
func plainNames(row map[string]any) []string {
	var names []string
	for name := range row {
		names = append(names, notation.Plain(name))
	}
	return names
}

// timeName returns the name of the column for times that have none.
func (o Options) timeName() string {
	if o.Time != "" {
		return o.Time
	}
	return "ts"
}

// hasTime reports whether one of the names is that of a column of times.
func (o Options) hasTime(names []string) bool {
	if o.Time != "" {
		return position(names, o.Time) != none
	}
	plain := make([]string, len(names))
	for i, name := range names {
		plain[i] = notation.Plain(withoutUnit(name))
	}
	return usual(plain, timeNames, nil) != none
}

func (o Options) areTimes(keys []string) bool {
	return !slices.ContainsFunc(keys, func(k string) bool { _, err := o.parseTime([]byte(k)); return err != nil })
}

func areNumbers(keys []string) bool {
	return !slices.ContainsFunc(keys, func(k string) bool { _, err := strconv.Atoi(k); return err != nil })
}

// textsOf returns a list of strings and numbers as text, nil if v is no such list.
func textsOf(v any) []string {
	list, _ := v.([]any)
	var all []string
	for _, v := range list {
		switch v := v.(type) {
		case string:
			all = append(all, v)
		case json.Number:
			all = append(all, v.String())
		default:
			return nil
		}
	}
	return all
}

// firstList returns the first of the members that is a list of lists, nil if none is.
func firstList(object map[string]any, names ...string) []any {
	for _, name := range names {
		if list, ok := object[name].([]any); ok && len(list) > 0 && !slices.ContainsFunc(list, func(v any) bool { _, is := v.([]any); return !is }) {
			return list
		}
	}
	return nil
}
