package link

import (
	"strconv"

	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

func index(i int) string { return strconv.Itoa(i) }

func ref(id string, why *plans.Because) plans.Requirement {
	return plans.Requirement{Op: plans.Ref, Node: id, Why: why}
}

// all joins requirements; it flattens nested alls and drops what is empty.
func all(rs ...plans.Requirement) plans.Requirement {
	var of []plans.Requirement
	for _, r := range rs {
		switch {
		case r.Op == "" || (r.Op == plans.All && len(r.Of) == 0):
		case r.Op == plans.All:
			of = append(of, r.Of...)
		default:
			of = append(of, r)
		}
	}
	switch len(of) {
	case 0:
		return plans.Requirement{}
	case 1:
		return of[0]
	}
	return plans.Requirement{Op: plans.All, Of: of}
}

func anyOf(rs ...plans.Requirement) plans.Requirement {
	switch len(rs) {
	case 0:
		return plans.Requirement{}
	case 1:
		return rs[0]
	}
	return plans.Requirement{Op: plans.Any, Of: rs}
}

// require resolves a declared requirement. bare is what a bare list means:
// all, or any in operate and observe. Names that point at nothing are left out
// and reported, so a typo shows once and hides nothing else.
func (l *linker) require(sc scope, who, set string, r *spec.Requirement, ptr string) plans.Requirement {
	if r == nil {
		return plans.Requirement{}
	}
	bare := plans.All
	if set == "operate" || set == "observe" {
		bare = plans.Any
	}
	return l.formula(sc, who, set, r, ptr, bare)
}

func (l *linker) formula(sc scope, who, set string, r *spec.Requirement, ptr string, bare plans.Op) plans.Requirement {
	list := func(rs []spec.Requirement, ptr string) []plans.Requirement {
		var out []plans.Requirement
		for i := range rs {
			if q := l.formula(sc, who, set, &rs[i], ptr+"/"+index(i), bare); q.Op != "" {
				out = append(out, q)
			}
		}
		return out
	}
	switch {
	case r.Node != "":
		s, ok := l.resolve(sc, who, set, r.Node, ptr)
		if !ok {
			return plans.Requirement{}
		}
		return ref(s.id, &plans.Because{Reason: who + " declares that it needs " + s.id + " (" + set + ")", At: sc.pos.At(ptr)})
	case r.List != nil && bare == plans.Any:
		return anyOf(list(r.List, ptr)...)
	case r.List != nil:
		return all(list(r.List, ptr)...)
	case r.Any != nil:
		return anyOf(list(r.Any, ptr+"/any")...)
	case r.AtLeast > 0:
		of := list(r.Of, ptr+"/of")
		if len(of) == 0 {
			return plans.Requirement{}
		}
		k := r.AtLeast
		if len(of) < len(r.Of) {
			k = min(k, len(of)) // the others were reported; a list that is too short is PLN002
		}
		return plans.Requirement{Op: plans.AtLeast, K: k, Of: of}
	}
	return all(list(r.All, ptr+"/all")...)
}

// requires resolves the declared sets of a node.
func (l *linker) requires(sc scope, who string, r *spec.Requires, ptr string) plans.Requires {
	operate := l.require(sc, who, "operate", r.Operate, ptr+"/requires/operate")
	return plans.Requires{
		Run:             l.require(sc, who, "run", r.Run, ptr+"/requires/run"),
		Start:           l.require(sc, who, "start", r.Start, ptr+"/requires/start"),
		Operate:         operate,
		Observe:         l.require(sc, who, "observe", r.Observe, ptr+"/requires/observe"),
		DeclaredOperate: operate,
	}
}

// leaves calls f for every reference.
func leaves(r *plans.Requirement, f func(*plans.Requirement)) {
	if r.Op == plans.Ref {
		f(r)
		return
	}
	for i := range r.Of {
		leaves(&r.Of[i], f)
	}
}
