package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

// childEnv carries the task of a process of the suite.
const childEnv = "STORETEST_TASK"

// task is what a process of the suite does.
type task struct {
	Kind      string // a key of tasks
	DSN       string
	Worker, N int // which of how many workers it is
	Runs      int
	Jobs      int
}

var tasks = map[string]func(context.Context, *store.DB, task) (int, error){
	"close":  closeTask,
	"insert": insertTask,
	"tick":   tickTask,
}

// Main runs the tests of m, or, in a process that a test started, its task.
func Main(m *testing.M) {
	text, ok := os.LookupEnv(childEnv)
	if !ok {
		os.Exit(m.Run())
	}
	n, err := perform(text)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(n)
	os.Exit(0)
}

func perform(text string) (int, error) {
	var k task
	if err := json.Unmarshal([]byte(text), &k); err != nil {
		return 0, err
	}
	db, err := store.Open(k.DSN, store.Options{})
	if err != nil {
		return 0, err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // and ends with the test before
	defer cancel()
	if err := db.Migrate(ctx); err != nil {
		return 0, err
	}
	return tasks[k.Kind](ctx, db, k)
}

// command returns the process that does k.
func command(t testing.TB, k task) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(k)
	check(t, err)
	exe, err := os.Executable()
	check(t, err)
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	return cmd
}

// spread runs k in n processes at once and returns the sum of their answers.
func spread(t testing.TB, n int, k task) int {
	t.Helper()
	answers := make([]int, n)
	together(n, func(i int) {
		k := k
		k.Worker, k.N = i, n
		cmd := command(t, k)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err == nil {
			_, err = fmt.Sscan(string(out), &answers[i])
		}
		if err != nil {
			t.Errorf("process %d: %v\n%s%s", i, err, out, stderr.String())
		}
	})
	sum := 0
	for _, a := range answers {
		sum += a
	}
	return sum
}

const processes = 4

var processTests = []struct {
	name string
	f    func(*testing.T, Dialect)
}{
	{"Processes/Migrate", testProcessesMigrate},
	{"Processes/OverlappingWriters", testProcessesInsert},
	{"Processes/LastClosers", testProcessesClose},
	{"Processes/Ticks", testProcessesTick},
	{"Processes/Killed", testProcessesKilled},
}

// testProcessesMigrate has processes meet at an empty database.
func testProcessesMigrate(t *testing.T, d Dialect) {
	dsn := d.DSN(t)
	equal(t, "windows opened", spread(t, processes, task{Kind: "tick", DSN: dsn, Runs: 1}), 1)
	wantWatermark(t, Connect(t, dsn), hour(1).From)
}

func testProcessesInsert(t *testing.T, d Dialect) {
	dsn := d.DSN(t)
	db := Connect(t, dsn)
	wantOverlapping(t, db, spread(t, processes, task{Kind: "insert", DSN: dsn}), insertBatches, insertSize)
}

const insertBatches, insertSize = 20, 500

func insertTask(ctx context.Context, db *store.DB, k task) (int, error) {
	total := 0
	for b := range insertBatches {
		n, err := writeOverlapping(ctx, db, (b*(2*k.Worker+1)+k.Worker)%insertBatches, insertSize)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// testProcessesClose has each process close every job of some runs, each job
// after the other, and try to end the run each time.
func testProcessesClose(t *testing.T, d Dialect) {
	const runs, jobs = 20, 32
	dsn := d.DSN(t)
	db := Connect(t, dsn)
	register(t, db, jobs)
	for i := range runs {
		opened(t, db, i, 0)
	}
	equal(t, "ends", spread(t, processes, task{Kind: "close", DSN: dsn, Runs: runs, Jobs: jobs}), runs)
	for i := range runs {
		finish(t, db, hour(i).RunID(), jobs)
	}
}

// closeTask closes all jobs of k.Runs runs, beginning at another one than its
// like, and returns how many runs it ended.
func closeTask(ctx context.Context, db *store.DB, k task) (int, error) {
	ends := 0
	for n := range k.Runs * k.Jobs {
		job := (n + k.Worker*k.Jobs/k.N) % k.Jobs
		ended, err := closeAndEnd(ctx, db, hour(n/k.Jobs).RunID(), key(job, 0), scored("aa"))
		if err != nil {
			return 0, err
		}
		if ended {
			ends++
		}
	}
	return ends, nil
}

func testProcessesTick(t *testing.T, d Dialect) {
	const windows = 40
	dsn := d.DSN(t)
	db := Connect(t, dsn)
	register(t, db, 10)
	equal(t, "windows opened", spread(t, processes, task{Kind: "tick", DSN: dsn, Runs: windows}), windows)
	wantWatermark(t, db, hour(windows).From)
	for i := range windows {
		finish(t, db, hour(i).RunID(), 10)
	}
}

// tickTask opens k.Runs windows, together with its like.
func tickTask(ctx context.Context, db *store.DB, k task) (int, error) {
	opened := 0
	if err := db.InitWatermark(ctx, hour(0).From); err != nil {
		return 0, err
	}
	for i := range k.Runs {
		ok, err := db.OpenScheduled(ctx, hour(i), fleet.Settings{}, noon, k.Runs+1)
		if err != nil {
			return 0, err
		}
		if ok {
			opened++
		}
	}
	return opened, nil
}

// testProcessesKilled kills processes that close jobs, at random moments. Those
// that come after them find a sound ledger and finish.
func testProcessesKilled(t *testing.T, d Dialect) {
	const kills, jobs = 12, 200
	random := rand.New(rand.NewPCG(1, 0))
	dsn := d.DSN(t)
	db := Connect(t, dsn)
	id := opened(t, db, 0, jobs)
	for i := range kills {
		cmd := command(t, task{Kind: "close", DSN: dsn, Worker: i, N: kills, Runs: 1, Jobs: jobs})
		check(t, cmd.Start())
		time.Sleep(time.Duration(random.IntN(150)) * time.Millisecond)
		check(t, cmd.Process.Kill())
		_ = cmd.Wait() // killed, or done before
	}
	finish(t, db, id, jobs)
	equal(t, "epoch", run(t, db, id).Epoch, 0)
}
