package yamlpos

import "fmt"

// Kind classifies what is wrong with a text.
type Kind int

// The kinds of problems.
const (
	Syntax    Kind = iota // not YAML
	Encoding              // not UTF-8, or a NUL byte
	Tab                   // a tab where YAML wants spaces
	Size                  // more bytes than Limits.Bytes
	Documents             // more documents than Limits.Documents
	Depth                 // deeper than Limits.Depth
	Values                // more values than Limits.Values
	Alias                 // aliases grow beyond Limits.Expansion, or an anchor contains itself
	Duplicate             // a key twice in one mapping
	KeyType               // a key that is not a string
	Scalar                // a scalar that no JSON value can hold
	Tag                   // a tag that Kubernetes does not know
)

// Problem is one refusal. Line and Column count from 1.
type Problem struct {
	Kind    Kind
	Line    int
	Column  int
	Message string // lower case, no full stop
	// Other is the line of the first of two duplicates, else 0.
	Other int
}

// Error returns the message with its line.
func (p *Problem) Error() string { return fmt.Sprintf("line %d: %s", p.Line, p.Message) }

// Limits bound what one text may cost. A zero field has the default that is
// named with it.
type Limits struct {
	Bytes     int // size of the text; 32 MiB
	Documents int // non-empty documents; 10000
	Depth     int // nesting of mappings and lists; 200
	Values    int // values in the text; 4 million
	Expansion int // values that aliases may add in a document; 100000
}

func (l Limits) withDefaults() Limits {
	set := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	set(&l.Bytes, 32<<20)
	set(&l.Documents, 10_000)
	set(&l.Depth, 200)
	set(&l.Values, 4_000_000)
	set(&l.Expansion, 100_000)
	return l
}
