package fleet

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestMillis(t *testing.T) {
	t.Parallel()
	tests := []struct {
		t    time.Time
		want string
	}{
		{time.Date(2018, 8, 28, 23, 0, 5, 0, time.UTC), "2018-08-28T23:00:05.000Z"},
		{time.Date(2018, 8, 29, 1, 0, 5, 999_999, time.FixedZone("", 7200)), "2018-08-28T23:00:05.000Z"},
		{time.Date(1969, 12, 31, 23, 59, 59, 999_999_999, time.UTC), "1969-12-31T23:59:59.999Z"},
		{MinMillis.Time(), "0001-01-01T00:00:00.000Z"},
		{MaxMillis.Time(), "9999-12-31T23:59:59.999Z"},
	}
	for _, test := range tests {
		if got := MillisOf(test.t).String(); got != test.want {
			t.Errorf("MillisOf(%v) = %s, want %s", test.t, got, test.want)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		m := MinMillis - 1e14 + Millis(random.Int64N(int64(MaxMillis-MinMillis)+2e14))
		if got, want := m.String(), m.Time().Format(rfc3339Millis); got != want {
			t.Fatalf("%d is written %s, want %s", m, got, want)
		}
	}
}

// TestClock checks that a clock writes each moment as the moment writes itself, whatever it
// wrote before.
func TestClock(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	var clock Clock
	m := Millis(0)
	for range 100_000 {
		switch random.IntN(10) {
		case 0:
			m = MinMillis - 1e14 + Millis(random.Int64N(int64(MaxMillis-MinMillis)+2e14))
		case 1:
			m = m / hour * hour
		case 2:
			m = m/hour*hour - 1
		default:
			m += Millis(random.Int64N(int64(hour))) - hour/2
		}
		if got, want := string(clock.Append([]byte("x"), m)), "x"+m.String(); got != want {
			t.Fatalf("%d is written %s, want %s", int64(m), got, want)
		}
	}
}

func TestReadingValidate(t *testing.T) {
	t.Parallel()
	good := Reading{ID{Device: "a", Sensor: "b"}, 0, math.Copysign(0, -1)}
	if err := good.Validate(); err != nil {
		t.Errorf("Validate(%v) = %v", good, err)
	}
	for _, r := range []Reading{
		{ID{Sensor: "b"}, 0, 0},
		{ID{Device: "a", Sensor: "b "}, 0, 0},
		{good.ID, MinMillis - 1, 0},
		{good.ID, MaxMillis + 1, 0},
		{good.ID, 0, math.NaN()},
		{good.ID, 0, math.Inf(-1)},
	} {
		if err := r.Validate(); !errors.Is(err, ErrInvalid) {
			t.Errorf("Validate(%v) = %v, want ErrInvalid", r, err)
		}
	}
}

func TestRunID(t *testing.T) {
	t.Parallel()
	const id = "20180828T230000Z-20180829T000000Z"
	w, err := ParseRunID(id)
	if err != nil || w.RunID() != id {
		t.Fatalf("ParseRunID = %v, %v", w, err)
	}
	if from := MillisOf(w.From); !w.Contains(from) || w.Contains(from-1) || w.Contains(MillisOf(w.To)) {
		t.Errorf("%v is not half-open", w)
	}
	for _, s := range []string{
		"", "x", id[:16], id + "Z", strings.ToLower(id), "20180829T000000Z-20180828T230000Z", "20180828T230000Z-20180828T230000Z",
		"20181328T230000Z-20190829T000000Z", "../" + id, "20180828T230000.5Z-20180829T000000Z",
	} {
		if w, err := ParseRunID(s); !errors.Is(err, ErrInvalid) {
			t.Errorf("ParseRunID(%q) = %v, %v, want ErrInvalid", s, w, err)
		}
	}
}

func TestNewWindow(t *testing.T) {
	t.Parallel()
	a := time.Date(2018, 8, 29, 1, 0, 0, 0, time.FixedZone("", 3600))
	w, err := NewWindow(a, a.Add(time.Hour))
	if err != nil || w.RunID() != "20180829T000000Z-20180829T010000Z" {
		t.Errorf("NewWindow = %v, %v", w, err)
	}
	if w, err := NewWindow(MinMillis.Time(), MaxMillis.Time().Truncate(time.Second)); err != nil {
		t.Errorf("the longest window is %v, %v", w, err)
	}
	for _, bad := range []Window{{a, a}, {a.Add(time.Hour), a}, {MinMillis.Time().Add(-time.Second), a}, {a.Add(time.Millisecond), a.Add(time.Hour)}, {a, a.AddDate(9000, 0, 0)}} {
		if _, err := NewWindow(bad.From, bad.To); !errors.Is(err, ErrInvalid) {
			t.Errorf("NewWindow(%v) = %v, want ErrInvalid", bad, err)
		}
	}
}

func TestEndState(t *testing.T) {
	t.Parallel()
	tests := []struct {
		was    RunState
		counts Counts
		want   RunState
	}{
		{RunRunning, nil, RunSucceeded},
		{RunRunning, Counts{NoData: 3, NoModel: 1}, RunSucceeded},
		{RunRunning, Counts{Scored: 1, BadModel: 1}, RunDegraded},
		{RunRunning, Counts{Scored: 1, BadData: 1}, RunDegraded},
		{RunRunning, Counts{Scored: 1, Failed: 1}, RunDegraded},
		{RunRunning, Counts{NoData: 5, Failed: 1}, RunFailed},
		{RunCancelling, Counts{Scored: 5, Cancelled: 1}, RunCancelled},
	}
	for _, test := range tests {
		if got := EndState(test.was, test.counts, Settings{}); got != test.want {
			t.Errorf("EndState(%s, %v) = %s, want %s", test.was, test.counts, got, test.want)
		}
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()
	const run = "20180828T230000Z-20180829T000000Z"
	text, err := NewMessage(run, []JobKey{{ID{Device: "1", Sensor: "2"}, 0}}).Encode()
	if want := `{"v":1,"run":"` + run + `","jobs":[{"device":"1","sensor":"2","revision":0}]}`; err != nil || text != want {
		t.Fatalf("Encode = %s, %v, want %s", text, err, want)
	}
	if m, err := ParseMessage(text); err != nil || m.Run != run || len(m.Jobs) != 1 || m.Jobs[0].String() != "1/2" {
		t.Errorf("ParseMessage = %+v, %v", m, err)
	}
	if text, err := NewMessage(run, []JobKey{{ID{Device: "\uFFFF<", Sensor: "\uFFFE"}, 0}}).Encode(); err != nil || strings.ContainsAny(text, "\uFFFE\uFFFF<") {
		t.Errorf("Encode = %q, %v", text, err)
	} else if m, err := ParseMessage(text); err != nil || m.Jobs[0].ID != (ID{Device: "\uFFFF<", Sensor: "\uFFFE"}) {
		t.Errorf("ParseMessage(%s) = %q, %v", text, m.Jobs, err)
	}
	many := make([]string, MaxJobsPerMessage+1)
	for i := range many {
		many[i] = fmt.Sprintf(`{"device":"%d","sensor":"s","revision":0}`, i)
	}
	message := func(jobs ...string) string {
		return `{"v":1,"run":"` + run + `","jobs":[` + strings.Join(jobs, ",") + `]}`
	}
	if _, err := ParseMessage(message(many[1:]...)); err != nil {
		t.Errorf("the largest message: %v", err)
	}
	for _, bad := range []string{
		"", "null", "[]", `"x"`, "{}", `{"v":2,"run":"` + run + `","jobs":[` + many[0] + `]}`, `{"v":1,"run":"x","jobs":[` + many[0] + `]}`,
		message(), message(many...), message(many[0], many[0]), message(`{"device":" a","sensor":"c","revision":0}`),
		message(`{"device":"a","sensor":"c","revision":-1}`), message(many[0]) + "x",
	} {
		if _, err := ParseMessage(bad); !errors.Is(err, ErrInvalid) {
			t.Errorf("ParseMessage(%.80s) = %v, want ErrInvalid", bad, err)
		}
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add(`{"v":1,"run":"20180828T230000Z-20180829T000000Z","jobs":[{"device":"1","sensor":"2","revision":0}]}`)
	f.Add(`{"v":1,"jobs":[{}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMessage(text)
		if err != nil {
			return
		}
		again, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseMessage(again); err != nil {
			t.Errorf("%s is read but %s is not: %v", text, again, err)
		}
	})
}

func TestParseAggregation(t *testing.T) {
	t.Parallel()
	a, err := ParseAggregation("5m:mean,std")
	if err != nil || a.Every != 5*time.Minute || len(a.Functions) != 2 || a.Raw() {
		t.Errorf("ParseAggregation = %+v, %v", a, err)
	}
	if a, err := ParseAggregation(""); err != nil || !a.Raw() {
		t.Errorf("ParseAggregation of nothing = %+v, %v", a, err)
	}
	for _, s := range []string{"5m", "mean", "5m:", ":mean", "5m:mean,", "5m:mean,mean", "5m:median", "0s:mean", "-5m:mean", "1500ms:mean", "5m:mean min"} {
		if _, err := ParseAggregation(s); !errors.Is(err, ErrInvalid) {
			t.Errorf("ParseAggregation(%q) = %v, want ErrInvalid", s, err)
		}
	}
}

func TestFailureOf(t *testing.T) {
	t.Parallel()
	for _, want := range Failures[:len(Failures)-1] {
		if got := FailureOf(fmt.Errorf("score a/b: %w", want.Err)); !errors.Is(got.Err, want.Err) {
			t.Errorf("FailureOf(%v) is the row of %v", want.Err, got.Err)
		}
	}
	if got := FailureOf(errors.New("unforeseen")); got.Err != nil || !got.Retry {
		t.Errorf("FailureOf of an unforeseen error = %+v", got)
	}
}
