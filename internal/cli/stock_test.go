package cli_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
)

func stockProgram(name string) (tools.Program, error) {
	for _, p := range tools.Programs() {
		if p.Name() == name {
			return p, nil
		}
	}
	return tools.Program{}, fmt.Errorf("no stock program is called %q", name)
}

// hasStock is the condition stock:NAME: whether a stock program is there. With
// CI=true one that is not fails the script, since nobody may skip it.
func hasStock(cond string) (bool, error) {
	name, ok := strings.CutPrefix(cond, "stock:")
	if !ok {
		return false, fmt.Errorf("unknown condition %q", cond)
	}
	p, err := stockProgram(name)
	if err != nil {
		return false, err
	}
	_, err = tools.Find(context.Background(), p)
	if err != nil && os.Getenv("CI") != "true" {
		return false, nil
	}
	return err == nil, err
}

// cmdStock runs a stock program in the script's folder and environment.
func cmdStock(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: stock NAME ARG…")
	}
	p, err := stockProgram(args[0])
	ts.Check(err)
	bin, err := tools.Find(context.Background(), p)
	ts.Check(err)
	if err = ts.Exec(bin, args[1:]...); neg == (err == nil) {
		ts.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
}
