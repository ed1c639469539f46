package oci

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/retry"
)

// maxRetries of one request, with a pause that doubles from a quarter of a
// second up to maxWait, or as long as the registry asks for up to that.
const (
	maxRetries = 5
	maxWait    = 10 * time.Second
	// patience bounds the wait for the first byte of an answer.
	patience = 30 * time.Second
)

// RetryingClient returns an HTTP client for registries: it retries what may
// pass (408, 429, 5xx, a reset connection), follows the proxy variables as Go
// does, and speaks plain HTTP to the loopback interface only, also where
// a redirect or a token service would have it otherwise.
func RetryingClient() *http.Client { return RetryingClientWithin(maxWait) }

// RetryingClientWithin is RetryingClient with another longest pause.
func RetryingClientWithin(wait time.Duration) *http.Client {
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.ResponseHeaderTimeout = patience
	return retryingClient(base, wait)
}

func retryingClient(base http.RoundTripper, wait time.Duration) *http.Client {
	t := retry.NewTransport(encrypted{base})
	t.Policy = func() retry.Policy {
		return &retry.GenericPolicy{
			Retryable: retry.DefaultPredicate, Backoff: retry.DefaultBackoff,
			MaxWait: wait, MaxRetry: maxRetries,
		}
	}
	return &http.Client{Transport: t}
}

// encrypted refuses to send anything in the clear over a network.
type encrypted struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (e encrypted) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !loopback(r.URL.Host) {
		return nil, fmt.Errorf("plain HTTP to %s: only the loopback interface is spoken to without TLS", r.URL.Host)
	}
	return e.RoundTripper.RoundTrip(r)
}

// DockerCredentials returns the credentials of a configuration file of Docker,
// its credential helpers included. A file that is not there has none.
func DockerCredentials(file string) (func(ctx context.Context, host string) (user, password string, err error), error) {
	store, err := credentials.NewStore(file, credentials.StoreOptions{})
	if err != nil {
		return nil, fmt.Errorf("read the credentials of registries from %s: %w", file, err)
	}
	return func(ctx context.Context, host string) (string, string, error) {
		c, err := credentials.Credential(store)(ctx, host)
		return c.Username, c.Password, err
	}, nil
}
