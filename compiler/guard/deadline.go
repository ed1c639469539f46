package guard

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errDeadline says that a rule was stopped.
var errDeadline = errors.New("deadline exceeded")

// grace is how long a builtin may take to notice that it was stopped. Most ask;
// one that does not is left behind: it has nothing to say any more, and the
// process is about to end.
const grace = 500 * time.Millisecond

// within runs one evaluation under the rule's deadline. It returns in time, come
// what may: a builtin that neither ends nor looks whether it should, and one
// that panics, must not take the run with them.
func within[T any](ctx context.Context, d time.Duration, f func(context.Context) (T, error)) (T, error) {
	inner, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	type outcome struct {
		v   T
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			if p := recover(); p != nil {
				o.err = fmt.Errorf("a builtin panicked: %v", p)
			}
			done <- o
		}()
		o.v, o.err = f(inner)
	}()
	var o outcome
	select {
	case o = <-done:
	case <-inner.Done():
		select {
		case o = <-done:
		case <-time.After(grace):
			o.err = errDeadline
		}
	}
	if o.err != nil && ctx.Err() != nil {
		o.err = ctx.Err() // the whole run was stopped, not this rule
	}
	return o.v, o.err
}
