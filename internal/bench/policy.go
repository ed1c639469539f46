package main

import "embed"

// stockRules are the rules that conftest judges: what three of the built-in
// guardrails ask of one object, written as a conftest user writes them.
//
//go:embed policy
var stockRules embed.FS
