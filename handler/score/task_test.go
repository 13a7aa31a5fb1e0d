package score

import (
	"errors"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// TestEachPanics checks that a panic is the error of its own task, and that the other tasks
// go on.
func TestEachPanics(t *testing.T) {
	t.Parallel()
	tasks := []*task{{}, {}, {}}
	each(tasks, func(t *task) {
		if t == tasks[1] {
			panic("middle")
		}
		t.inspected = true
	})
	var p *spawn.Panic
	if !errors.As(tasks[1].err, &p) || tasks[0].err != nil || tasks[2].err != nil || !tasks[0].inspected || !tasks[2].inspected {
		t.Errorf("got %v, %v, %v, want a panic in the middle alone", tasks[0].err, tasks[1].err, tasks[2].err)
	}
}

// TestNoModel checks that the error of a subject without a model lists every name that its
// model could have.
func TestNoModel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		id   fleet.ID
		want string
	}{
		{fleet.ID{Device: "pump 1", Sensor: "ns=2;s=T"}, "no model: container models has none of pump%201/ns%3D2%3Bs%3DT.pkl, _fleet/ns%3D2%3Bs%3DT.pkl, default.pkl for pump 1/ns=2;s=T: publish one"},
		{fleet.ID{Device: "p", DeviceModel: "health"}, "no model: container models has none of p/health.pkl, _fleet/health.pkl for p/health: publish one"},
	} {
		err := NoModel(c.id, "container models", "publish one")
		if !errors.Is(err, fleet.ErrNoModel) || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// TestSpan checks that a span has the name of its job's sensor or device model.
func TestSpan(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	ctx, _ := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("").Start(t.Context(), "score")
	p := &processor{run: fleet.Run{ID: "r"}}
	for i, id := range []fleet.ID{{Device: "p", Sensor: "temp"}, {Device: "p", DeviceModel: "health"}} {
		_, span := p.span(ctx, "predict", &task{key: fleet.JobKey{ID: id}})
		span.End(nil)
		got := map[string]string{}
		for _, a := range spans.Ended()[i].Attributes() {
			got[string(a.Key)] = a.Value.AsString()
		}
		if got["fleetscore.device"] != "p" || got["fleetscore.name"] != id.Name() || got["fleetscore.run"] != "r" {
			t.Errorf("the span of %v has the attributes %v, want its device, name and run", id, got)
		}
	}
}
