// Package config reads the settings. They are environment variables: in Azure the app settings,
// elsewhere the Values of local.settings.json.
//
// [Settings] lists them. Tests check that docs/settings.md and local.settings.json.example agree
// with it. [FromEnv] reports all mistakes at once, each with its remedy. It never repeats a value
// that may be secret.
package config
