// Package evaluate turns the CUE files of a fleet into typed units.
//
// A unit is a cluster, the fleet folder, the recovery folder, the waivers or
// the project settings. Each is evaluated alone (D3), in a CUE context of its
// own, so a fleet's cost is the sum of its units, they run in parallel, and a
// change to one re-evaluates one. CUE ends here: what leaves the package is
// canonical JSON, Go values of internal/spec decoded from that JSON, and the
// positions of every file that set a value (D4).
//
// Files of a fleet are hostile input (DESIGN §9). CUE sees an in-memory tree
// and nothing else: no disk, no environment, no registry, no build tags, no
// tool files, no local replacements. The only module it can resolve beside
// those in the tree is the embedded schema. Sizes and nesting are bounded
// before parsing, time and memory while evaluating; each limit has a code.
//
// Errors are for people who do not know CUE. Where the schema refuses a value,
// the message says what the schema wants, in words, and every place that
// contributed is a label that says what stands there.
package evaluate
