package waive

import (
	"bytes"
	"slices"
	"text/template/parse"
)

// templateComments finds the waivers of a template: in {{/* … */}}, which
// leaves nothing in the output, and after "#" in its text. Text inside an
// action, or in a block scalar, is no comment.
func templateComments(src []byte) []Comment {
	tree := parse.New("template")
	tree.Mode = parse.ParseComments | parse.SkipFuncCheck
	set := map[string]*parse.Tree{}
	if _, err := tree.Parse(string(src), "", "", set); err != nil {
		return nil // reported where the chart is rendered
	}
	s := &templates{src: src, text: newText(&File{Source: src, Language: Template})}
	s.list(tree.Root)
	for _, t := range set {
		if t != tree {
			s.list(t.Root)
		}
	}
	slices.SortFunc(s.out, func(a, b Comment) int { return a.Start - b.Start })
	return slices.Compact(s.out) // a tree may stand in the set under two names
}

type templates struct {
	src  []byte
	text *text
	out  []Comment
}

func (s *templates) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.CommentNode:
			s.action(int(n.Pos), len(n.Text))
		case *parse.TextNode:
			s.inText(int(n.Pos), n.Text)
		case *parse.IfNode:
			s.branch(&n.BranchNode)
		case *parse.RangeNode:
			s.branch(&n.BranchNode)
		case *parse.WithNode:
			s.branch(&n.BranchNode)
		}
	}
}

func (s *templates) branch(b *parse.BranchNode) {
	s.list(b.List)
	s.list(b.ElseList)
}

// action reads /* … */ at pos, and finds the braces around it.
func (s *templates) action(pos, size int) {
	body := s.src[pos+2 : pos+size-2]
	text := pos + 2 + len(body) - len(bytes.TrimLeft(body, " \t\r\n"))
	if !bytes.HasPrefix(s.src[text:], []byte(Marker)) || !ends(s.src, text+len(Marker)) {
		return
	}
	start := bytes.LastIndex(s.src[:pos], []byte("{{"))
	end := bytes.Index(s.src[pos+size:], []byte("}}"))
	if start < 0 || end < 0 {
		return
	}
	textEnd := pos + 2 + len(bytes.TrimRight(body, " \t\r\n"))
	s.out = append(s.out, Comment{start, pos + size + end + 2, text, textEnd})
}

// inText looks for "# darkstart:waive" in text that is printed.
func (s *templates) inText(pos int, text []byte) {
	for from := 0; ; {
		i := bytes.Index(text[from:], []byte(Marker))
		if i < 0 {
			return
		}
		at := pos + from + i
		if c, ok := hash(s.src, at); ok && !s.text.inBlock(at) {
			s.out = append(s.out, c)
		}
		from += i + len(Marker)
	}
}
