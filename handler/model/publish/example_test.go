package publish_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/model/publish"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

// This example publishes a folder of models twice. Before the second time a model is added.
// The other one has not changed, and is not uploaded again.
func Example() {
	ctx := context.Background()
	blobs := new(blob.Memory)
	dir := fstest.MapFS{"press-7/current.pkl": {Data: simulate.Kinds[0].Model()}}
	upload := func() {
		files, _, err := publish.Find(dir, "")
		if err != nil {
			fmt.Println(err)
			return
		}
		steps, err := publish.Plan(ctx, blobs, dir, files, func() {})
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, s := range steps {
			fmt.Println(publish.Title(s.File.Place), s.Change)
		}
		if err := publish.Apply(ctx, blobs, dir, steps, func() {}); err != nil {
			fmt.Println(err)
		}
	}
	upload()
	dir["press-7/pressure.pkl"] = &fstest.MapFile{Data: simulate.Kinds[1].Model()}
	upload()
	// Output:
	// press-7/current new
	// press-7/current same
	// press-7/pressure new
}
