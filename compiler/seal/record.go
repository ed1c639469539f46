package seal

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

// recordSide returns meta/bundle.json and, where the artifact is applied to a
// cluster at all, the guard part.
func recordSide(content *held, r ir.Record) ([]ir.File, error) {
	record, err := object.Encode(r)
	if err != nil {
		return nil, err
	}
	side := []ir.File{{Path: RecordPath, Data: record}}
	if !content.has("kustomization.yaml") {
		return side, nil
	}
	guard, err := guardFiles(r)
	if err != nil {
		return nil, err
	}
	return append(side, guard...), nil
}

// token is what names of streams, artifacts and versions look like. They reach
// annotations, tags and file names.
var token = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$`)

// checkRecord refuses a record whose fields contradict each other.
func checkRecord(r ir.Record) diag.List {
	var diags diag.List
	bad := func(format string, args ...any) {
		diags.Add(diag.Errorf("SEA008", format, args...).
			Note("in the release record of artifact %q", r.Artifact).
			Fix("let `darkstart release` write the record; it is never edited by hand"))
	}
	for field, v := range map[string]string{"artifact": r.Artifact, "stream": r.Stream, "minCompiler": r.MinCompiler} {
		if !token.MatchString(v) {
			bad("%s %q of a release record is not a name (letters, digits, . _ -)", field, v)
		}
	}
	if r.Revision != "" && strings.Trim(r.Revision, "0123456789abcdef") != "" {
		bad("revision %q is not a commit id", r.Revision)
	}
	if r.Previous != "" {
		if _, err := digest.Parse(string(r.Previous)); err != nil {
			bad("previous release: %v", err)
		}
	}
	checkTimes(r, bad)
	checkWaivers(r, bad)
	switch {
	case r.Serial < 0:
		bad("serial %d is negative", r.Serial)
	case r.Serial == 0 && (r.Previous != "" || r.Issued != "" || r.NotAfter != "" || r.Waivers != nil):
		bad("a candidate (serial 0) has facts of a release")
	case r.Serial > 0 && (r.Issued == "" || r.Revision == ""):
		bad("serial %d has no time of issue or no revision", r.Serial)
	case r.Serial == 1 && r.Previous != "", r.Serial > 1 && r.Previous == "":
		bad("serial %d does not fit its previous release %q", r.Serial, r.Previous)
	}
	return diags.Sorted()
}

func checkTimes(r ir.Record, bad func(string, ...any)) {
	times := map[string]time.Time{}
	for field, v := range map[string]string{"issued": r.Issued, "notAfter": r.NotAfter} {
		if v == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, v)
		if err != nil || t.UTC().Format(time.RFC3339) != v {
			bad("%s %q is not a time in RFC 3339, UTC", field, v)
			continue
		}
		times[field] = t
	}
	if n, ok := times["notAfter"]; ok && !n.After(times["issued"]) {
		bad("the release ends at %s, which is not after its issue at %s", r.NotAfter, r.Issued)
	}
}

func checkWaivers(r ir.Record, bad func(string, ...any)) {
	for i, w := range r.Waivers {
		if strings.ContainsFunc(w.ID+w.Rule+w.Owner+w.Ticket+w.Expires, unicode.IsControl) {
			bad("waiver %q holds a control character", w.ID)
		}
		if _, err := spec.WaiverEnd(w.Expires); err != nil || w.ID == "" || w.Rule == "" || w.Owner == "" {
			bad("waiver %q has no rule, no owner or no date of expiry", w.ID)
		}
		if i > 0 && r.Waivers[i-1].ID >= w.ID {
			bad("waivers are not sorted by id, each once")
		}
	}
}

// parseRecord reads meta/bundle.json. Fields that v1 does not know are
// refused: MinCompiler exists so that a newer format can say so.
func parseRecord(b []byte) (ir.Record, *diag.Diagnostic) {
	var r ir.Record
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return r, diag.Errorf("SEA008", "%s cannot be read: %v", RecordPath, err).
			Fix("fetch the bundle again; if it stays unreadable it was not sealed by Darkstart, or by a newer version")
	}
	return r, nil
}
