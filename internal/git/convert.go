package git

import (
	"bytes"
	"slices"
)

// How the line ends of a file become those that git stores (git's convert.c).
type lineEnds int

const (
	asIs     lineEnds = iota
	autoText          // text if it looks like text
	forced            // text because .gitattributes says so
)

// conversion is what git does to a file on its way in.
type conversion struct {
	ends  lineEnds
	ident bool
}

// conversion reads the attributes of a file. unsupported names what git would
// do and is not done here, because it would run a program or recode.
func (c settings) conversion(attrs map[string]string) (how conversion, unsupported string) {
	if f := attrs["filter"]; f != "" && f != "false" && f != "true" {
		unsupported = "filter=" + f
	}
	if e := attrs["working-tree-encoding"]; e != "" && e != "false" && e != "true" && !isUTF8Name(e) {
		unsupported = "working-tree-encoding=" + e
	}
	how.ident = attrs["ident"] == "true"
	text, set := attrs["text"]
	if !set || text == "" {
		text = attrs["crlf"] // the old name
	}
	if text == "input" {
		text = "true"
	}
	eol := attrs["eol"]
	switch {
	case text == "true":
		how.ends = forced
	case text == "false":
		how.ends = asIs
	case text == "auto":
		how.ends = autoText
	case eol == "lf" || eol == "crlf":
		how.ends = forced
	case c.autocrlf != "false":
		how.ends = autoText
	}
	return how, unsupported
}

func isUTF8Name(s string) bool {
	u := bytes.ToUpper([]byte(s))
	return string(u) == "UTF-8" || string(u) == "UTF8"
}

// toGit returns the bytes that git would store. stored reports whether the
// version in the index has CRLF: then `auto` leaves the file alone, so that a
// file once committed with CRLF does not change as a whole.
func (c conversion) toGit(b []byte, stored func() bool) []byte {
	s := gather(b)
	switch {
	case c.ends == asIs || s.crlf == 0:
	case c.ends == autoText && (s.binary() || stored()):
	default:
		b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	}
	if c.ident {
		b = collapseIdent(b)
	}
	return b
}

// stats are git's counts of what is in a file.
type stats struct{ nul, loneCR, crlf, printable, nonprintable int }

func gather(b []byte) stats {
	var s stats
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\r' && i+1 < len(b) && b[i+1] == '\n':
			s.crlf++
			i++
		case c == '\r':
			s.loneCR++
		case c == '\n':
		case c == 0:
			s.nul++
			s.nonprintable++
		case c == 0x7f, c < 32 && c != '\b' && c != '\t' && c != 0x1b && c != '\f':
			s.nonprintable++
		default:
			s.printable++
		}
	}
	if len(b) > 0 && b[len(b)-1] == 0x1a { // DOS end of file
		s.nonprintable--
	}
	return s
}

func (s stats) binary() bool {
	return s.loneCR > 0 || s.nul > 0 || s.printable>>7 < s.nonprintable
}

// storedCRLF is git's has_crlf_in_index.
func storedCRLF(b []byte) bool {
	s := gather(b)
	return s.crlf > 0 && !s.binary()
}

// collapseIdent turns "$Id: anything$" on one line into "$Id$".
func collapseIdent(b []byte) []byte {
	if !bytes.Contains(b, []byte("$Id")) {
		return b
	}
	var out []byte
	for {
		i := bytes.Index(b, []byte("$Id:"))
		if i < 0 {
			return slices.Concat(out, b)
		}
		out = append(out, b[:i+3]...)
		b = b[i+3:]
		if end := bytes.IndexAny(b, "$\n"); end >= 0 && b[end] == '$' {
			b = b[end:]
		}
	}
}
