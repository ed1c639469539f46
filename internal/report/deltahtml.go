package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"

	"github.com/darkstart-dev/darkstart/compiler/ir"
)

var (
	//go:embed delta.gohtml
	deltaSource string
	//go:embed delta.css
	deltaStyle string
)

// deltaPage is part of the program: a fault in it ends the program at its start.
var deltaPage = template.Must(template.New("delta.page").Parse(deltaSource))

// htmlChange is what the page shows of one change.
type htmlChange struct {
	Sign, Action, Object, Where, From, Effect, At string
	Grave, Marked                                 bool
	Dangers                                       []htmlDanger
	Fields                                        []htmlField
}

type htmlDanger struct {
	Kind, Text string
	Grave      bool
}

type htmlField struct {
	Where, Note string
	Lines       []htmlLine
}

type htmlLine struct{ Class, Text string }

// DeltaHTML writes a delta as one page that needs no network and no script: its
// policy allows nothing but its own style.
func DeltaHTML(w io.Writer, d *ir.Delta) error {
	v := deltaView(d)
	v["Policy"], v["Style"] = policy(deltaStyle), template.CSS(deltaStyle) //nolint:gosec // a constant
	return deltaPage.Execute(w, v)
}

// policy lets a page use its own style and nothing else: no script, no request.
func policy(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}

// deltaView is what the pages show of a delta.
func deltaView(d *ir.Delta) map[string]any {
	var changes []htmlChange
	gs := deltaGroups(d, false)
	for i := range gs {
		changes = append(changes, pageChange(&gs[i]))
	}
	return map[string]any{
		"Base": clean(d.Base), "Head": clean(d.Head), "Summary": deltaSummary(d), "Changes": changes, "Cells": deltaCells(d),
		"Missing": deltaMissing(d), "Hidden": d.Hidden,
	}
}

func pageChange(g *deltaGroup) htmlChange {
	c := htmlChange{
		Sign: signs[g.Action], Action: g.Action, Object: clean(g.Object), Where: clean(g.where()), From: clean(g.origin()),
		Effect: g.effect(), At: clean(deltaPlace(g.At)), Grave: g.grave, Marked: len(g.Dangers) > 0,
	}
	for _, x := range g.Dangers {
		c.Dangers = append(c.Dangers, htmlDanger{x.Kind, clean(short(x.Text)), g.grave && x.Kind != ir.RBACWidening && x.Kind != ir.ImageChange})
	}
	for _, f := range g.fields(false) {
		hf := htmlField{Where: f.Where, Note: f.Note}
		for _, l := range f.Lines {
			hf.Lines = append(hf.Lines, htmlLine{map[byte]string{'-': "del", '+': "ins", '@': "at"}[l[0]], l})
		}
		c.Fields = append(c.Fields, hf)
	}
	return c
}
