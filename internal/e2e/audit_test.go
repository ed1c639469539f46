package e2e

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// event is one line of the API server's audit log: a change that somebody
// asked for.
type event struct {
	Verb, RequestURI string
	User             struct{ Username string }
	ImpersonatedUser struct{ Username string } // whom the user acted as
	ObjectRef        struct{ Resource, Subresource, Namespace, Name, APIGroup string }
	ResponseStatus   struct{ Code int }
	ResponseObject   json.RawMessage
	At               time.Time `json:"requestReceivedTimestamp"`
	Done             time.Time `json:"stageTimestamp"`
}

// dry reports whether the request only asked what would happen.
func (e event) dry() bool { return strings.Contains(e.RequestURI, "dryRun=All") }

// id names the object as inventories are compared: group/resource/namespace/name.
func (e event) id() string {
	r := e.ObjectRef
	if r.Resource == "namespaces" { // the log says that a namespace is in itself
		r.Namespace = ""
	}
	return strings.Join([]string{r.APIGroup, r.Resource, r.Namespace, r.Name}, "/")
}

// audit returns the changes since a time, oldest first.
func (w *world) audit(t *testing.T, since time.Time) []event {
	t.Helper()
	f, err := os.Open(w.Audit())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []event
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			continue // the line that is being written
		}
		if e.At.After(since) {
			out = append(out, e)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// by returns the events of a user.
func by(user string, events []event) []event {
	var out []event
	for _, e := range events {
		if e.User.Username == user {
			out = append(out, e)
		}
	}
	return out
}

// deleted returns what the user deleted, for real and with success.
func deleted(user string, events []event) []string {
	var out []string
	for _, e := range by(user, events) {
		if strings.HasPrefix(e.Verb, "delete") && !e.dry() && e.ResponseStatus.Code < 300 {
			out = append(out, e.id())
		}
	}
	return out
}
