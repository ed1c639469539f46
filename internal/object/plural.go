package object

import "strings"

// irregular plurals of built-in kinds; the others follow the rules of English.
var irregular = map[string]string{"Endpoints": "endpoints"}

// Plural returns the resource name of a kind that no CustomResourceDefinition
// at hand names: those of Kubernetes follow the rules of English, and so do
// those that controller-gen writes.
func Plural(kind string) string {
	if p := irregular[kind]; p != "" {
		return p
	}
	k := strings.ToLower(kind)
	switch {
	case strings.HasSuffix(k, "y") && len(k) > 1 && !strings.ContainsRune("aeiou", rune(k[len(k)-2])):
		return k[:len(k)-1] + "ies"
	case strings.HasSuffix(k, "s"), strings.HasSuffix(k, "x"), strings.HasSuffix(k, "ch"):
		return k + "es"
	}
	return k + "s"
}
