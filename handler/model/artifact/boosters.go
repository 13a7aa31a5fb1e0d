package artifact

import (
	"github.com/fleetscore/fleetscore/handler/model/lightgbm"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/xgboost"
)

// booster returns the object that is pickled of a model which XGBoost's or
// LightGBM's own save_model wrote; nil for other files.
func booster(data []byte) *pickle.Object {
	class := pickle.Global{Module: "xgboost.core", Name: "Booster"}
	switch {
	case xgboost.Sniff(data) != xgboost.Unknown:
	case lightgbm.Sniff(data):
		class.Module = "lightgbm.basic"
	default:
		return nil
	}
	return &pickle.Object{Class: class, State: &pickle.Dict{Entries: []pickle.Entry{{Key: "handle", Value: data}}}}
}

// IsBooster reports a file that XGBoost's or LightGBM's own save_model wrote.
func IsBooster(data []byte) bool { return booster(data) != nil }

// formatOf names the format of a file that is no archive.
func formatOf(data []byte) string {
	switch {
	case xgboost.Sniff(data) != xgboost.Unknown:
		return "XGBoost"
	case lightgbm.Sniff(data):
		return "LightGBM"
	}
	return "pickle"
}
