package artifact

import (
	"github.com/fleetscore/fleetscore/handler/model/lightgbm"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/xgboost"
)

// booster returns a file of XGBoost's or LightGBM's save_model as the pickled Booster that
// would hold it. It returns nil for other files.
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

// IsBooster reports whether XGBoost's or LightGBM's save_model wrote a file.
func IsBooster(data []byte) bool { return booster(data) != nil }

// formatOf returns the name of the format of a file that is no zip file.
func formatOf(data []byte) string {
	switch {
	case xgboost.Sniff(data) != xgboost.Unknown:
		return "XGBoost"
	case lightgbm.Sniff(data):
		return "LightGBM"
	}
	return "pickle"
}
