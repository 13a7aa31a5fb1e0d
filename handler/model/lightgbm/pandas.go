package lightgbm

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// pandas reads pandas_categorical, the categories of the columns with the pandas type
// category. Their codes are their positions in this list. Columns is the parameter
// categorical_feature.
func (r *reader) pandas(text, columns string) error {
	if text == "" || text == "null" || text == "[]" {
		return nil
	}
	if err := r.budget.Take(24 * len(text)); err != nil {
		return err
	}
	var lists [][]any
	if err := json.Unmarshal([]byte(text), &lists); err != nil {
		return fmt.Errorf("pandas_categorical: %w", err)
	}
	for _, item := range strings.FieldsFunc(columns, func(c rune) bool { return c == ',' }) {
		c, err := number(item, 0, r.Features-1)
		if err != nil {
			return fmt.Errorf("categorical_feature: %w", err)
		}
		r.categorical = append(r.categorical, c)
	}
	if len(r.categorical) == 0 {
		infos := strings.Split(r.featureInfos, " ")
		if len(infos) != r.Features {
			return fmt.Errorf("%w: feature_infos has %d items for %d features", errMalformed, len(infos), r.Features)
		}
		r.categorical = listed(infos)
	}
	if len(r.categorical) != len(lists) {
		return unsupported(fmt.Sprintf("a model that has categories of %d columns but names %d such columns", len(lists), len(r.categorical)), "encode the columns with OrdinalEncoder first")
	}
	for i, list := range lists {
		numbers := make([]float64, len(list))
		for k, item := range list {
			var ok bool
			if numbers[k], ok = item.(float64); !ok {
				return unsupported(fmt.Sprintf("a column of categories that are no numbers (%s)", r.columnName(r.categorical[i])), "encode it with OrdinalEncoder first, or leave it out: readings are numbers")
			}
		}
		r.categories = append(r.categories, numbers)
	}
	return nil
}

func (b *Booster) columnName(c int) string {
	if b.FeatureNames != nil {
		return strconv.Quote(b.FeatureNames[c])
	}
	return strconv.Itoa(c)
}

// listed returns the columns whose feature_infos is a list of categories, 0:2:1, and not a
// range, [0:2].
func listed(infos []string) (columns []int) {
	for i, info := range infos {
		if info != "" && info != "none" && info[0] != '[' {
			columns = append(columns, i)
		}
	}
	return columns
}
