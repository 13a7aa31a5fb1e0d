package ncrontab_test

import (
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/schedule/ncrontab"
)

func ExampleParse() {
	workdays, err := ncrontab.Parse("0 30 9 * * MON-FRI")
	if err != nil {
		fmt.Println(err)
		return
	}
	friday := time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)
	fmt.Println(workdays.Last(friday))
	fmt.Println(workdays.Next(friday))

	_, err = ncrontab.Parse("0 0 0 30 2 *")
	fmt.Println(err)
	// Output:
	// 2026-03-06 09:30:00 +0000 UTC
	// 2026-03-09 09:30:00 +0000 UTC
	// invalid: schedule "0 0 0 30 2 *" never fires: none of its months has such a day
}
