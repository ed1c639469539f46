package evaluate

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"

	"cuelang.org/go/cue/ast"
)

// Reference writes the reference page of the schema in Markdown, from the
// comments of the schema itself: per definition what it is and a table of its
// fields. Definitions keep the order of the files, the units first.
func Reference(schemas fs.FS) ([]byte, error) {
	s, err := parseSchema(schemas)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(referenceHead)
	units := []string{"#Project", "#Fleet", "#Cluster", "#Component", "#Recovery", "#Waivers", "#Evidence", "#Trust"}
	b.WriteString("\n## What a folder holds\n\n| folder | package | definition |\n|---|---|---|\n")
	for _, r := range [][3]string{
		{"darkstart.cue", "darkstart", "#Project"},
		{"fleet/", "fleet", "#Fleet"},
		{"clusters/, clusters/<name>/", "clusters", "#Cluster"},
		{"components/<name>/", "<name>", "#Component"},
		{"recovery/", "recovery", "#Recovery"},
		{"waivers/", "waivers", "#Waivers"},
		{"evidence/*.json", "JSON", "#Evidence"},
		{"trust.cue", "trust", "#Trust"},
	} {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", r[0], r[1], link(r[2]))
	}
	done := map[string]bool{}
	b.WriteString("\n## Units\n")
	for _, n := range units {
		if s.defs[n] == nil {
			continue
		}
		done[n] = true
		s.writeDefinition(&b, s.defs[n])
	}
	b.WriteString("\n## Parts\n")
	for _, n := range s.order {
		if _, isStruct := s.defs[n].expr.(*ast.StructLit); isStruct && !done[n] {
			s.writeDefinition(&b, s.defs[n])
		}
	}
	b.WriteString("\n## Values\n")
	for _, n := range s.order {
		if _, isStruct := s.defs[n].expr.(*ast.StructLit); !isStruct {
			s.writeValue(&b, s.defs[n])
		}
	}
	return b.Bytes(), nil
}

const referenceHead = `# Schema reference, v1

<!-- Generated from schemas/v1 by "make docs". Do not edit. -->

Import path: ` + "`" + schemaImport + "`" + `. A field marked **required** must have a value; every other field may be left out.
Files may embed a definition (` + "`v1.#Cluster`" + `) for editors and ` + "`cue vet`" + `; the compiler applies it by folder in any case.
`

func (s *schema) writeDefinition(b *bytes.Buffer, d *definition) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n", strings.TrimPrefix(d.name, "#"), cell(d.doc.text))
	if d.doc.example != "" {
		fmt.Fprintf(b, "\n```cue\n%s\n```\n", d.doc.example)
	}
	for _, e := range d.embeds {
		fmt.Fprintf(b, "\nIt has the fields of %s as well.\n", link(e))
	}
	if len(d.fields) == 0 {
		return
	}
	b.WriteString("\n| field | type | default | meaning | example |\n|---|---|---|---|---|\n")
	for _, f := range d.fields {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", f.name, s.typeCell(f.expr), s.defaultCell(f), meaning(f.doc), quoted(f.doc.example))
	}
}

func (s *schema) writeValue(b *bytes.Buffer, d *definition) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n", strings.TrimPrefix(d.name, "#"), cell(d.doc.text))
	if d.doc.unit != "" {
		fmt.Fprintf(b, "\nUnit: %s.\n", d.doc.unit)
	}
	if lits, ok := s.literals(d.expr); ok {
		fmt.Fprintf(b, "\nOne of `%s`.\n", strings.Join(lits, "`, `"))
	} else {
		fmt.Fprintf(b, "\n```cue\n%s: %s\n```\n", d.name, code(d.expr))
	}
	if d.doc.example != "" {
		fmt.Fprintf(b, "\nExample: `%s`\n", d.doc.example)
	}
}

// typeCell names a type with links to its definitions.
func (s *schema) typeCell(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		if s.defs[x.Name] != nil {
			return link(x.Name)
		}
	case *ast.StructLit:
		if k, v := pattern(x); v != nil {
			return "map of " + s.typeCell(k) + " to " + s.typeCell(v)
		}
		return "any struct"
	case *ast.ListLit:
		if len(x.Elts) == 1 {
			if e, ok := x.Elts[0].(*ast.Ellipsis); ok && e.Type != nil {
				return "list of " + s.typeCell(e.Type)
			}
		}
	case *ast.BinaryExpr:
		if lits, ok := s.literals(x); ok {
			return "`" + strings.Join(lits, "`, `") + "`"
		}
	}
	return quoted(strings.TrimPrefix(code(x), "*"))
}

func (s *schema) defaultCell(f *field) string {
	for _, a := range flatten(f.expr) {
		if u, ok := a.(*ast.UnaryExpr); ok && u.Op.String() == "*" {
			return quoted(code(u.X))
		}
	}
	switch {
	case f.required:
		return "**required**"
	case f.doc.def != "":
		return cell(f.doc.def)
	}
	return "none"
}

func meaning(d doc) string {
	if d.unit == "" {
		return cell(d.text)
	}
	return cell(d.text) + " Unit: " + cell(d.unit) + "."
}

func link(def string) string {
	n := strings.TrimPrefix(def, "#")
	return "[" + n + "](#" + strings.ToLower(n) + ")"
}

// cell makes text safe inside a table.
func cell(s string) string { return strings.NewReplacer("|", "\\|", "<", "&lt;").Replace(s) }

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(s, "|", "\\|") + "`"
}
