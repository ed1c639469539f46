package compiler

import (
	"path"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/evaluate"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/internal/yamlpos"
)

// replace returns the edit that puts one scalar in the place of another, nil
// when the text at the position is not that scalar, bare or in quotes.
func replace(t *tree.Tree) func(at diag.Position, was, set string) []diag.Edit {
	return func(at diag.Position, was, set string) []diag.Edit {
		line, ok := lineOf(t, at.File, at.Line)
		if !ok || at.Column < 1 || at.Column > len(line) || was == "" || strings.ContainsAny(set, "\"'\\\n{}#") {
			return nil
		}
		rest := line[at.Column-1:]
		quote := ""
		if c := rest[:1]; c == `"` || c == "'" {
			quote = c
		}
		old := quote + was + quote
		if !strings.HasPrefix(rest, old) || quote == "" && !ends(rest[len(old):]) {
			return nil
		}
		return []diag.Edit{{
			File: at.File, Line: at.Line, Column: at.Column,
			EndLine: at.Line, EndColumn: at.Column + len(old), New: quote + set + quote,
		}}
	}
}

// ends reports whether a bare scalar ends here: at the end of the line, at
// a comment, or at what closes a flow collection.
func ends(rest string) bool {
	trimmed := strings.TrimLeft(rest, " \t")
	switch {
	case trimmed == "" || strings.ContainsAny(trimmed[:1], ",]}"):
		return true
	}
	return trimmed != rest && trimmed[0] == '#'
}

func lineOf(t *tree.Tree, file string, n int) (string, bool) {
	src, err := t.ReadFile(file)
	lines := strings.Split(string(src), "\n")
	if err != nil || n < 1 || n > len(lines) {
		return "", false
	}
	return strings.TrimSuffix(lines[n-1], "\r"), true
}

// addField returns the edit that gives a struct of the spec one more field.
func addField(t *tree.Tree) func(at diag.Position, pointer, name, value string) []diag.Edit {
	return func(at diag.Position, pointer, name, value string) []diag.Edit {
		src, err := t.ReadFile(at.File)
		if err != nil || path.Ext(at.File) != ".cue" {
			return nil
		}
		offset, text, ok := evaluate.AddField(at.File, src, yamlpos.Tokens(pointer), name, value)
		if !ok {
			return nil
		}
		before := string(src[:offset])
		line, column := strings.Count(before, "\n")+1, offset-strings.LastIndexByte(before, '\n')
		return []diag.Edit{{File: at.File, Line: line, Column: column, EndLine: line, EndColumn: column, New: text}}
	}
}
