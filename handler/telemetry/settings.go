package telemetry

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Settings say what is sent. The libraries of OpenTelemetry read from the environment where to,
// how often and with which headers.
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
type Settings struct {
	Traces, Metrics bool
}

// On reports whether anything is sent.
func (s Settings) On() bool { return s.Traces || s.Metrics }

// FromEnv reads the settings. OTEL_EXPORTER_OTLP_ENDPOINT turns on traces and metrics.
// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT turns on traces only, and the variable with METRICS metrics.
// The error joins all mistakes. Each names the variable and what to set it to.
func FromEnv(getenv func(string) string) (Settings, error) {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") {
		return Settings{}, nil
	}
	traces, err := wanted(getenv, "TRACES")
	metrics, err2 := wanted(getenv, "METRICS")
	return Settings{traces, metrics}, errors.Join(err, err2)
}

// wanted reports whether a signal, TRACES or METRICS, is to be sent.
func wanted(getenv func(string) string, signal string) (bool, error) {
	switch name := "OTEL_" + signal + "_EXPORTER"; getenv(name) {
	case "", "otlp":
	case "none":
		return false, nil
	default:
		return false, fmt.Errorf("%s is %.40q: set it to otlp, or to none to send nothing", name, getenv(name))
	}
	name, address := first(getenv, signal, "ENDPOINT")
	if address == "" {
		return false, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return false, fmt.Errorf("%s is %.80q: set it to the address of a collector, such as http://localhost:4318", name, address)
	}
	name, protocol := first(getenv, signal, "PROTOCOL")
	if protocol != "" && protocol != "http/protobuf" {
		return false, fmt.Errorf("%s is %.40q: set it to http/protobuf, and the endpoint to the port on which the collector takes that, as a rule 4318", name, protocol)
	}
	return true, nil
}

// first returns the variable of OTLP for a signal, or the one for all signals if it is empty.
func first(getenv func(string) string, signal, what string) (name, value string) {
	name = "OTEL_EXPORTER_OTLP_" + signal + "_" + what
	if value = getenv(name); value == "" {
		name = "OTEL_EXPORTER_OTLP_" + what
		value = getenv(name)
	}
	return name, value
}
