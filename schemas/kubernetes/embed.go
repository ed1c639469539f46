// Package kubernetes holds the object schemas of the Kubernetes releases that
// Darkstart knows, as data.
//
// The archives are made from the OpenAPI v3 and discovery documents inside the
// k8s.io/kubernetes module by the command in gen, which has a module of its
// own; provenance.json names the module versions and their checksums, and
// lifecycle.json says which kinds come and go in which release. All of it is
// about 120 kB, so that a cluster of any supported release is judged offline
// (D12).
package kubernetes

import "embed"

// FS holds one archive a minor release (v1.33.gz …), lifecycle.json and
// provenance.json, at its root.
//
//go:embed *.gz lifecycle.json provenance.json
var FS embed.FS
