package evaluate

import (
	"strings"

	"cuelang.org/go/cue/scanner"
	"cuelang.org/go/cue/token"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// nesting refuses a file whose syntax tree could be deeper than limit. Parsers
// and evaluators recurse, and Go cannot recover from an exhausted stack, so
// the bound must hold before anything is parsed.
//
// Every token since the last separator of each open bracket can add one level
// ("a: b: c:", "- - -1", "1 + 1 + 1"), so their sum bounds the depth.
func nesting(name string, src []byte, limit int) *diag.Diagnostic {
	f := token.NewFile(name, -1, len(src))
	var s scanner.Scanner
	s.Init(f, src, func(token.Pos, string, []any) {}, 0)
	n := nest{runs: []int{0}}
	for {
		pos, tok, _ := s.Scan()
		if tok == token.EOF {
			return nil
		}
		if n.add(tok) && strings.HasSuffix(s.ResumeInterpolation(), "(") {
			n.add(token.INTERPOLATION)
		}
		if n.sum > limit {
			return diag.Errorf("EVL031", "nested deeper than the limit of %d", limit).
				At(position(pos), "the limit is reached here").
				Fix("split the expression; no spec needs such depth")
		}
	}
}

type nest struct {
	runs   []int // tokens since the last separator, for each open bracket
	interp []int // depths at which an interpolation is open
	sum    int
}

// add counts one token and reports whether it closed an interpolation.
func (n *nest) add(tok token.Token) bool {
	top := len(n.runs) - 1
	switch tok {
	case token.COMMA:
		n.sum -= n.runs[top]
		n.runs[top] = 0
		return false
	case token.RPAREN, token.RBRACE, token.RBRACK:
		closes := len(n.interp) > 0 && n.interp[len(n.interp)-1] == top && tok == token.RPAREN
		if top > 0 {
			n.sum -= n.runs[top]
			n.runs = n.runs[:top]
		}
		if closes {
			n.interp = n.interp[:len(n.interp)-1]
		}
		return closes
	}
	n.runs[top]++
	n.sum++
	switch tok {
	case token.INTERPOLATION:
		n.runs = append(n.runs, 0)
		n.interp = append(n.interp, len(n.runs)-1)
	case token.LPAREN, token.LBRACE, token.LBRACK:
		n.runs = append(n.runs, 0)
	}
	return false
}
