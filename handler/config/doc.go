// Package config reads the settings: environment variables, which are app
// settings in Azure and the Values of local.settings.json elsewhere.
//
// [Settings] is the one table of them; docs/settings.md and
// local.settings.json.example repeat it, and tests hold them to it.
// [FromEnv] reports every mistake at once, each with its remedy, and never
// repeats a value that may be secret.
package config
