package link

import (
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// teams resolves who acts. A name is a team, or a role: one of a team's
// decision rights or skills. A fleet without teams takes every role as implied
// (D15).
type teams struct {
	declared map[string]spec.Team
	roles    map[string]string // role to team
	implied  map[string]bool
}

func (l *linker) newTeams() *teams {
	t := &teams{roles: map[string]string{}, implied: map[string]bool{}}
	if l.units.Fleet == nil {
		return t
	}
	t.declared = l.units.Fleet.Spec.Teams
	for _, id := range sortedKeys(t.declared) {
		for _, r := range slices.Concat(t.declared[id].Decides, t.declared[id].Skills) {
			if t.roles[r] == "" {
				t.roles[r] = id
			}
		}
	}
	return t
}

// actor returns the actor that a name stands for.
func (t *teams) actor(name string) (string, bool) {
	if _, ok := t.declared[name]; ok || len(t.declared) == 0 {
		return name, true
	}
	id, ok := t.roles[name]
	return id, ok
}

func (t *teams) names() []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(sortedKeys(t.declared), sortedKeys(t.roles)))))
}

// owner reports an owner that is no team, once teams are declared.
func (l *linker) owner(sc scope, name, ptr string) {
	if name == "" || len(l.teams.declared) == 0 {
		return
	}
	if _, ok := l.teams.declared[name]; !ok {
		l.unknownName(sc.out, "LNK009", "team", name, sc.pos.At(ptr), sortedKeys(l.teams.declared))
	}
}

// actor resolves who does a step; roles of a fleet without teams become
// implied actors.
func (l *linker) actor(sc scope, name, ptr string) string {
	if name == "" {
		return ""
	}
	id, ok := l.teams.actor(name)
	if !ok {
		l.unknownName(sc.out, "LNK009", "team", name, sc.pos.At(ptr), l.teams.names())
		return ""
	}
	if len(l.teams.declared) == 0 {
		l.teams.implied[id] = true
	}
	return id
}

// declareActors adds an actor for each team, and a node, since a requirement
// may name a team.
func (l *linker) declareActors() {
	sc := l.fleetScope()
	for _, id := range sortedKeys(l.teams.declared) {
		t, ptr := l.teams.declared[id], ir.Pointer("teams", id)
		needs := l.require(sc, id, "needs", t.Needs, ptr+"/needs")
		l.actors = append(l.actors, plans.Actor{ID: id, Shift: t.Shift, Need: t.Need, Respond: t.Respond, Travel: t.Travel, Needs: needs, At: sc.pos.At(ptr)})
		if l.first(id, plans.KindTeam) {
			l.nodes = append(l.nodes, plans.Node{ID: id, Kind: plans.KindTeam, Priority: unranked, Requires: plans.Requires{Run: needs}, At: sc.pos.At(ptr)})
		}
	}
	for _, id := range sortedKeys(l.teams.implied) {
		l.actors = append(l.actors, plans.Actor{ID: id, Shift: 1, Implied: true})
	}
}
