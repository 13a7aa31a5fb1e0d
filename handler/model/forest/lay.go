package forest

import "slices"

// lanes are the places of columns in a row, whose keys are side by side.
type lanes struct {
	of    []uint32 // the lane of each slot; nil if there are too many columns
	whole int      // lanes of a row in a block without NaN
	nan   int      // lanes of a row in a block with NaN; 0 if they are not enough
}

const (
	minLanes = 16 // those of one vector
	maxLanes = 32 // those of two
)

// newLanes returns the lanes of slots. Without NaN, both slots of a feature have the same
// keys. So a row has one lane for each feature, if this makes a difference.
func newLanes(slots []slot) lanes {
	var features []int
	for _, s := range slots {
		if !slices.Contains(features, s.feature) {
			features = append(features, s.feature)
		}
	}
	var l lanes
	switch {
	case len(features) <= minLanes:
		l.whole, l.nan = minLanes, maxLanes
	case len(slots) <= maxLanes:
		l.whole, l.nan = maxLanes, maxLanes
	case len(features) <= maxLanes:
		l.whole = maxLanes
	default:
		return l
	}
	l.of = make([]uint32, len(slots))
	for i, s := range slots {
		switch at := uint32(slices.Index(features, s.feature)); {
		case l.nan == l.whole:
			l.of[i] = uint32(i)
		case l.nan > l.whole && s.high:
			l.of[i] = at + minLanes
		default:
			l.of[i] = at
		}
	}
	return l
}

// twins returns for each slot the position of an earlier one of the same feature, or -1.
func twins(slots []slot) []int {
	of := make([]int, len(slots))
	for i, s := range slots {
		of[i] = slices.IndexFunc(slots[:i], func(t slot) bool { return t.feature == s.feature })
	}
	return of
}

// scratch is the memory for a block of rows, whose keys are laid out in up to three ways.
type scratch struct {
	block   []uint64     // in groups: see rows
	columns []uint32     // the upper halves, column by column; nil if tops are not used
	rows    []uint32     // the upper halves, row by row; nil if subtrees are not used
	lanes   int          // lanes of each of these rows; 0 if the block has too many columns
	walk    *subtreeWalk // nil if subtrees are not used
}

// newScratch returns memory for blocks whose groups have so many keys.
func (f *Values[X, V]) newScratch(keys int) *scratch {
	s := &scratch{block: make([]uint64, keys)}
	if f.tops != nil {
		s.columns = make([]uint32, len(f.slots)*topStride)
	}
	if f.subtrees != nil {
		s.rows, s.walk = make([]uint32, maxLanes*topStride), new(subtreeWalk)
	}
	return s
}

// lay lays out the rows of x.
func lay[X, V, S Float](f *Values[X, V], s *scratch, x []S) {
	n := len(x) / f.features
	groups := (n + rows - 1) / rows * rows * max(1, len(f.slots))
	s.block, s.lanes = s.block[:0], 0
	if s.columns == nil || n <= few {
		s.block = s.block[:groups]
		layGroups(f, s.block, x)
		return
	}
	nan := layColumns(f, s.columns, x)
	if s.rows != nil {
		if s.lanes = f.lanes.whole; nan {
			s.lanes = f.lanes.nan
		}
		f.layRows(s, n)
	}
	if f.grouped || s.rows != nil && s.lanes == 0 {
		s.block = s.block[:groups]
		f.regroup(s.block, s.columns)
	}
}

// layGroups writes the keys of the rows of x to block, in groups.
func layGroups[X, V, S Float](f *Values[X, V], block []uint64, x []S) {
	slots, features := f.slots, f.features
	for ; len(x) > 0; block = block[len(slots)*rows:] {
		m := min(rows, len(x)/features)
		for i, s := range slots {
			column, at := block[i*rows:][:m], s.feature
			missing := uint64(nanLow)
			if s.high {
				missing = nanHigh[X]()
			}
			for l := range column {
				k := missing
				if v := x[at]; v == v {
					k = key(X(v))
				}
				column[l] = k
				at += features
			}
		}
		x = x[m*features:]
	}
}

// layColumns writes the upper halves of the keys of the rows of x to columns, and reports
// whether there is NaN. A column begins every topStride numbers.
func layColumns[X, V, S Float](f *Values[X, V], columns []uint32, x []S) (nan bool) {
	n := len(x) / f.features
	for i, s := range f.slots {
		column, missing := columns[i*topStride:][:n], uint32(nanLow)
		if s.high {
			missing = noKeyAbove
		}
		if twin := f.twins[i]; twin >= 0 {
			copy(column, columns[twin*topStride:])
			for l := 0; nan && l < n; l++ {
				if column[l] == ^missing { // the key of NaN in the twin
					column[l] = missing
				}
			}
			continue
		}
		at := s.feature
		for l := range column {
			k := missing
			if v := x[at]; v == v {
				k = uint32(key(X(v)) >> 32)
			} else {
				nan = true
			}
			column[l] = k
			at += f.features
		}
	}
	return nan
}

// regroup is layGroups for rows whose upper halves are in columns. The lower halves are 0.
func (f *Values[X, V]) regroup(block []uint64, columns []uint32) {
	stride := len(f.slots) * rows
	for first := 0; len(block) > 0; first, block = first+rows, block[stride:] {
		for i := range f.slots {
			column := columns[i*topStride+first:][:rows]
			for l, k := range column {
				block[i*rows+l] = uint64(k) << 32
			}
		}
	}
}

// layRows writes the keys of n rows to s.rows, as many lanes for each as s.lanes. It takes
// them from s.columns.
func (f *Values[X, V]) layRows(s *scratch, n int) {
	if s.lanes == 0 {
		return
	}
	for i, lane := range f.lanes.of {
		if s.lanes == f.lanes.whole && f.lanes.nan != f.lanes.whole && f.twins[i] >= 0 {
			continue // its twin has the same lane
		}
		at := int(lane) % s.lanes
		for _, k := range s.columns[i*topStride:][:n] {
			s.rows[at] = k
			at += s.lanes
		}
	}
}
