// Package schemas holds the CUE schema of the spec model as data: one package
// per version, with the import path a fleet uses ("darkstart.dev/schema/v1").
//
// Each definition mirrors a type of internal/spec field by field, and every
// definition and field carries its documentation: what it means, its unit, its
// default and an example. The compiler, `darkstart schema vendor`, the editor
// and docs/schema.md all read these same files.
package schemas

import "embed"

// FS holds cue.mod/module.cue and v1/*.cue, the schema module as a registry
// would serve it.
//
//go:embed cue.mod/module.cue v1/*.cue
var FS embed.FS
