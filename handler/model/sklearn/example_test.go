package sklearn_test

import (
	"fmt"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/sklearn"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

// The pickle is read as data: nothing in it runs. What it may hold is a list of
// classes.
func ExampleLoad() {
	vibration := simulate.Fleet{Devices: 1}.Sensors()[3]
	model, err := sklearn.Load(vibration.Kind.Model())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(model.Kind(), model.Features())

	_, err = sklearn.Load([]byte("cos\nsystem\n(S'rm -rf /'\ntR."))
	says, _, _ := strings.Cut(err.Error(), ": use one of ") // which it lists
	fmt.Println(says)
	// Output:
	// detector 1
	// a call of os.system is not supported: no model needs it, and in Python it would run: do not load the file there, and ask where it comes from
}
