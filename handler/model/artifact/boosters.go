package artifact

import (
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/xgboost"
)

// booster returns the object that is pickled of a model which XGBoost's own
// save_model wrote; nil for other files.
func booster(data []byte) *pickle.Object {
	if xgboost.Sniff(data) == xgboost.Unknown {
		return nil
	}
	return &pickle.Object{
		Class: pickle.Global{Module: "xgboost.core", Name: "Booster"},
		State: &pickle.Dict{Entries: []pickle.Entry{{Key: "handle", Value: data}}},
	}
}

// formatOf names the format of a file that is no archive.
func formatOf(data []byte) string {
	if booster(data) != nil {
		return "XGBoost"
	}
	return "pickle"
}
