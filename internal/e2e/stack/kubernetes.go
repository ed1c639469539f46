package stack

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/darkstart-dev/darkstart/internal/e2e/programs"
)

// auditPolicy makes the API server write down what the engines do, in order
// and with times: the evidence that the story is told from. Of a Kustomization
// it keeps the whole object, for its conditions, and of a workload, for whether
// it was ready; of all else who did what.
const auditPolicy = `{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": [
  {"level": "RequestResponse", "verbs": ["create", "update", "patch", "delete"],
   "resources": [{"group": "kustomize.toolkit.fluxcd.io"}, {"group": "source.toolkit.fluxcd.io"},
                 {"group": "apps", "resources": ["deployments/status", "statefulsets/status"]}]},
  {"level": "Metadata", "verbs": ["create", "update", "patch", "delete", "deletecollection"]},
  {"level": "None"}
]}`

// Kubernetes starts etcd, the API server, the controller manager, the
// scheduler and KWOK.
func (s *Stack) Kubernetes(ctx context.Context) error {
	for _, f := range []func(context.Context) error{s.etcd, s.apiServer, s.controllers, s.kwok} {
		if err := f(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Audit is the path of the API server's log of changes.
func (s *Stack) Audit() string { return filepath.Join(s.Dir, "audit.log") }

func (s *Stack) etcd(ctx context.Context) error {
	a, err := addresses(2)
	if err != nil {
		return err
	}
	if err := s.ca.server("etcd"); err != nil {
		return err
	}
	client, peer := "https://"+a[0], "https://"+a[1]
	tls := func(prefix string) []string {
		return []string{
			"--" + prefix + "cert-file=" + s.ca.path("etcd.crt"), "--" + prefix + "key-file=" + s.ca.path("etcd.key"),
			"--" + prefix + "trusted-ca-file=" + s.ca.path("ca.crt"), "--" + prefix + "client-cert-auth",
		}
	}
	args := []string{
		"--data-dir=" + filepath.Join(s.Dir, "etcd"), "--unsafe-no-fsync", // the data dies with the test
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=default=" + peer,
	}
	if err := s.start(programs.Etcd, nil, append(append(args, tls("")...), tls("peer-")...)...); err != nil {
		return err
	}
	s.Server = client // until the API server has its own
	return s.ready(ctx, "etcd", client+"/readyz")
}

func (s *Stack) apiServer(ctx context.Context) error {
	addr, err := address()
	if err != nil {
		return err
	}
	for _, err := range []error{
		s.ca.server("apiserver", "kubernetes.default.svc"),
		s.ca.client("apiserver-etcd"),
		os.WriteFile(filepath.Join(s.Dir, "audit-policy.json"), []byte(auditPolicy), 0o644),
	} {
		if err != nil {
			return err
		}
	}
	etcd := s.Server
	host, port, _ := net.SplitHostPort(addr)
	s.Server = "https://" + addr
	err = s.start(programs.APIServer, nil,
		"--bind-address="+host, "--secure-port="+port, "--advertise-address="+host, "--endpoint-reconciler-type=none",
		"--tls-cert-file="+s.ca.path("apiserver.crt"), "--tls-private-key-file="+s.ca.path("apiserver.key"),
		"--client-ca-file="+s.ca.path("ca.crt"), "--authorization-mode=RBAC",
		"--etcd-servers="+etcd, "--etcd-cafile="+s.ca.path("ca.crt"),
		"--etcd-certfile="+s.ca.path("apiserver-etcd.crt"), "--etcd-keyfile="+s.ca.path("apiserver-etcd.key"),
		"--service-account-issuer="+s.Server, "--service-account-key-file="+s.ca.path("accounts.key"),
		"--service-account-signing-key-file="+s.ca.path("accounts.key"), "--service-cluster-ip-range=10.96.0.0/16",
		"--allow-privileged", "--profiling=false",
		"--audit-policy-file="+filepath.Join(s.Dir, "audit-policy.json"), "--audit-log-path="+s.Audit(), "--audit-log-mode=blocking",
	)
	if err != nil {
		return err
	}
	if err := s.ready(ctx, "kube-apiserver", s.Server+"/readyz"); err != nil {
		return err
	}
	_, err = s.kubeconfig("admin", "system:masters")
	return err
}

func (s *Stack) controllers(ctx context.Context) error {
	a, err := addresses(2)
	if err != nil {
		return err
	}
	for i, p := range []programs.Program{programs.ControllerManager, programs.Scheduler} {
		config, err := s.kubeconfig(p.Name, "system:masters")
		if err != nil {
			return err
		}
		host, port, _ := net.SplitHostPort(a[i])
		args := []string{
			"--kubeconfig=" + config, "--authentication-kubeconfig=" + config, "--authorization-kubeconfig=" + config,
			"--bind-address=" + host, "--secure-port=" + port, "--leader-elect=false", "--cert-dir=" + filepath.Join(s.Dir, p.Name),
			"--tls-cert-file=" + s.ca.path("apiserver.crt"), "--tls-private-key-file=" + s.ca.path("apiserver.key"),
		}
		if p.Name == programs.ControllerManager.Name {
			args = append(args, "--service-account-private-key-file="+s.ca.path("accounts.key"), "--root-ca-file="+s.ca.path("ca.crt"))
		}
		if err := s.start(p, nil, args...); err != nil {
			return err
		}
	}
	for i, p := range []programs.Program{programs.ControllerManager, programs.Scheduler} {
		if err := s.ready(ctx, p.Name, "https://"+a[i]+"/healthz"); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stack) kwok(ctx context.Context) error {
	addr, err := address()
	if err != nil {
		return err
	}
	config, err := s.kubeconfig("kwok", "system:masters")
	if err != nil {
		return err
	}
	args := []string{"--kubeconfig=" + config, "--manage-all-nodes=true", "--server-address=" + addr, "--node-ip=127.0.0.1"}
	for _, folder := range programs.KWOK.Assets {
		files, err := filepath.Glob(filepath.Join(s.Asset(programs.KWOK, folder), "*.yaml"))
		if err != nil || len(files) == 0 {
			return fmt.Errorf("no stages in %s", folder)
		}
		for _, f := range files {
			if filepath.Base(f) != "kustomization.yaml" {
				args = append(args, "--config="+f)
			}
		}
	}
	if err := s.start(programs.KWOK, nil, args...); err != nil {
		return err
	}
	return s.ready(ctx, "kwok", "http://"+addr+"/healthz")
}
