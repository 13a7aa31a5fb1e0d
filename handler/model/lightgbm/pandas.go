package lightgbm

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// pandas reads the categories of the columns of a DataFrame that are of the type
// category: predict numbers those of rows by their position here.
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
		return unsupported(fmt.Sprintf("a model of a DataFrame with %d columns of the type category, of which it names %d", len(lists), len(r.categorical)), "encode them before, by OrdinalEncoder")
	}
	for i, list := range lists {
		numbers := make([]float64, len(list))
		for k, item := range list {
			var ok bool
			if numbers[k], ok = item.(float64); !ok {
				return unsupported(fmt.Sprintf("a column of categories that are no numbers (%s)", r.columnName(r.categorical[i])), "encode it before, by OrdinalEncoder, or leave it out: readings are numbers")
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

// listed returns the columns whose feature_infos are lists of categories, 0:2:1,
// and no range, [0:2].
func listed(infos []string) (columns []int) {
	for i, info := range infos {
		if info != "" && info != "none" && info[0] != '[' {
			columns = append(columns, i)
		}
	}
	return columns
}
