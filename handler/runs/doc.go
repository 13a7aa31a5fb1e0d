// Package runs answers what people and programs ask about the fleet: its devices and
// sensors, runs and jobs, models, anomalies, and what was ingested. It also opens,
// rescores and cancels runs, enables and disables sensors, and rolls models back.
//
// It knows neither HTTP nor how requests arrive. Plain structs come in and go out, and
// errors wrap the kinds of package fleet. The comments of these structs are the
// descriptions of the OpenAPI document; see package openapi.
package runs
