package sklearn_test

import (
	"fmt"

	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

// Load reads a pickle as data and runs nothing in it. A file that calls a function is
// refused.
func ExampleLoad() {
	vibration := simulate.Fleet{Devices: 1}.Sensors()[3]
	model, err := sklearn.Load(vibration.Kind.Model())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(model.Kind(), model.Features())

	var r predict.Result
	if err := model.Predict(&r, []float64{4, 50}); err != nil { // two rows of one column
		fmt.Println(err)
		return
	}
	fmt.Println(r.Predictions) // 1 is an anomaly

	_, err = sklearn.Load([]byte("cos\nsystem\n(S'rm -rf /'\ntR."))
	fmt.Println(err)
	// Output:
	// detector 1
	// [0 1]
	// a call of os.system is not supported: no model needs it, and in Python it would run: do not load the file there, and ask where it comes from
}
