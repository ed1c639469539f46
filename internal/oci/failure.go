package oci

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"

	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// Kind tells failures apart by what can be done about them.
type Kind string

// The kinds of Failure.
const (
	KindFailed  Kind = "failed"  // no answer, or one that may be another one later
	KindRefused Kind = "refused" // by its login or its rights
	KindMissing Kind = "missing" // it is not there
	KindLies    Kind = "lies"    // it holds other bytes than it says
)

// Failure is why a registry did not answer a question, in words.
type Failure struct {
	Kind   Kind
	Reason string // one clause, lower case
	Advice string
	Err    error
}

// Error returns the reason.
func (f *Failure) Error() string { return f.Reason }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Help returns the advice.
func (f *Failure) Help() string { return f.Advice }

const (
	adviceLogin = "log in: docker login %s (credentials come from Docker's config.json)"
	adviceReach = "run it where %s can be reached, or look the digests up there and bring them with darkstart lock --import FILE"
	adviceLater = "run it again later; logged in, most registries allow more"
)

// explain turns an error of the registry client into a Failure about a host.
// Of a cancelled context it says nothing: that is no answer of a registry.
func explain(ctx context.Context, host string, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	f := &Failure{Kind: KindFailed, Reason: strings.Join(strings.Fields(err.Error()), " "), Advice: fmt.Sprintf(adviceReach, host), Err: err}
	var answer *errcode.ErrorResponse
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, ErrNotFound):
		f.Kind = KindMissing
		f.Reason, f.Advice = "the registry does not have it (404)", "check the name and the tag; a registry may also hide what needs a login: docker login "+host
	case errors.Is(err, ErrDamaged):
		f.Kind = KindLies
		f.Reason, f.Advice = "the registry sent other bytes than its digest names", "report it to whoever runs "+host+"; nothing of it can be trusted"
	case errors.Is(err, auth.ErrBasicCredentialNotFound):
		f.Kind = KindRefused
		f.Reason, f.Advice = "the registry asks for a login, and there is none (401)", fmt.Sprintf(adviceLogin, host)
	case errors.As(err, &answer):
		f.answered(host, answer)
	case errors.Is(err, syscall.ECONNREFUSED):
		f.Reason = "the connection was refused"
	case errors.As(err, &dns):
		f.Reason = "no address is known for " + dns.Name
	case errors.As(err, &timeout) && timeout.Timeout():
		f.Reason = "the registry did not answer in time"
	}
	return f
}

// answered words the statuses that have a remedy of their own.
func (f *Failure) answered(host string, r *errcode.ErrorResponse) {
	switch r.StatusCode {
	case http.StatusUnauthorized:
		f.Kind = KindRefused
		f.Reason, f.Advice = "the registry refuses the login (401)", fmt.Sprintf(adviceLogin, host)
	case http.StatusForbidden:
		f.Kind = KindRefused
		f.Reason, f.Advice = "the login may not read it (403)", fmt.Sprintf(adviceLogin, host)
	case http.StatusNotFound:
		f.Kind = KindMissing
		f.Reason, f.Advice = "the registry does not have it (404)", "check the name and the tag"
	case http.StatusTooManyRequests:
		f.Reason, f.Advice = fmt.Sprintf("too many requests (429), also after %d retries", maxRetries), adviceLater
	default:
		f.Reason = fmt.Sprintf("the registry answered %d %s", r.StatusCode, http.StatusText(r.StatusCode))
		if r.StatusCode >= http.StatusInternalServerError {
			f.Reason, f.Advice = f.Reason+fmt.Sprintf(", also after %d retries", maxRetries), adviceLater
		}
	}
}
